import { JOURNAL_VERSION } from "../records.ts";
import type { SetAside } from "../store/store.ts";
import { checkCheckpoints } from "./checkpoints.ts";
import { checkHeld, type HeldCounts } from "./held.ts";
import { checkIn, type InCounts } from "./in.ts";
import { checkJobs } from "./jobs.ts";
import { checkOut, type OutCounts } from "./out.ts";
import { Inspection, type KnownProblem, type Problem, type Rows } from "./problems.ts";
import {
  count,
  factsRecord,
  historyRecord,
  id,
  json,
  labelsRecord,
  list,
  record,
  sequence,
  setAside,
  text,
  token,
  tuple,
} from "./shapes.ts";

export interface JournalCheck {
  readonly version: number | undefined;
  readonly owner: string | undefined;
  readonly epoch: string | undefined;
  readonly rows: number;
  readonly counts: OutCounts & HeldCounts & InCounts;
  /** The first problems; `wrong`, `leftovers` and `aside` count all. */
  readonly problems: readonly Problem[];
  readonly wrong: number;
  readonly leftovers: number;
  /** Damaged rows that a daemon has set aside. */
  readonly aside: number;
}

export interface CheckOptions {
  /** Problems that were found before the rows are read. */
  readonly known?: readonly KnownProblem[];
  /** Called now and then with the number of rows that were looked at. */
  readonly onRows?: (rows: number) => void;
}

/**
 * Checks that each row of a journal has the shape of its record, and that the rows agree with each other. Rows are read one
 * after the other and never changed; only lanes and pending messages are kept in memory, as by the daemon.
 */
export function checkJournal(rows: Rows, { known = [], onRows }: CheckOptions = {}): JournalCheck {
  const found = new Inspection(rows, onRows);
  for (const { table, key, fault, harm } of known) found.add(table, key, fault, harm);
  const meta = checkMeta(found);
  const counts = { ...checkOut(found), ...checkHeld(found), ...checkIn(found, meta.owner) };
  checkJobs(found);
  checkNotes(found);
  for (const name of ["version", "node", "epoch"]) {
    if (found.seen > 0 && rows.get("meta", name) === undefined) found.add("meta", name, "it is missing");
  }
  const { problems, wrong, leftovers, aside, seen } = found;
  return { ...meta, rows: seen, counts, problems, wrong, leftovers, aside };
}

function checkMeta(found: Inspection): Pick<JournalCheck, "version" | "owner" | "epoch"> {
  const meta = new Map<string, unknown>();
  const shapes = new Map([
    ["version", sequence],
    ["node", token],
    ["epoch", token],
    ["home", text],
    ["based", token],
    ["ancestors", list(token)],
    ["boot", text],
  ]);
  for (const { key, value } of found.sound<unknown, string>("meta", text, json)) {
    const fault = (shapes.get(key) ?? (() => "there is no such entry"))(value);
    if (fault !== undefined) found.add("meta", key, fault);
    else meta.set(key, value);
  }
  const [version, owner, epoch] = [meta.get("version"), meta.get("node"), meta.get("epoch")];
  if (version !== undefined && (version as number) > JOURNAL_VERSION)
    found.add("meta", "version", `it is ${version}, and this steward reads up to ${JOURNAL_VERSION}`);
  return {
    version: version as number | undefined,
    owner: owner as string | undefined,
    epoch: epoch as string | undefined,
  };
}

/** The rows that are not about messages. */
function checkNotes(found: Inspection): void {
  checkCheckpoints(found);
  for (const _ of found.sound("nodes", token, record));
  for (const _ of found.sound("labels", token, labelsRecord));
  for (const _ of found.sound("facts", token, factsRecord));
  for (const _ of found.sound("history", count, historyRecord));
  for (const _ of found.sound("taken", text, list(id)));
  for (const _ of found.sound("cancelled", id, text));
  for (const { value } of found.sound<SetAside & { readonly open: boolean }>("aside", tuple(text, text), setAside))
    if (!value.open) found.add(value.table, value.key, value.fault, "aside");
}
