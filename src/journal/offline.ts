import { constants, cpSync, existsSync, mkdtempSync, readdirSync, rmSync, statfsSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { type Database, open } from "lmdb";
import type { Clock } from "../message/clock.ts";
import { faultText, StewardError } from "../message/errors.ts";
import { checkJournal, type JournalCheck } from "./check/check.ts";
import { type KnownProblem, type Rows, Unreadable } from "./check/problems.ts";
import { openLmdbStore } from "./store/lmdb-store.ts";
import { readRow } from "./store/row-text.ts";
import {
  type Bounds,
  compareKeys,
  type Entry,
  type Key,
  keyText,
  type Store,
  TABLES,
  type Table,
  within,
} from "./store/store.ts";

export interface OfflineOptions {
  readonly clock: Clock;
  /** The folder for the copy, which needs about twice the room of the journal for as long as the check takes. */
  readonly scratch: string;
  readonly onRows?: (rows: number) => void;
  readonly openStore?: (path: string, clock: Clock) => Store;
}

export interface OfflineCheck extends JournalCheck {
  /** Bytes of the journal's files. */
  readonly bytes: number;
}

/** Room that a copy takes besides twice the journal: the log's files are made anew. */
const SPARE = 16 * 1024 * 1024;
/** LMDB's lock file, which holds no data. */
const LOCK = "lock.mdb";

/**
 * Checks the journal of a daemon that is not running, in a copy: opening LMDB writes to its file, and the log's records have
 * to be written to the tables before these can be compared. The journal's own files are only read.
 *
 * @returns `undefined` when there is no journal @throws StewardError `data-directory`
 */
export async function checkOffline(path: string, options: OfflineOptions): Promise<OfflineCheck | undefined> {
  if (!existsSync(path)) return undefined;
  const { clock, scratch, onRows, openStore = openLmdbStore } = options;
  let copy: string | undefined;
  try {
    const files = readdirSync(path).filter((name) => name !== LOCK);
    if (files.length === 0) return undefined;
    const bytes = files.reduce((sum, name) => sum + statSync(join(path, name)).size, 0);
    const { bavail, bsize } = statfsSync(scratch);
    if (bavail * bsize < 2 * bytes + SPARE)
      throw new Error(`its check needs ${2 * bytes + SPARE} bytes in ${scratch}, and ${bavail * bsize} are free there`);
    copy = mkdtempSync(join(scratch, "steward-doctor-"));
    const journal = join(copy, "journal");
    cpSync(path, journal, {
      recursive: true,
      mode: constants.COPYFILE_FICLONE,
      filter: (from) => basename(from) !== LOCK,
    });
    const known = await settle(journal, clock, openStore);
    const { rows, close } = openRows(journal);
    try {
      return { ...checkJournal(rows, { known, ...(onRows === undefined ? {} : { onRows }) }), bytes };
    } finally {
      await close();
    }
  } catch (error) {
    // The error names the journal: the name of the copy means nothing to an operator.
    if (error instanceof StewardError) throw new StewardError(error.code, { ...error.details, path }, { cause: error });
    throw new StewardError("data-directory", { path, fault: faultText(error) }, { cause: error });
  } finally {
    if (copy !== undefined) rmSync(copy, { recursive: true, force: true });
  }
}

/** Writes the log's records to the tables, as the daemon would at its next start. Returns the faults of the log. */
async function settle(path: string, clock: Clock, openStore: typeof openLmdbStore): Promise<KnownProblem[]> {
  const store = openStore(path, clock);
  const problems: KnownProblem[] = [];
  for (const fault of [store.damage, store.mended])
    if (fault !== undefined) problems.push({ table: "files", key: "", fault, harm: "wrong" });
  store.onSetAside(({ table, key, fault }) => problems.push({ table, key, fault, harm: "wrong" }));
  await store.close();
  return problems;
}

/** The tables as they lie in LMDB, unreadable rows included. */
function openRows(path: string): { readonly rows: Rows; close(): Promise<void> } {
  const env = open({ path, maxDbs: TABLES.length + 2, encoding: "string", readOnly: true });
  const tables = new Map(TABLES.map((table) => [table, env.openDB<string, Key>({ name: table })]));
  const isAside = (table: Table, key: Key): boolean => tables.get("aside")?.get([table, keyText(key)]) !== undefined;
  return {
    rows: {
      get: (table, key) => read(table, key, tables.get(table)?.get(key)),
      range: (table, bounds) => walk(table, tables.get(table), bounds, isAside),
    },
    close: () => env.close(),
  };
}

function* walk(
  name: Table,
  table: Database<string, Key> | undefined,
  bounds: Bounds,
  isAside: (table: Table, key: Key) => boolean,
): Generator<Entry> {
  if (table === undefined) return;
  const { from, to, reverse = false, limit = Number.POSITIVE_INFINITY } = bounds;
  const start = reverse ? to : from;
  let left = limit;
  for (const { key, value } of table.getRange({ reverse, ...(start === undefined ? {} : { start }) })) {
    if (!within(key, bounds)) {
      const beyond = reverse ? from !== undefined && compareKeys(key, from) < 0 : to !== undefined;
      if (beyond) return;
      continue;
    }
    if (left-- <= 0) return;
    const row = read(name, key, value);
    // A row whose key LMDB cannot address was set aside, but could not be removed from its table.
    if (row instanceof Unreadable && isAside(name, key)) continue;
    yield { key, value: row };
  }
}

function read(table: Table, key: Key, text: string | undefined): unknown {
  if (text === undefined) return undefined;
  const { json, fault } = readRow(table, key, text);
  return fault === undefined ? JSON.parse(json) : new Unreadable(fault);
}
