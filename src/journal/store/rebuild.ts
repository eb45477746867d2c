import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { type Database, open, type RootDatabase } from "lmdb";
import { JOURNAL_VERSION } from "../records.ts";
import { DatabaseFile, type Visit } from "./database-file.ts";
import { asideRow, keyBytes, keyOf, ownKey, readRow, rowText } from "./row-text.ts";
import { type Key, TABLES, type Table } from "./store.ts";

export interface Mended {
  /** `undefined`: the file was sound. */
  readonly fault: string | undefined;
  /** The new path of the damaged file, if there was one. */
  readonly kept?: string;
  /** True: rows are missing from the new file. */
  readonly lost: boolean;
}

const DATA = "data.mdb";
const SOUND: Mended = { fault: undefined, lost: false };
/** Room that must be left on the disk besides the new file. */
const SPARE = 4 * 1024 * 1024;

/**
 * Checks LMDB's file before LMDB opens it, for a damaged page crashes the process. A damaged file is put aside, and a new one
 * is made of its readable rows: of the present state, or else of the state before it, which LMDB leaves intact until the next
 * transaction and which the log brings up to date.
 *
 * @param identify returns an identity that a copy of the file does not share
 */
export function mendDatabase(path: string, identify: (file: string) => string): Mended {
  const file = join(path, DATA);
  const hasLog = existsSync(join(path, "wal-0.log"));
  if (!existsSync(file)) return hasLog ? { fault: `${DATA} is missing`, lost: true } : SOUND;
  if (statSync(file).size === 0) return { fault: `${DATA} is empty, which is what an emptied disk leaves`, lost: true };
  const database = new DatabaseFile(file);
  try {
    const found = look(database);
    if (found.isSound || found.isNewer) return SOUND;
    const kept = make(path, database, found.state, identify);
    return { fault: `${DATA} was damaged (${found.fault})`, kept, lost: found.lost };
  } finally {
    database.close();
  }
}

/** Finds the newest intact state. */
function look(database: DatabaseFile) {
  let isNewer = false;
  let astray = 0;
  const seen: Visit = (table, key, value) => {
    if (keyOf(key) === undefined) astray++;
    if (table !== "meta" || !key.toString("latin1").startsWith("version")) return;
    const { json } = readRow("meta", "version", value.toString("utf8"));
    if (Number(json) > JOURNAL_VERSION) isNewer = true;
  };
  const faults = [...database.faults];
  for (let state = 0; state < database.states; state++) {
    astray = 0;
    const found = database.walk(state, seen, TABLES);
    if (found.length === 0) {
      if (astray > 0) faults.push(`keys of rows that LMDB cannot read: ${astray}`);
      if (database.flagged > 0) faults.push(`pages that LMDB cannot write to: ${database.flagged}`);
      return { state, isSound: faults.length === 0, lost: false, isNewer, fault: faults[0] ?? "" };
    }
    faults.push(...found);
  }
  return { state: 0, isSound: false, lost: true, isNewer, fault: faults[0] ?? "it cannot be read" };
}

/** Makes the new file. Returns the new path of the damaged one. */
function make(path: string, from: DatabaseFile, state: number, identify: (file: string) => string): string {
  const { bavail, bsize } = statfsSync(path);
  const { size } = statSync(join(path, DATA));
  if (bavail * bsize < size + SPARE)
    throw new Error(`${DATA} is damaged, and to mend it takes ${size + SPARE} bytes of room on the disk`);
  const scratch = join(path, "mending");
  rmSync(scratch, { recursive: true, force: true });
  mkdirSync(scratch, { mode: 0o700 });
  const env = open({
    path: scratch,
    maxDbs: TABLES.length + 2,
    keyEncoding: "binary",
    encoding: "binary",
    overlappingSync: false,
  });
  const home = identify(join(path, DATA));
  let closed: Promise<void>;
  try {
    fill(env, from, state, home, identify(join(scratch, DATA)));
  } finally {
    closed = env.close();
  }
  void closed.catch(() => undefined);
  const kept = keptName(path);
  linkSync(join(path, DATA), kept);
  renameSync(join(scratch, DATA), join(path, DATA));
  rmSync(scratch, { recursive: true, force: true });
  rmSync(join(path, "lock.mdb"), { force: true });
  const entries = openSync(path, "r");
  fsyncSync(entries);
  closeSync(entries);
  return kept;
}

/**
 * Copies the rows. A journal that was at home in the old file (row `home`) is at home in the new one. A row of which the key
 * cannot be read gets its own key back, or is set aside.
 */
function fill(env: RootDatabase, from: DatabaseFile, state: number, oldHome: string, newHome: string): void {
  const tables = new Map<string, Database<Buffer, Buffer>>();
  for (const name of TABLES)
    tables.set(name, env.openDB<Buffer, Buffer>({ name, keyEncoding: "binary", encoding: "binary" }));
  env.transactionSync(() => {
    const visit: Visit = (table, key, value) => {
      const into = table === undefined ? (env as unknown as Database<Buffer, Buffer>) : tables.get(table);
      if (into === undefined) return;
      const copy = Buffer.from(value);
      if (keyOf(key) !== undefined)
        into.putSync(Buffer.from(key), table === "meta" ? rehomed(copy, oldHome, newHome) : copy);
      else if (table !== undefined) putStray(table as Table, key, copy.toString("utf8"), tables);
    };
    from.walk(state, visit, TABLES);
  });
}

function putStray(
  table: Table,
  bytes: Buffer,
  text: string,
  tables: ReadonlyMap<string, Database<Buffer, Buffer>>,
): void {
  const home = ownKey(table, bytes, text);
  if (home !== undefined) {
    tables.get(table)?.putSync(keyBytes(home), Buffer.from(text));
    return;
  }
  const key = bytes.toString("hex");
  const at: Key = [table, key];
  const aside = JSON.stringify(asideRow({ table, key, fault: "its key cannot be read" }, text));
  tables.get("aside")?.putSync(keyBytes(at), Buffer.from(rowText("aside", at, aside)));
}

function rehomed(value: Buffer, oldHome: string, newHome: string): Buffer {
  const json = JSON.stringify(oldHome);
  const { json: told, fault } = readRow("meta", "home", value.toString("utf8"));
  if (fault !== undefined || told !== json) return value;
  return Buffer.from(rowText("meta", "home", JSON.stringify(newHome)));
}

function keptName(path: string): string {
  for (let n = 1; ; n++) {
    const name = join(dirname(path), `${basename(path)}-damaged-${n}.mdb`);
    if (!existsSync(name)) return name;
  }
}
