import { compareKeys, type Key } from "./store.ts";

/** A key has one place for as long as it has a row, whichever row that is. */
interface Place<Row> {
  readonly key: Key;
  row: Row;
}

/** Places side by side: an insertion moves at most so many. */
const LONGEST = 256;

/**
 * Rows of one table that are not in LMDB yet, by key and in the order of keys. The order is made when somebody asks for it: most
 * tables are read by key alone. A read of neighbours costs what it returns, whatever else was written.
 */
export class Rows<Row extends { readonly key: Key }> {
  readonly #byText = new Map<string, Place<Row>>();
  /** Places that are not in the order yet. */
  readonly #unordered = new Set<Place<Row>>();
  /** In order; none is empty. */
  #runs: Place<Row>[][] = [];
  #ordered = 0;
  /** Another one after each change. */
  version = 0;

  get(text: string): Row | undefined {
    return this.#byText.get(text)?.row;
  }

  set(text: string, row: Row): void {
    this.version++;
    const known = this.#byText.get(text);
    if (known !== undefined) {
      known.row = row;
      return;
    }
    const place = { key: row.key, row };
    this.#byText.set(text, place);
    this.#unordered.add(place);
  }

  delete(text: string): void {
    const place = this.#byText.get(text);
    if (place === undefined) return;
    this.#byText.delete(text);
    this.version++;
    if (this.#unordered.delete(place)) return;
    const [at, index] = this.#placeOf(place.key);
    const run = this.#runs[at];
    run?.splice(index, 1);
    this.#ordered--;
    if (run?.length === 0) this.#runs.splice(at, 1);
  }

  /** In no order. */
  *all(): Generator<Row> {
    for (const { row } of this.#byText.values()) yield row;
  }

  /** The first row from a key on, or behind it; without a key, the first of all. */
  next(key: Key | undefined, behind: boolean): Row | undefined {
    this.#order();
    if (key === undefined) return this.#runs[0]?.[0]?.row;
    const [at, index] = this.#placeOf(key);
    const found = this.#runs[at]?.[index];
    if (!behind || found === undefined || compareKeys(found.key, key) !== 0) return found?.row;
    return (this.#runs[at]?.[index + 1] ?? this.#runs[at + 1]?.[0])?.row;
  }

  /** The last row before a key; without a key, the last of all. */
  previous(key: Key | undefined): Row | undefined {
    this.#order();
    if (key === undefined) return this.#runs.at(-1)?.at(-1)?.row;
    const [at, index] = this.#placeOf(key);
    return (index > 0 ? this.#runs[at]?.[index - 1] : this.#runs[at - 1]?.at(-1))?.row;
  }

  /** The run and the index of the first place of which the key is not below this one. */
  #placeOf(key: Key): [run: number, index: number] {
    const run = firstOf(this.#runs, (places) => compareKeys((places.at(-1) as Place<Row>).key, key) >= 0);
    return [run, firstOf(this.#runs[run] ?? [], (place) => compareKeys(place.key, key) >= 0)];
  }

  #order(): void {
    const { size } = this.#unordered;
    if (size === 0) return;
    if (size > this.#ordered / 4) {
      const all = [...this.#byText.values()].sort((a, b) => compareKeys(a.key, b.key));
      this.#runs = [];
      for (let from = 0; from < all.length; from += LONGEST / 2) this.#runs.push(all.slice(from, from + LONGEST / 2));
    } else for (const place of this.#unordered) this.#insert(place);
    this.#ordered += size;
    this.#unordered.clear();
  }

  #insert(place: Place<Row>): void {
    const [at, index] = this.#placeOf(place.key);
    // The last run grows by what comes behind all others.
    const run = this.#runs[at] ?? this.#runs.at(-1) ?? [];
    run.splice(at < this.#runs.length ? index : run.length, 0, place);
    if (run.length > LONGEST) this.#runs.splice(this.#runs.indexOf(run) + 1, 0, run.splice(LONGEST / 2));
  }
}

/** Where the elements begin of which this is true; it is of none before one of which it is. */
function firstOf<T>(list: readonly T[], isTrue: (element: T) => boolean): number {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isTrue(list[middle] as T)) high = middle;
    else low = middle + 1;
  }
  return low;
}
