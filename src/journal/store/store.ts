/**
 * The ordered key-value store under the journal. Writes are visible to reads of this process at once and durable when
 * `flushed` resolves; all writes of one turn of the event loop become durable together or not at all.
 */
export interface Store {
  /** An identity of the store's files that no copy of them shares. */
  readonly identity: string;
  /** The reason to think that durable writes are missing, so that the store is in an earlier state; `undefined`: none. */
  readonly damage: string | undefined;
  /** True: single rows are missing, so that the store is in a state that never was. */
  readonly gaps: boolean;
  /** Damage of the files that was mended without a loss when they were opened; `undefined`: none. */
  readonly mended: string | undefined;
  /** The new path of the damaged database file; `undefined`: the file was sound. */
  readonly kept: string | undefined;
  /** Calls `listener` with each row that was set aside since the store was opened, and with each that will be. */
  onSetAside(listener: (row: SetAside) => void): void;
  /** The disk's error since it refused a write, which is tried again until the disk takes it; `undefined`: none. */
  readonly fault: string | undefined;
  /** Free bytes of the disk, and its size. */
  room(): { readonly free: number; readonly size: number };
  get(table: Table, key: Key): unknown;
  /** `fresh`: this key was never used before, so a removal before the move to LMDB leaves no work. */
  put(table: Table, key: Key, value: unknown, fresh?: boolean): void;
  /** A `put` of a value that is JSON already. */
  putText(table: Table, key: Key, json: string, fresh?: boolean): void;
  remove(table: Table, key: Key): void;
  /**
   * Writes whose loss in a crash does no harm: such a write joins the next `put` or `remove`, or is made alone soon after. Every
   * write is durable no later than the writes after it.
   */
  putSoon(table: Table, key: Key, value: unknown): void;
  /** A `putSoon` of a value that is JSON already. */
  putTextSoon(table: Table, key: Key, json: string): void;
  removeSoon(table: Table, key: Key): void;
  /** In the order of keys: `from` inclusive, `to` exclusive; `reverse` walks down from `to`. */
  range(table: Table, bounds: Bounds): Iterable<Entry>;
  /** Calls `work` at the end of this turn; its writes join the turn's transaction. */
  atTurnEnd(work: () => void): void;
  /**
   * Resolves when every `put` and `remove` before this call is on disk; waits while the disk refuses them. Rejects with
   * `journal-failed` when the store is closed, or closes while the disk refuses.
   */
  flushed(): Promise<void>;
  /** Bytes in use, without pages that are free for reuse. */
  bytes(): number;
  close(): Promise<void>;
}

/** The log names a table by its position here: new tables go to the end, and none is ever removed. */
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
  "labels",
  "facts",
  "held",
  "jobs",
  "history",
] as const;
export type Table = (typeof TABLES)[number];

/** An array has two elements or more, because LMDB returns an array of one element as that element. */
export type Key = string | number | (string | number)[];

export interface Bounds {
  readonly from?: Key;
  readonly to?: Key;
  readonly reverse?: boolean;
  readonly limit?: number;
}

/** A damaged row, which was taken out of its table and is kept in the table `aside`. */
export interface SetAside {
  readonly table: Table;
  readonly key: Key;
  readonly fault: string;
}

export interface Entry {
  readonly key: Key;
  readonly value: unknown;
}

/** The order of keys: numbers before strings, arrays element by element, a shorter array before its extensions. */
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
