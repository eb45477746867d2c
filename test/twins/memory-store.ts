import {
  compareKeys,
  type Entry,
  type Key,
  keyText,
  type Store,
  TABLES,
  type Table,
} from "../../src/journal/store/store.ts";
import type { Clock, Timer } from "../../src/message/clock.ts";
import { StewardError } from "../../src/message/errors.ts";

type Rows = Map<string, Entry>;

/** What of a memory store survives a crash; hand it to the next one. */
export interface Disk {
  /** A copy has another one. */
  readonly identity: string;
  readonly tables: Map<Table, Rows>;
  /** While it is set writes fail with it, as on a full disk. */
  fault?: string;
  /** The same for good: whoever has it open must open it anew. */
  broken?: string;
  /** What it has left; without it there is room enough. */
  room?: { free: number; size: number };
}

let disks = 0;

export function emptyDisk(): Disk {
  return { identity: `disk ${++disks}`, tables: new Map(TABLES.map((table) => [table, new Map()])) };
}

/** How long after a refusal the disk is tried again, ms. */
const AGAIN = 500;

/**
 * The store's twin in memory. A write reaches the `disk` only with the next `flushed` or `close`; `crash()` loses the
 * rest, as a power cut would. With a clock it tries again what the disk refused, as the real one does; without, nobody
 * will: it rejects.
 */
export function openMemoryStore(disk: Disk = emptyDisk(), clock?: Clock): Store & { crash(): void } {
  const tables = new Map<Table, Rows>();
  for (const table of TABLES) tables.set(table, structuredClone(disk.tables.get(table) ?? new Map()));
  let unsynced: { table: Table; text: string; entry: Entry | undefined }[] = [];
  let dead = false;
  let closed = false;
  /** What could not be written stays unwritten, as it does on a real disk: only a new store begins anew. */
  let failed: StewardError | undefined;
  const rows = (table: Table): Rows => tables.get(table) as Rows;
  /** The keys of each table, in order: with thousands of rows most looks are at a few of them. */
  const order = new Map<Table, Key[]>();
  for (const table of TABLES) {
    const keys = [...rows(table).values()].map(({ key }) => key);
    order.set(table, keys.sort(compareKeys));
  }
  let atEnd: (() => void)[] = [];
  let asking: { resolve: () => void; reject: (error: unknown) => void }[] = [];
  let armed = false;
  let again: Timer | undefined;
  let bytes = 0;
  for (const table of tables.values()) for (const entry of table.values()) bytes += sizeOf(entry);

  const workAtEnd = (): void => {
    for (let work = atEnd; work.length > 0; work = atEnd) {
      atEnd = [];
      for (const fn of work) fn();
    }
  };
  /** Whole turns only reach the disk, as with the real store. */
  const endTurn = (): void => {
    if (dead) return;
    workAtEnd();
    armed = false;
    const served = asking;
    asking = [];
    if (served.length === 0) return;
    try {
      sync();
      for (const { resolve } of served) resolve();
    } catch (error) {
      if (clock === undefined || failed !== undefined || closed) for (const { reject } of served) reject(error);
      else {
        asking = [...served, ...asking];
        again ??= clock.setTimeout(() => {
          again = undefined;
          arm();
        }, AGAIN);
      }
    }
  };
  const arm = (): void => {
    if (armed) return;
    armed = true;
    setImmediate(endTurn);
  };
  const write = (table: Table, key: Key, value: unknown): void => {
    const text = keyText(key);
    const entry = value === undefined ? undefined : { key, value: structuredClone(value) };
    const before = rows(table).get(text);
    bytes += sizeOf(entry) - sizeOf(before);
    if (entry === undefined) rows(table).delete(text);
    else rows(table).set(text, entry);
    const keys = order.get(table) as Key[];
    if (before === undefined && entry !== undefined) keys.splice(placeOf(entry.key, keys), 0, entry.key);
    if (before !== undefined && entry === undefined) keys.splice(placeOf(before.key, keys), 1);
    unsynced.push({ table, text, entry });
  };
  const sync = (): void => {
    const fault = disk.broken ?? disk.fault;
    const refused = fault === undefined ? failed : new StewardError("journal-failed", { path: "memory", fault });
    if (clock === undefined || disk.broken !== undefined) failed ??= refused;
    if (failed !== undefined || refused !== undefined) throw failed ?? refused;
    for (const { table, text, entry } of unsynced) {
      const stored = disk.tables.get(table) as Rows;
      if (entry === undefined) stored.delete(text);
      else stored.set(text, entry);
    }
    unsynced = [];
  };

  return {
    identity: disk.identity,
    gaps: false,
    mended: undefined,
    kept: undefined,
    onSetAside: () => undefined,
    damage: undefined,
    get fault() {
      return disk.fault;
    },
    room: () => disk.room ?? ENDLESS,
    get: (table, key) => structuredClone(rows(table).get(keyText(key))?.value),
    put: (table, key, value) => write(table, key, value),
    putText: (table, key, json) => write(table, key, JSON.parse(json)),
    remove: (table, key) => write(table, key, undefined),
    putSoon: (table, key, value) => write(table, key, value),
    putTextSoon: (table, key, json) => write(table, key, JSON.parse(json)),
    removeSoon: (table, key) => write(table, key, undefined),
    *range(table, { from, to, reverse = false, limit = Number.POSITIVE_INFINITY }) {
      const keys = order.get(table) as Key[];
      const start = from === undefined ? 0 : placeOf(from, keys);
      const end = to === undefined ? keys.length : placeOf(to, keys);
      const count = Math.min(limit, Math.max(0, end - start));
      const wanted = reverse ? keys.slice(end - count, end).reverse() : keys.slice(start, start + count);
      const inside = wanted.flatMap((key) => rows(table).get(keyText(key)) ?? []);
      for (const row of inside) yield structuredClone(row);
    },
    atTurnEnd(work) {
      atEnd.push(work);
      arm();
    },
    flushed: () =>
      new Promise((resolve, reject) => {
        asking.push({ resolve, reject });
        arm();
      }),
    bytes: () => bytes,
    async close() {
      if (dead) return;
      closed = true;
      clock?.clearTimeout(again);
      workAtEnd();
      try {
        sync();
      } catch (error) {
        for (const { reject } of asking) reject(error);
        asking = [];
        if (failed !== undefined) throw error;
      }
    },
    crash() {
      clock?.clearTimeout(again);
      dead = true;
      unsynced = [];
    },
  };
}

/** Where a key stands among those in order, or would stand. */
function placeOf(key: Key, keys: readonly Key[]): number {
  let [low, high] = [0, keys.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareKeys(keys[middle] as Key, key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

const ENDLESS = { free: Number.MAX_SAFE_INTEGER, size: Number.MAX_SAFE_INTEGER };

/** Bytes of a row, roughly. */
function sizeOf(entry: Entry | undefined): number {
  return entry === undefined ? 0 : 100 + JSON.stringify(entry.value).length;
}
