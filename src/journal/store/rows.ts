import { compareKeys, type Key } from "./store.ts";

/** The place of a key, which stays the same when the key's row is replaced. */
interface Place<Row> {
  readonly key: Key;
  row: Row;
}

/** Longest run of places: an insertion moves at most so many. */
const LONGEST = 256;

/**
 * Rows of one table that are not in LMDB yet, by key and in the order of keys. Rows are ordered on the first ordered read, for
 * most tables are read by key alone. The cost of a range read depends on the rows that it returns, not on the size of the table.
 */
export class Rows<Row extends { readonly key: Key }> {
  readonly #byText = new Map<string, Place<Row>>();
  /** Places that are not in the order yet. */
  readonly #unordered = new Set<Place<Row>>();
  /** Runs of places in the order of keys; none is empty. */
  #runs: Place<Row>[][] = [];
  #ordered = 0;
  /** Number of changes so far. */
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

  /** All rows, in no order. */
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

  /** The run and the index of the first place whose key is not below this one. */
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
    // A key behind all others goes to the last run.
    const run = this.#runs[at] ?? this.#runs.at(-1) ?? [];
    run.splice(at < this.#runs.length ? index : run.length, 0, place);
    if (run.length > LONGEST) this.#runs.splice(this.#runs.indexOf(run) + 1, 0, run.splice(LONGEST / 2));
  }
}

/** The index of the first element for which `isTrue` holds; it must hold for all elements after that. */
function firstOf<T>(list: readonly T[], isTrue: (element: T) => boolean): number {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isTrue(list[middle] as T)) high = middle;
    else low = middle + 1;
  }
  return low;
}
