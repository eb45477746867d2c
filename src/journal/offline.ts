import {
  closeSync,
  constants,
  cpSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  statfsSync,
  statSync,
  truncateSync,
} from "node:fs";
import { basename, join } from "node:path";
import { type Database, open } from "lmdb";
import type { Clock } from "../message/clock.ts";
import { faultText, StewardError } from "../message/errors.ts";
import { checkJournal, type JournalCheck } from "./check/check.ts";
import { type Problem, type Rows, Unreadable } from "./check/problems.ts";
import { openLmdbStore } from "./store/lmdb-store.ts";
import { type Bounds, compareKeys, type Entry, type Key, type Store, TABLES, within } from "./store/store.ts";

/**
 * Checks the journal of a daemon that is not running. All is done with a copy: to open LMDB is to write to it, and what the
 * log holds has to be brought to its tables before they can be compared. The journal's own files are only read.
 */
export interface OfflineOptions {
  readonly clock: Clock;
  /** Where the copy is made; it needs about twice the room of the journal, for as long as the check takes. */
  readonly scratch: string;
  readonly onRows?: (rows: number) => void;
  readonly openStore?: (path: string, clock: Clock) => Store;
}

export interface OfflineCheck extends JournalCheck {
  /** Bytes of the journal's files. */
  readonly bytes: number;
}

/** Room that a copy takes beside twice the journal: the log's files are made anew. */
const SPARE = 16 * 1024 * 1024;
/** What LMDB keeps there belongs to processes, not to the data. */
const LOCK = "lock.mdb";
const DATA = "data.mdb";

/** Where LMDB's two first pages say how large the file is. */
const META = { magic: 24, pageSize: 48, lastPage: 144 };
const LMDB_MAGIC = 0xbeef_c0de;
const LARGEST_PAGE = 65_536;
/** So many pages at the end may be missing. */
const UNUSED = 8;

/** `undefined`: there is no journal. @throws StewardError `data-directory` */
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
    cpSync(path, copy, {
      recursive: true,
      mode: constants.COPYFILE_FICLONE,
      filter: (from) => basename(from) !== LOCK,
    });
    secure(join(copy, DATA));
    const known = await settle(copy, clock, openStore);
    const { rows, close } = openRows(copy);
    try {
      return { ...checkJournal(rows, { known, ...(onRows === undefined ? {} : { onRows }) }), bytes };
    } finally {
      await close();
    }
  } catch (error) {
    // Nobody knows the copy by its name.
    if (error instanceof StewardError) throw new StewardError(error.code, { ...error.details, path }, { cause: error });
    throw new StewardError("data-directory", { path, fault: faultText(error) }, { cause: error });
  } finally {
    if (copy !== undefined) rmSync(copy, { recursive: true, force: true });
  }
}

/**
 * LMDB reads its file as memory, and ends the process where that is not what it should be: a file that is none of its own,
 * or was cut off, is not opened at all. Pages at the end that were never used may be missing in a good one; there the copy
 * is given its full length.
 */
function secure(file: string): void {
  const size = existsSync(file) ? statSync(file).size : 0;
  if (size === 0) return;
  const head = Buffer.alloc(2 * LARGEST_PAGE);
  const opened = openSync(file, "r");
  readSync(opened, head);
  closeSync(opened);
  const pageSize = head.readUInt32LE(META.pageSize);
  const sound = [0, pageSize].filter(
    (page) => page <= LARGEST_PAGE && head.readUInt32LE(page + META.magic) === LMDB_MAGIC,
  );
  if (sound.length < 2) throw new Error(`${DATA} is damaged at its beginning`);
  const whole = Math.max(...sound.map((page) => Number(head.readBigUInt64LE(page + META.lastPage)) + 1)) * pageSize;
  if (size < whole - UNUSED * pageSize) throw new Error(`${DATA} is cut off: it has ${size} bytes of ${whole}`);
  if (size < whole) truncateSync(file, whole);
}

/** Brings what lies in the log to the tables, as the daemon would at its next start. Says what is wrong with the log. */
async function settle(path: string, clock: Clock, openStore: typeof openLmdbStore): Promise<Problem[]> {
  const store: Store & { readonly damage?: string | undefined } = openStore(path, clock);
  const { damage } = store;
  await store.close();
  return damage === undefined ? [] : [{ table: "log", key: "", fault: damage, harm: "wrong" }];
}

/** The tables as they are, with rows that no journal could have written. */
function openRows(path: string): { readonly rows: Rows; close(): Promise<void> } {
  const env = open({ path, maxDbs: TABLES.length + 2, encoding: "string", readOnly: true });
  const tables = new Map(TABLES.map((table) => [table, env.openDB<string, Key>({ name: table })]));
  return {
    rows: {
      get: (table, key) => read(tables.get(table)?.get(key)),
      range: (table, bounds) => walk(tables.get(table), bounds),
    },
    close: () => env.close(),
  };
}

function* walk(table: Database<string, Key> | undefined, bounds: Bounds): Generator<Entry> {
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
    yield { key, value: read(value) };
  }
}

function read(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return new Unreadable(`it is no JSON: ${JSON.stringify(text.slice(0, 60))}`);
  }
}
