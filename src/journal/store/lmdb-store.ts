import { mkdirSync, statfsSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Database, open, type RootDatabase } from "lmdb";
import type { Clock, Timer } from "../../message/clock.ts";
import { faultText, StewardError } from "../../message/errors.ts";
import { forgetClosed, isClosed, markClosed } from "./closed-mark.ts";
import { merged, valueIn } from "./merge.ts";
import { type LogState, readLog } from "./read-log.ts";
import { type Mended, mendDatabase } from "./rebuild.ts";
import { bytesFor, reserve } from "./reserve.ts";
import { asideRow, keyBytes, ownKey, readRow } from "./row-text.ts";
import type { Rows } from "./rows.ts";
import { type Key, keyText, type SetAside, type Store, TABLES, type Table } from "./store.ts";
import { begunSegment, bring, causeOf, logFiles, releasedSegment } from "./to-lmdb.ts";
import { emptyMemory, type Logged, type Memory, type Operation, recordOf, tableOf, type Written } from "./turn-rows.ts";
import { CAPACITY, type LogRecord, openLog, type Rotated, type WriteAheadLog } from "./write-ahead-log.ts";

/**
 * The store on disk: a write-ahead log for durability, LMDB for order and size. A turn's writes are one record of the
 * log, one write to the disk; they stay in memory until they are moved to LMDB, many at once and each key only in its
 * last form: a row that came and went in between never gets there.
 *
 *   write ─▶ memory + log ─▶ (durable) ─▶ moved to LMDB every second or so ─▶ log segment released
 *
 * Invariants: a log segment is released only when LMDB has synced all its rows, by a mark in LMDB itself. A write that the
 * disk refuses stays in memory and counts as not durable. Such a write is tried again, each time a little later: the log in
 * another file, the rows in another transaction, until the disk takes them.
 */
/** Longest wait of `putSoon` and `removeSoon` for another write, ms. */
const SOON = 50;
/** Time from a write to the move of all rows to LMDB, ms: a move costs as much as some commands, so few rows wait longer. */
const MOVE_FEW_AFTER = 1_000;
const MOVE_MANY_AFTER = 100;
const MANY = 1_000;
/** LMDB's errors for a damaged database. */
const DAMAGED = /\bMDB_(CORRUPTED|PAGE_NOTFOUND|BAD_TXN|INVALID|NOTFOUND|VERSION_MISMATCH|PANIC)\b/;
/** Waits before a refused write is tried again, ms; the first is 0, for another file may do. */
const AGAIN = [0, 100, 250, 500, 1000, 2000];

/** Sealed turns that go into one log segment, and the waiters for their durability. */
interface Outgoing {
  records: LogRecord[];
  waiters: Waiter[];
}

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: StewardError) => void;
}

/**
 * @param committed called with the time of each durable group commit
 * @param identify returns an identity that a copy of the file does not share
 * @throws StewardError `data-directory`, `journal-version`, `journal-damaged`
 */
export function openLmdbStore(
  path: string,
  clock: Clock,
  committed: (seconds: number) => void = () => undefined,
  identify: (file: string) => string = identityOf,
): Store {
  const tables = new Map<Table, Database<string, Key>>();
  let env!: RootDatabase;
  let log: WriteAheadLog;
  let found: LogState;
  let mended: Mended;
  let memory = emptyMemory();
  let turn = 0;
  let operations: (Operation | undefined)[] = [];
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    mended = mendDatabase(path, identify);
    env = open({ path, maxDbs: TABLES.length + 2, encoding: "string", noMemInit: true, overlappingSync: false });
    const mark = releasedSegment(env);
    const expected = isClosed(path, mark)
      ? undefined
      : { files: logFiles(env), bytes: CAPACITY, begun: begunSegment(env) };
    found = readLog(path, mark, expected);
    for (const replayed of found.records) {
      turn++;
      for (const [table, key, value] of replayed as Logged[]) record(tableOf(table, path), key, value, false);
    }
    operations = [];
    turn++;
    log = openLog(path, found, clock);
    // Existing tables need no room.
    if (env.getKeysCount() === 0) reserve(path, env, bytesFor(TABLES.length, 0));
    // In one transaction: each that makes a table is synced.
    env.transactionSync(() => {
      for (const table of TABLES) tables.set(table, env.openDB<string, Key>({ name: table }));
    });
  } catch (error) {
    // LMDB would hand the same files, as it has them now, to whoever tries again.
    void (env as RootDatabase | undefined)?.close().catch(() => undefined);
    if (error instanceof StewardError) throw error;
    const fault = faultText(error);
    throw new StewardError(
      DAMAGED.test(fault) ? "journal-damaged" : "data-directory",
      { path, fault },
      { cause: error },
    );
  }

  const asideNow: SetAside[] = [];
  let hearing: ((row: SetAside) => void)[] = [];

  function rowAt(table: Table, key: Key): unknown {
    const found = written(table, key);
    return found === undefined ? stored(table, key, tables.get(table)?.get(key)) : valueIn(found);
  }

  /** A row, or its removal, that was written and is not in LMDB yet. */
  function written(table: Table, key: Key): Written | undefined {
    const text = keyText(key);
    return memory.get(table)?.get(text) ?? moving?.get(table)?.get(text);
  }

  /** A row's value from LMDB's text. A damaged row is set aside, and counts as absent. */
  function stored(table: Table, key: Key, text: string | undefined): unknown {
    if (text === undefined) return undefined;
    const { json, fault, strayed } = readRow(table, key, text);
    if (fault === undefined) return JSON.parse(json);
    setAside(table, key, text, fault, strayed === true ? json : undefined);
    return undefined;
  }

  /**
   * @param strayed the sound value of a row with a damaged key; if its own key is known, the row goes back there, unless that
   * one has been written since
   */
  function setAside(table: Table, key: Key, text: string, fault: string, strayed: string | undefined): void {
    const at: Key = [table, keyText(key)];
    if (closed || table === "aside" || (rowAt("aside", at) as { text?: string } | undefined)?.text === text) return;
    const home = strayed === undefined ? undefined : ownKey(table, keyBytes(key), text);
    write(table, key, undefined, false);
    if (home !== undefined && strayed !== undefined) {
      if (written(table, home) === undefined) write(table, home, undefined, false, strayed);
      return;
    }
    const row: SetAside = { table, key, fault };
    write("aside", at, asideRow(row, text), false);
    asideNow.push(row);
    for (const listener of hearing) listener(row);
  }

  /** Checks all rows before any is used, except rows that the log replaces. */
  function verify(): void {
    for (const table of TABLES) {
      const anew = memory.get(table);
      for (const { key, value } of (tables.get(table) as Database<string, Key>).getRange({})) {
        if (anew?.get(keyText(key)) !== undefined) continue;
        const { json, fault, strayed } = readRow(table, key, value);
        if (fault !== undefined) setAside(table, key, value, fault, strayed === true ? json : undefined);
      }
    }
  }

  /** Rows on their way to LMDB; `moved` resolves when they have arrived. */
  let moving: Memory | undefined;
  /** Bytes of the pages in LMDB since the last move; asking LMDB dirties a page of its lock file. */
  let rowBytes: number | undefined;
  let moved: Promise<void> = Promise.resolve();
  /** Waiters of this turn for the durability of its writes. */
  let asking: Waiter[] = [];
  let asked: Promise<void> | undefined;
  let atEnd: (() => void)[] = [];
  let outgoing: Outgoing = { records: [], waiters: [] };
  /** Turns for the next segment, kept back until the present one is complete. */
  let next: Outgoing | undefined;
  let armed = false;
  /** True: this turn has writes other than `putSoon` and `removeSoon`. */
  let urgent = false;
  let appending = false;
  /** The mark of an orderly end is gone. */
  let isOpened = false;
  let moveDue = true;
  /** The disk's errors for the log and for LMDB, since it refused a write. */
  const refused: { log?: unknown; rows?: unknown } = {};
  let logTries = 0;
  let closing = false;
  let closed = false;
  let soonTimer: Timer | undefined;
  let moveTimer: Timer | undefined;
  /** Rows written since the last move began. */
  let rowsSinceMove = 0;
  /** `moveTimer` was set for many rows. */
  let hurried = false;
  let againTimer: Timer | undefined;
  /** Ends the wait for the next attempt to move. */
  let hurry: () => void = () => undefined;

  /** Notes a write. A turn's record holds only the last form of each key; a row that came and went within the turn is left out. */
  function record(table: Table, key: Key, value: unknown, fresh: boolean, json?: string): void {
    const rows = memory.get(table) as Rows<Written>;
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

  function writeSoon(table: Table, key: Key, value: unknown, json?: string): void {
    record(table, key, value, false, json);
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

  /** Seals the turn's writes into one record. Writes that may wait are kept for the next turn if there are no others. */
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
      rowsSinceMove += operations.length;
      operations = [];
      turn++;
    }
    to.waiters.push(...asking);
    asking = [];
    asked = undefined;
    // At this point alone memory holds whole turns.
    if (moves) {
      moveDue = false;
      moving = memory;
      memory = emptyMemory();
      rowsSinceMove = 0;
      next = { records: [], waiters: [] };
    }
    append();
  }

  /** Writes to the log, one write at a time; turns that come meanwhile go together in the next write. */
  function append(): void {
    if (appending || closed) return;
    const { records, waiters } = outgoing;
    outgoing = { records: [], waiters: [] };
    const served = (): void => {
      for (const { resolve } of waiters) resolve();
      if (outgoing.records.length + outgoing.waiters.length > 0 || next !== undefined) append();
    };
    if (records.length > 0) {
      appending = true;
      const began = clock.monotonic();
      log.append(records, (error) => {
        if (error !== null) return notTaken(error, records, waiters);
        appending = false;
        // No sooner: until now nothing was accepted that the files of the log could have lost.
        if (!isOpened) isOpened = forgetClosed(path);
        delete refused.log;
        logTries = 0;
        committed((clock.monotonic() - began) / 1000);
        planMove();
        served();
      });
      return;
    }
    if (next !== undefined) {
      outgoing = next;
      next = undefined;
      appending = true;
      moved = move(moving ?? emptyMemory());
    }
    served();
  }

  /** Puts refused records back, before the turns that came since, to be tried again later. */
  function notTaken(error: Error, records: readonly LogRecord[], waiters: readonly Waiter[]): void {
    refused.log = error;
    outgoing = { records: [...records, ...outgoing.records], waiters: [...waiters, ...outgoing.waiters] };
    if (closing) {
      appending = false;
      giveUp();
      return;
    }
    againTimer = clock.setTimeout(() => {
      appending = false;
      append();
    }, waitOf(logTries++));
  }

  /** Rejects all waiters: the store closes while the disk refuses. */
  function giveUp(): void {
    const waiting = [...outgoing.waiters, ...(next?.waiters ?? []), ...asking];
    outgoing.waiters = [];
    if (next !== undefined) next.waiters = [];
    asking = [];
    asked = undefined;
    for (const { reject } of waiting) reject(failed());
  }

  function failed(): StewardError {
    const cause = refused.log;
    return new StewardError("journal-failed", { path, fault: faultText(cause ?? "it is closed") }, { cause });
  }

  /** The more there is to move, the sooner it moves. */
  function planMove(): void {
    const isMany = rowsSinceMove >= MANY;
    if (log.size > log.capacity / 2) dueAgain();
    else if (moveTimer === undefined || (isMany && !hurried)) {
      clock.clearTimeout(moveTimer);
      hurried = isMany;
      moveTimer = clock.setTimeout(dueAgain, isMany ? MOVE_MANY_AFTER : MOVE_FEW_AFTER);
    }
  }

  function dueAgain(): void {
    clock.clearTimeout(moveTimer);
    moveTimer = undefined;
    moveDue = true;
    arm();
  }

  /** Brings rows to LMDB, then lets go of the log that covered them. */
  async function move(rowsOf: Memory): Promise<void> {
    const rotated = await new Promise<Rotated>((resolve) => log.rotate(resolve));
    appending = false;
    append();
    for (let tries = 0; !closed; tries++) {
      try {
        await bring(rowsOf, { ...rotated, files: log.files }, env, tables, path);
        delete refused.rows;
        moving = undefined;
        rowBytes = undefined;
        log.release(rotated.complete);
        if (moveDue) arm();
        return;
      } catch (error) {
        refused.rows = await causeOf(error);
        rowBytes = undefined;
        // The log still has all these rows.
        if (closing) return;
        await new Promise<void>((resolve) => {
          const timer = clock.setTimeout(resolve, waitOf(tries));
          hurry = () => {
            clock.clearTimeout(timer);
            resolve();
          };
        });
      }
    }
  }

  function countRowBytes(): number {
    let pages = 0;
    let size = 4096;
    for (const db of tables.values()) {
      const stats = db.getStats() as Record<string, number>;
      size = stats.pageSize ?? size;
      pages += (stats.treeBranchPageCount ?? 0) + (stats.treeLeafPageCount ?? 0) + (stats.overflowPages ?? 0);
    }
    return pages * size;
  }

  /** All who ask in one turn wait for the same write. */
  function flushed(): Promise<void> {
    if (closed || (closing && refused.log !== undefined)) return Promise.reject(failed());
    asked ??= new Promise<void>((resolve, reject) => {
      asking.push({ resolve, reject });
      arm();
    });
    return asked;
  }

  verify();

  return {
    identity: identify(join(path, "data.mdb")),
    damage: mended.lost ? mended.fault : found.hole,
    gaps: mended.lost || found.goesOnAfter,
    mended: mended.lost ? undefined : (mended.fault ?? found.mended),
    kept: mended.kept,
    onSetAside(listener) {
      for (const row of asideNow) listener(row);
      hearing.push(listener);
    },
    get fault() {
      const cause = refused.log ?? refused.rows;
      return cause === undefined ? undefined : faultText(cause);
    },
    room() {
      const { bavail, blocks, bsize } = statfsSync(path);
      return { free: bavail * bsize, size: blocks * bsize };
    },
    get: rowAt,
    put: (table, key, value, fresh = false) => write(table, key, value, fresh),
    putText: (table, key, json, fresh = false) => write(table, key, undefined, fresh, json),
    remove: (table, key) => write(table, key, undefined, false),
    putSoon: (table, key, value) => writeSoon(table, key, value),
    putTextSoon: (table, key, json) => writeSoon(table, key, undefined, json),
    removeSoon: (table, key) => writeSoon(table, key, undefined),
    range(table, bounds) {
      const layers = [memory.get(table), moving?.get(table)].filter((layer) => layer !== undefined);
      return merged(tables.get(table) as Database<string, Key>, layers, bounds, (key, text) =>
        stored(table, key, text),
      );
    },
    atTurnEnd(work) {
      atEnd.push(work);
      arm();
    },
    flushed,
    bytes() {
      rowBytes ??= countRowBytes();
      return rowBytes + log.size;
    },
    async close() {
      const wasClosed = closed;
      closing = true;
      clock.clearTimeout(soonTimer);
      clock.clearTimeout(moveTimer);
      if (againTimer !== undefined && appending && refused.log !== undefined) {
        // The last attempt comes at once, for there may be room by now.
        clock.clearTimeout(againTimer);
        appending = false;
        append();
      }
      hurry();
      // Two rounds, for the move under way and for later writes, bring everything to LMDB and leave the log empty.
      for (let i = 0; i < 2; i++) {
        moveDue = true;
        await flushed().catch(() => undefined);
        await moved;
      }
      clock.clearTimeout(moveTimer);
      closed = true;
      hearing = [];
      log.close();
      const mark = wasClosed ? undefined : releasedSegment(env);
      await env.close().catch(() => undefined);
      if (log.size === 0 && mark !== undefined) markClosed(path, mark);
    },
  };
}

function waitOf(tries: number): number {
  return AGAIN[Math.min(tries, AGAIN.length - 1)] ?? 0;
}

/** A file that is copied, moved to another disk or restored has another inode, or was born at another time. */
function identityOf(file: string): string {
  const { ino, birthtimeNs } = statSync(file, { bigint: true });
  return `${ino} ${birthtimeNs}`;
}
