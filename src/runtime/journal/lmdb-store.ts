import { mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Database, open, type RootDatabase } from "lmdb";
import type { Clock, Timer } from "../../message/clock.ts";
import { faultText, StewardError } from "../../message/errors.ts";
import { merged, parsed, valueIn } from "./merge.ts";
import { type Key, keyText, type Store, TABLES, type Table } from "./store.ts";
import { openLog, readLog, type WriteAheadLog } from "./write-ahead-log.ts";

/**
 * The store on disk: a write-ahead log for durability, LMDB for order and size. A turn's writes are one record of the
 * log, one write to the disk; they stay in memory until they are moved to LMDB, many at once and each key only in its
 * last form: what came and went in between never gets there.
 *
 *   write ─▶ memory + log ─▶ (durable) ─▶ moved to LMDB every second or so ─▶ log segment released
 *
 * Invariants: a log segment is released only when LMDB has synced all that is in it, by a mark in LMDB itself. After a failed write nothing is
 * called durable any more: the store is closed, and opened anew from what is on disk.
 */
interface Written {
  readonly key: Key;
  /** `undefined`, and no text: removed. */
  value: unknown;
  /** The key was never in LMDB: when it goes before it is moved, nothing is left to do. */
  readonly fresh: boolean;
  /** The turn that wrote it, and its place in that turn's record. */
  readonly turn: number;
  readonly place: number;
  /** The value as JSON, once that was needed: the log and LMDB are given the same text. */
  text: string | undefined;
}

type Memory = Map<Table, Map<string, Written>>;
/** A row of a turn's record; without one it came and went within the turn. */
interface Operation {
  readonly table: Table;
  readonly row: Written;
}
/** The same in the log: without a value the row is removed. */
type Logged = [table: number, key: Key, value?: unknown];

/** How the log names tables. */
const NUMBER = Object.fromEntries(TABLES.map((table, number) => [table, number])) as Record<Table, number>;

/** How long writes that may wait do wait for company, and how long writes stay in memory, ms. */
const SOON = 50;
const MOVE_EVERY = 100;
/** Rows moved in one turn of the event loop. */
const MOVED_AT_ONCE = 250;

/** Sealed turns that go into one log segment, and who waits for them. */
interface Outgoing {
  records: string[];
  waiters: (() => void)[];
}

/**
 * @param committed called with the time of each durable group commit
 * @param identify what tells a file from a copy of it
 * @throws StewardError `data-directory`
 */
export function openLmdbStore(
  path: string,
  clock: Clock,
  committed: (seconds: number) => void = () => undefined,
  identify: (file: string) => string = identityOf,
): Store {
  let env: RootDatabase;
  let log: WriteAheadLog;
  let memory = emptyMemory();
  let turn = 0;
  let operations: (Operation | undefined)[] = [];
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    env = open({ path, maxDbs: TABLES.length + 2, encoding: "string", noMemInit: true, overlappingSync: false });
    const released = releasedSegment(env);
    for (const replayed of readLog(path, released)) {
      turn++;
      for (const [table, key, value] of replayed as Logged[]) record(TABLES[table] as Table, key, value, false);
    }
    operations = [];
    turn++;
    log = openLog(path, released, clock);
  } catch (error) {
    throw new StewardError("data-directory", { path, fault: faultText(error) }, { cause: error });
  }
  const tables = new Map<Table, Database<string, Key>>();
  for (const table of TABLES) tables.set(table, env.openDB<string, Key>({ name: table }));

  /** On its way to LMDB, and the wait for its arrival. */
  let moving: Memory | undefined;
  let moved: Promise<void> = Promise.resolve();
  /** Writes of this turn, in their order, those that may wait among them, and who waits for them. */
  let asking: (() => void)[] = [];
  let atEnd: (() => void)[] = [];
  let outgoing: Outgoing = { records: [], waiters: [] };
  /** What belongs into the next segment, once the present one is complete. */
  let next: Outgoing | undefined;
  let armed = false;
  /** There are writes that may not wait. */
  let urgent = false;
  let appending = false;
  let moveDue = true;
  let failure: unknown;
  let closed = false;
  let soonTimer: Timer | undefined;
  let moveTimer: Timer | undefined;

  /** Of each key a turn's record holds the last form only; what came and went within the turn leaves no trace. */
  function record(table: Table, key: Key, value: unknown, fresh: boolean, json?: string): void {
    const rows = memory.get(table) as Map<string, Written>;
    const text = keyText(key);
    const before = rows.get(text);
    const said = before?.turn === turn;
    const place = said ? before.place : operations.length;
    const row: Written = { key, value, fresh: before?.fresh ?? fresh, turn, place, text: json };
    const vanishes = value === undefined && json === undefined && row.fresh;
    operations[place] = vanishes && said ? undefined : { table, row };
    if (vanishes) rows.delete(text);
    else rows.set(text, row);
  }

  function write(table: Table, key: Key, value: unknown, fresh: boolean, json?: string): void {
    record(table, key, value, fresh, json);
    urgent = true;
    arm();
  }

  function writeSoon(table: Table, key: Key, value: unknown): void {
    record(table, key, value, false);
    soonTimer ??= clock.setTimeout(() => {
      soonTimer = undefined;
      urgent = true;
      arm();
    }, SOON);
  }

  function arm(): void {
    if (armed || closed) return;
    armed = true;
    setImmediate(endTurn);
  }

  /** Seals the turn's writes into one record; those that may wait are not written by themselves. */
  function endTurn(): void {
    for (let work = atEnd; work.length > 0; work = atEnd) {
      atEnd = [];
      for (const fn of work) fn();
    }
    armed = false;
    const to = next ?? outgoing;
    const moves = moveDue && moving === undefined && next === undefined;
    if (operations.length > 0 && (urgent || moves || asking.length > 0)) {
      urgent = false;
      to.records.push(recordOf(operations));
      operations = [];
      turn++;
    }
    to.waiters.push(...asking);
    asking = [];
    // Here, and only here, memory holds whole turns.
    if (moves) {
      moveDue = false;
      moving = memory;
      memory = emptyMemory();
      next = { records: [], waiters: [] };
    }
    append();
  }

  /** One write to the disk at a time; what comes meanwhile goes together in the next. */
  function append(): void {
    if (appending || closed) return;
    const { records, waiters } = outgoing;
    outgoing = { records: [], waiters: [] };
    const served = (): void => {
      for (const serve of waiters) serve();
      if (outgoing.records.length + outgoing.waiters.length > 0 || next !== undefined) append();
    };
    if (records.length > 0 && failure === undefined) {
      appending = true;
      const began = clock.monotonic();
      log.append(records, (error) => {
        appending = false;
        committed((clock.monotonic() - began) / 1000);
        if (error !== null) note(error);
        else if (log.size > log.capacity / 2) dueAgain();
        else moveTimer ??= clock.setTimeout(dueAgain, MOVE_EVERY);
        served();
      });
      return;
    }
    if (next !== undefined) {
      outgoing = next;
      next = undefined;
      moved = move(moving ?? emptyMemory());
    }
    served();
  }

  function dueAgain(): void {
    clock.clearTimeout(moveTimer);
    moveTimer = undefined;
    moveDue = true;
    arm();
  }

  /** Brings rows to LMDB, then lets go of the log that covered them. */
  async function move(rowsOf: Memory): Promise<void> {
    if (failure !== undefined) return;
    try {
      const segment = log.rotate();
      let count = 0;
      for (const [table, rows] of rowsOf) {
        const database = tables.get(table) as Database<string, Key>;
        for (const row of rows.values()) {
          const text = textOf(row);
          const done = text === undefined ? database.remove(row.key) : database.put(row.key, text);
          done.catch(note);
          if (++count % MOVED_AT_ONCE === 0) await new Promise((resolve) => setImmediate(resolve));
        }
      }
      env.put(RELEASED, String(segment)).catch(note);
      await env.flushed;
      if (failure !== undefined) return;
      moving = undefined;
      log.release(segment);
      if (moveDue) arm();
    } catch (error) {
      note(error);
    }
  }

  function note(error: unknown): void {
    failure ??= error;
  }

  const flushed = async (): Promise<void> => {
    if (failure === undefined && !closed) {
      await new Promise<void>((resolve) => {
        asking.push(resolve);
        arm();
      });
    }
    if (failure !== undefined)
      throw new StewardError("journal-failed", { path, fault: faultText(failure) }, { cause: failure });
  };

  return {
    identity: identify(join(path, "data.mdb")),
    get(table, key) {
      const text = keyText(key);
      const found = memory.get(table)?.get(text) ?? moving?.get(table)?.get(text);
      return found === undefined ? parsed(tables.get(table)?.get(key)) : valueIn(found);
    },
    put: (table, key, value, fresh = false) => write(table, key, value, fresh),
    putText: (table, key, json, fresh = false) => write(table, key, undefined, fresh, json),
    remove: (table, key) => write(table, key, undefined, false),
    putSoon: (table, key, value) => writeSoon(table, key, value),
    removeSoon: (table, key) => writeSoon(table, key, undefined),
    range: (table, bounds) =>
      merged(tables.get(table) as Database<string, Key>, [moving?.get(table), memory.get(table)], bounds),
    atTurnEnd(work) {
      atEnd.push(work);
      arm();
    },
    flushed,
    bytes() {
      let pages = 0;
      let size = 4096;
      for (const db of tables.values()) {
        const stats = db.getStats() as Record<string, number>;
        size = stats.pageSize ?? size;
        pages += (stats.treeBranchPageCount ?? 0) + (stats.treeLeafPageCount ?? 0) + (stats.overflowPages ?? 0);
      }
      return pages * size + log.size;
    },
    async close() {
      clock.clearTimeout(soonTimer);
      clock.clearTimeout(moveTimer);
      // Once for what is under way, once for what came since: then everything is in LMDB and the log is empty.
      for (let i = 0; i < 2 && failure === undefined; i++) {
        moveDue = true;
        await flushed().catch(note);
        await moved;
      }
      clock.clearTimeout(moveTimer);
      closed = true;
      log.close();
      await env.close();
    },
  };
}

/** A turn as one record of the log. */
function recordOf(operations: readonly (Operation | undefined)[]): string {
  let text = "";
  for (const operation of operations) {
    if (operation === undefined) continue;
    const { table, row } = operation;
    text += text === "" ? "[[" : ",[";
    text += NUMBER[table];
    text += ",";
    text += JSON.stringify(row.key);
    const json = textOf(row);
    if (json !== undefined) {
      text += ",";
      text += json;
    }
    text += "]";
  }
  return text === "" ? "[]" : `${text}]`;
}

function textOf(row: Written): string | undefined {
  if (row.text === undefined && row.value !== undefined) row.text = JSON.stringify(row.value);
  return row.text;
}

/** The last segment of the log that LMDB holds in full. */
const RELEASED = "released segment";

function releasedSegment(env: RootDatabase): number {
  return Number(env.get(RELEASED) ?? 0);
}

function emptyMemory(): Memory {
  return new Map(TABLES.map((table) => [table, new Map()]));
}

/** A file that is copied, moved to another disk or restored has another inode, or was born at another time. */
function identityOf(file: string): string {
  const { ino, birthtimeNs } = statSync(file, { bigint: true });
  return `${ino} ${birthtimeNs}`;
}
