import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Config } from "../../config/config.ts";
import type { OfflineCheck } from "../../journal/offline.ts";
import { normalise } from "../../message/errors.ts";
import { bytes } from "../../message/text/figures.ts";
import type { Cli } from "../cli.ts";
import { counted } from "../render/text.ts";
import { inaccessible } from "./access.ts";
import type { Finding } from "./finding.ts";

/** How many rows are named to a person; programs are told more. */
const MOST_NAMED = 20;

/** The journal of a daemon that does not run, checked row by row. Empty: there is none, or a daemon has it. */
export async function journalAtRest(config: Config, cli: Cli): Promise<Finding[]> {
  const check = "journal";
  const path = join(config.data, "journal");
  try {
    const refused = inaccessible(config.data);
    if (refused !== undefined) return [refused];
    const { lockHolder } = await import("../../runtime/daemon/lock.ts");
    if (lockHolder(config.data) !== undefined) return [];
    const progress = progressOn(cli);
    const options = { scratch: tmpdir(), onRows: progress.rows };
    const checked = await cli.reach.checkJournal(path, options).finally(progress.end);
    // A daemon that started meanwhile wrote to the files that were copied.
    if (checked === undefined || lockHolder(config.data) !== undefined) return [];
    return findingsOf(checked, path, config.node);
  } catch (thrown) {
    const { message, details } = normalise(thrown);
    return [{ check, verdict: "fail", text: message, remedy: remedyFor(path), details: { path, ...details } }];
  }
}

function findingsOf(checked: OfflineCheck, path: string, node: string): Finding[] {
  const { counts, problems, wrong, leftovers, aside, owner, version, epoch, rows } = checked;
  const details = {
    path,
    ...(version === undefined ? {} : { version }),
    ...(owner === undefined ? {} : { owner }),
    ...(epoch === undefined ? {} : { epoch }),
    rows,
    bytes: checked.bytes,
    counts: { ...counts, owed: Object.fromEntries(counts.owed) },
    wrong,
    leftovers,
    aside,
    problems,
  };
  const findings: Finding[] = [];
  const add = (verdict: Finding["verdict"], text: string, remedy?: string): void => {
    const journal = findings.length === 0 ? { details } : {};
    findings.push({ check: "journal", verdict, text, ...(remedy === undefined ? {} : { remedy }), ...journal });
  };
  const told = (harm: "wrong" | "leftover" | "aside", total: number): string => {
    const those = problems.filter((problem) => problem.harm === harm).slice(0, MOST_NAMED);
    const lines = those.map(({ table, key, fault }) => `${table}${key === '""' ? "" : ` ${key}`}: ${fault}`);
    return [...lines, ...(total > those.length ? [`and ${total - those.length} more`] : [])].join("\n");
  };
  if (owner !== undefined && owner !== node) {
    add(
      "fail",
      `${path} belongs to node ${owner}, and this node is ${node}`,
      "Correct `node:` or `data:` in steward.yaml.",
    );
  }
  if (wrong > 0)
    add("fail", `${path} is damaged, in ${counted(wrong, "place")}:\n${told("wrong", wrong)}`, remedyFor(path));
  else if (findings.length === 0) add("ok", `${path} is sound: ${summary(checked)}`);
  if (aside > 0) {
    const text = `the daemon has set aside ${counted(aside, "row")} that had rotted on the disk:\n${told("aside", aside)}`;
    add(
      "warn",
      text,
      "Check the disk and the memory of this machine. The rows stay in the journal, and the daemon does not use them.",
    );
  }
  if (leftovers > 0) {
    const text = `the journal has ${counted(leftovers, "row")} that no message needs:\n${told("leftover", leftovers)}`;
    add(
      "warn",
      text,
      "The rows take room and do no harm. This is a defect in steward: please report it with these lines.",
    );
  }
  return findings;
}

function remedyFor(path: string): string {
  return `Keep a copy of ${path}, then start the daemon: it sets the damaged rows aside, goes on with the others, and tells central. Check the disk and the memory of this machine.`;
}

/** The content of the journal in numbers. */
function summary({ counts, rows, bytes: size }: OfflineCheck): string {
  const { owed, open, kept, pending, running, done, dead } = counts;
  const total = [...owed.values()].reduce((sum, messages) => sum + messages, 0);
  const most = [...owed].sort(([, a], [, b]) => b - a).slice(0, 5);
  const whom = most.map(([node, messages]) => `${messages} to ${node}`);
  if (owed.size > most.length) whom.push(`${owed.size - most.length} more nodes`);
  return [
    `${counted(total, "message")} to deliver${total === 0 ? "" : ` (${whom.join(", ")})`}`,
    `${counted(open, "command")} without outcome`,
    `${counted(kept, "message")} of this node kept`,
    `from other nodes ${pending} to do${running === 0 ? "" : ` (${running} begun)`} and ${done} done`,
    counted(dead, "dead letter"),
    `${counted(rows, "row")}, ${bytes(size)}`,
  ].join("; ");
}

/** On a terminal a long check says how far it is. */
function progressOn({ io: { stderr }, json }: Cli): { rows(count: number): void; end(): void } {
  const shown = stderr.isTTY === true && !json;
  let told = false;
  return {
    rows(count) {
      if (!shown) return;
      told = true;
      stderr.write(`\rjournal: ${count} rows looked at`);
    },
    end() {
      if (told) stderr.write("\r\u001b[K");
    },
  };
}
