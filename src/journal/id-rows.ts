import { idTime } from "../message/id.ts";
import type { Key, Store, Table } from "./store/store.ts";

/**
 * What belongs to an id each, many ids to a row: what comes together costs one row. A row's key is its lowest id, and its ids
 * lie so close in time that whoever looks for one has few rows to look through, though the rows of clocks that went back,
 * or of several origins, may overlap.
 */
export class IdRows<V> {
  readonly #store: Store;
  readonly #table: Table;
  /** No row has a higher key. */
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

  /** Newest first, of those ids that begin like this and are lower than `before`. */
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

  /** What is left of a row. */
  replace(key: Key, entries: readonly IdEntry<V>[]): void {
    if (entries.length === 0) this.#store.remove(this.#table, key);
    else this.#store.put(this.#table, key, entries);
  }
}

export type IdEntry<V> = readonly [id: string, value: V];

/** Ids in a row at most, and the time between its lowest and its highest, ms. */
const MOST = 256;
export const SPAN = 64;
/** Characters of an id that are its time. */
const TIME = 10;

function byId(a: IdEntry<unknown>, b: IdEntry<unknown>): number {
  return a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0;
}
