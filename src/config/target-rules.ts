import { tokenFault } from "../message/subject.ts";
import type { Expression } from "../message/target/expression.ts";
import { circleOf, parseGroup } from "../message/target/groups.ts";
import { labelFault, MOST_LABELS } from "../message/target/labels.ts";
import { namedIn } from "../message/target/match.ts";
import { isTargetWord } from "../message/target/words.ts";
import type { Path } from "./schema/schema-tree.ts";

type Report = (path: Path, message: string) => void;
type Mapping = Readonly<Record<string, unknown>>;

/** The rules of `labels:`, `groups:` and `facts:`. Values of the wrong type are skipped: the schema has named them. */
export function checkTargets({ labels, groups, facts }: Mapping, report: Report): void {
  checkLabels(entriesOf(labels), report);
  checkGroups(entriesOf(groups), report);
  for (const [name] of entriesOf(facts)) {
    const fault = nameFault(name);
    if (fault !== undefined) report(["facts", name], `not the name of a fact: ${fault}`);
  }
}

function checkLabels(labels: readonly (readonly [string, unknown])[], report: Report): void {
  if (labels.length > MOST_LABELS) report(["labels"], `it has ${labels.length} labels, ${MOST_LABELS} are allowed`);
  for (const [key, value] of labels) {
    const fault = labelFault(key, typeof value === "string" && value !== "" ? value : "-");
    if (fault !== undefined) report(["labels", key], fault);
  }
}

function checkGroups(written: readonly (readonly [string, unknown])[], report: Report): void {
  const groups = new Map<string, Expression>();
  for (const [name, value] of written) {
    const fault = nameFault(name);
    if (fault !== undefined) report(["groups", name], `not the name of a group: ${fault}`);
    const parts = Array.isArray(value) ? value : [value];
    if (!parts.every((part) => typeof part === "string" && part !== "") || parts.length === 0) continue;
    try {
      groups.set(name, parseGroup(parts));
    } catch (thrown) {
      report(["groups", name], thrown instanceof Error ? thrown.message : String(thrown));
    }
  }
  const known = new Set(written.map(([name]) => name));
  for (const [name, group] of groups) {
    for (const other of namedIn(group, new Map()).groups)
      if (!known.has(other)) report(["groups", name], `there is no group @${other}`);
    const circle = circleOf(name, groups);
    if (circle !== undefined)
      report(["groups", name], `it leads back to itself: ${circle.map((g) => `@${g}`).join(", ")}`);
  }
}

function nameFault(name: string): string | undefined {
  return tokenFault(name) ?? (isTargetWord(name) ? `${name} is a word of the language of targets` : undefined);
}

function entriesOf(value: unknown): readonly (readonly [string, unknown])[] {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? Object.entries(value) : [];
}
