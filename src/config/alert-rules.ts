import { tokenFault } from "../message/subject.ts";
import { parseExpression } from "../message/target/expression.ts";
import type { Path } from "./schema/schema-tree.ts";

type Report = (path: Path, message: string) => void;
type Mapping = Readonly<Record<string, unknown>>;

const WAYS = ["append", "run", "post", "mail", "publish", "alert"] as const;
/** Conditions of alert rules that are no expressions. */
const CONDITIONS = ["offline", "storage", "alert"] as const;

/** The rules of `destinations:` and `alerts:`. Values of the wrong type are skipped: the schema has named them. */
export function checkAlerts(root: Mapping, report: Report): void {
  const destinations = entriesOf(root.destinations);
  for (const [name, value] of destinations) {
    checkName(["destinations", name], name, report);
    const keys = entriesOf(value).map(([key]) => key);
    const ways = WAYS.filter((way) => keys.includes(way));
    if (ways.length !== 1)
      report(
        ["destinations", name],
        `it has ${ways.length === 0 ? "none" : ways.join(" and ")} of ${WAYS.join(", ")}; write one`,
      );
    if (keys.includes("tokenFile") && !keys.includes("post"))
      report(["destinations", name, "tokenFile"], "only `post` has a token");
    if (keys.includes("sendmail") && !keys.includes("mail"))
      report(["destinations", name, "sendmail"], "only `mail` is sent so");
  }
  const known = new Map(destinations.map(([name, value]) => [name, entriesOf(value).some(([key]) => key === "alert")]));
  for (const [name, value] of entriesOf(root.alerts)) {
    checkName(["alerts", name], name, report);
    checkRule(name, value, known, report);
  }
}

function checkRule(name: string, value: unknown, known: ReadonlyMap<string, boolean>, report: Report): void {
  const rule = Object.fromEntries(entriesOf(value));
  const { when, nodes, to, codes } = rule;
  const isWord = CONDITIONS.some((word) => word === when);
  if (typeof when === "string" && when !== "" && !isWord) checkExpression(["alerts", name, "when"], when, report);
  if (typeof nodes === "string" && nodes !== "") checkExpression(["alerts", name, "nodes"], nodes, report);
  if (codes !== undefined && when !== "alert") report(["alerts", name, "codes"], "codes belong to `when: alert`");
  if (!Array.isArray(to)) return;
  to.forEach((destination: unknown, i) => {
    if (typeof destination !== "string") return;
    if (!known.has(destination)) report(["alerts", name, "to", i], `there is no destination ${destination}`);
    else if (known.get(destination) === true)
      report(["alerts", name, "to", i], `${destination} makes alerts, and an alert would make the next one`);
  });
}

function checkExpression(path: Path, text: string, report: Report): void {
  try {
    parseExpression(text);
  } catch (thrown) {
    report(path, thrown instanceof Error ? thrown.message : String(thrown));
  }
}

function checkName(path: Path, name: string, report: Report): void {
  const fault = tokenFault(name);
  if (fault !== undefined) report(path, `not a name: ${fault}`);
}

function entriesOf(value: unknown): readonly (readonly [string, unknown])[] {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? Object.entries(value) : [];
}
