/**
 * The ordered key-value store under the journal. Writes are visible to reads of this process at once and durable when
 * `flushed` resolves; all writes of one turn of the event loop become durable together or not at all.
 */
export interface Store {
  /** Tells the files that it lies in from every copy of them. */
  readonly identity: string;
  /** Why writes that had been durable must be missing from what it found; what it has is an earlier state. */
  readonly damage: string | undefined;
  /** Rows are missing here and there: what it has is no state that ever was. */
  readonly gaps: boolean;
  /** What was wrong with its files when they were opened, and was mended without a loss; `undefined`: nothing. */
  readonly mended: string | undefined;
  /** Where the damaged file of its database was put; `undefined`: it was not damaged. */
  readonly kept: string | undefined;
  /** Called with each row that was set aside since the store was opened, and with each that will be. */
  onSetAside(listener: (row: SetAside) => void): void;
  /** What the disk says since it refused a write; it is tried again until it takes it. `undefined`: all is well. */
  readonly fault: string | undefined;
  /** Bytes that the disk has left for everybody, and its size. */
  room(): { readonly free: number; readonly size: number };
  get(table: Table, key: Key): unknown;
  /** `fresh`: this key was never used before; that saves work when it is removed soon. */
  put(table: Table, key: Key, value: unknown, fresh?: boolean): void;
  /** The same of a value that is JSON already. */
  putText(table: Table, key: Key, json: string, fresh?: boolean): void;
  remove(table: Table, key: Key): void;
  /**
   * Writes of which the loss in a crash does no harm: they ride along with the next `put` or `remove`, or go by
   * themselves soon after. They are durable no later than any write that is made after them.
   */
  putSoon(table: Table, key: Key, value: unknown): void;
  removeSoon(table: Table, key: Key): void;
  /** In the order of keys: `from` inclusive, `to` exclusive; `reverse` walks down from `to`. */
  range(table: Table, bounds: Bounds): Iterable<Entry>;
  /** Calls `work` at the end of this turn; what it writes becomes durable together with the turn's writes before it. */
  atTurnEnd(work: () => void): void;
  /**
   * Resolves when every `put` and `remove` before this call is on disk: while the disk refuses them, not yet. Rejects with
   * `journal-failed` when they never will be.
   */
  flushed(): Promise<void>;
  /** Bytes in use, without pages that are free for reuse. */
  bytes(): number;
  close(): Promise<void>;
}

/** The log names a table by its position: new ones go to the end, and none ever leaves. */
export const TABLES = [
  "meta",
  "lanes",
  "out",
  "ids",
  "sources",
  "pending",
  "done",
  "checkpoints",
  "nodes",
  "output",
  "dead",
  "taken",
  "cancelled",
  "learned",
  "progress",
  "aside",
  "subjects",
] as const;
export type Table = (typeof TABLES)[number];

/** An array has two elements or more: one of a single element comes back as that element. */
export type Key = string | number | (string | number)[];

export interface Bounds {
  readonly from?: Key;
  readonly to?: Key;
  readonly reverse?: boolean;
  readonly limit?: number;
}

/** A row of which the checksum fails: it is in no table any more, but kept for whoever wants to read it. */
export interface SetAside {
  readonly table: Table;
  readonly key: Key;
  readonly fault: string;
}

export interface Entry {
  readonly key: Key;
  readonly value: unknown;
}

/** Numbers before strings, arrays element by element, a prefix before what it begins. */
export function compareKeys(a: Key, b: Key): number {
  if (typeof a === "object" || typeof b === "object") {
    const left = typeof a === "object" ? a : [a];
    const right = typeof b === "object" ? b : [b];
    for (let i = 0; i < Math.min(left.length, right.length); i++) {
      const order = compareKeys(left[i] ?? "", right[i] ?? "");
      if (order !== 0) return order;
    }
    return left.length - right.length;
  }
  if (typeof a === typeof b) return a < b ? -1 : a > b ? 1 : 0;
  return typeof a === "number" ? -1 : 1;
}

export function keyText(key: Key): string {
  return typeof key === "object" ? key.join("\u0000") : String(key);
}

export function within(key: Key, bounds: Bounds): boolean {
  if (bounds.from !== undefined && compareKeys(key, bounds.from) < 0) return false;
  return bounds.to === undefined || compareKeys(key, bounds.to) < 0;
}
