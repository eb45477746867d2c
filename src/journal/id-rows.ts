import { idTime } from "../message/id.ts";
import type { Key, Store, Table } from "./store/store.ts";

/**
 * A table with one value per id, many ids to a row, so that ids of one moment cost one write. A row's key is its lowest id.
 * The ids of a row lie at most `SPAN` apart, so that a search reads few rows; rows may overlap, for clocks go back and
 * several origins give ids.
 */
export class IdRows<V> {
  readonly #store: Store;
  readonly #table: Table;
  /** The highest key of a row. */
  #highest: string;

  constructor(store: Store, table: Table) {
    this.#store = store;
    this.#table = table;
    const [last] = store.range(table, { reverse: true, limit: 1 });
    this.#highest = String(last?.key ?? "");
  }

  put(entries: Iterable<IdEntry<V>>): void {
    let row: IdEntry<V>[] = [];
    for (const entry of [...entries].sort(byId)) {
      const [first] = row;
      if (first !== undefined && (row.length === MOST || idTime(entry[0]) - idTime(first[0]) > SPAN)) {
        this.#add(first[0], row);
        row = [];
      }
      row.push(entry);
    }
    const [first] = row;
    if (first !== undefined) this.#add(first[0], row);
  }

  #add(key: string, entries: readonly IdEntry<V>[]): void {
    const isNew = key > this.#highest;
    if (isNew) this.#highest = key;
    const there = isNew ? undefined : (this.#store.get(this.#table, key) as IdEntry<V>[] | undefined);
    if (there === undefined) {
      this.#store.put(this.#table, key, entries, true);
      return;
    }
    const ids = new Set(entries.map(([id]) => id));
    this.replace(key, [...there.filter(([id]) => !ids.has(id)), ...entries].sort(byId));
  }

  find(id: string): V | undefined {
    const earliest = idTime(id) - SPAN;
    for (const { key, value } of this.#store.range(this.#table, { to: `${id}~`, reverse: true })) {
      if (idTime(String(key)) < earliest) return undefined;
      const found = (value as IdEntry<V>[]).find(([each]) => each === id);
      if (found !== undefined) return found[1];
    }
    return undefined;
  }

  /** Gives ids that are there other values. */
  move(entries: ReadonlyMap<string, V>): void {
    const rows = new Map<string, IdEntry<V>[]>();
    for (const id of entries.keys()) {
      const earliest = idTime(id) - SPAN;
      for (const { key, value } of this.#store.range(this.#table, { to: `${id}~`, reverse: true })) {
        if (idTime(String(key)) < earliest) break;
        const row = value as IdEntry<V>[];
        if (!row.some(([each]) => each === id)) continue;
        rows.set(String(key), row);
        break;
      }
    }
    for (const [key, row] of rows)
      this.replace(
        key,
        row.map(([id, value]) => [id, entries.get(id) ?? value] as const),
      );
  }

  /** Entries whose id begins with `prefix` and is lower than `before`, newest first. */
  *newest(prefix: string, before = `${prefix}~`): Generator<IdEntry<V>> {
    const earliest = prefix === "" ? 0 : idTime(prefix.padEnd(TIME, "0")) - SPAN;
    // Rows may overlap: an id is given once no further row can have a higher one.
    let held: IdEntry<V>[] = [];
    for (const { key, value } of this.#store.range(this.#table, { to: before, reverse: true })) {
      const time = idTime(String(key));
      for (let last = held.at(-1); last !== undefined && idTime(last[0]) > time + SPAN; last = held.at(-1)) {
        yield last;
        held.pop();
      }
      if (time < earliest) break;
      const meant = (value as IdEntry<V>[]).filter(([id]) => id < before && id.startsWith(prefix));
      if (meant.length > 0) held = [...held, ...meant].sort(byId);
    }
    yield* held.reverse();
  }

  /** Rows, the oldest first. */
  *rows(): Generator<{ key: Key; entries: IdEntry<V>[] }> {
    for (const { key, value } of this.#store.range(this.#table, {})) yield { key, entries: value as IdEntry<V>[] };
  }

  /** Writes a row with the entries that are left of it. */
  replace(key: Key, entries: readonly IdEntry<V>[]): void {
    if (entries.length === 0) this.#store.remove(this.#table, key);
    else this.#store.put(this.#table, key, entries);
  }
}

export type IdEntry<V> = readonly [id: string, value: V];

/** Most ids of a row, and the longest time between its lowest and its highest id, ms. */
const MOST = 256;
export const SPAN = 64;
/** Length of the time at the start of an id, characters. */
const TIME = 10;

function byId(a: IdEntry<unknown>, b: IdEntry<unknown>): number {
  return a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0;
}
