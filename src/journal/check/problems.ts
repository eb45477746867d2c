import type { Entry, Key, Store, Table } from "../store/store.ts";

/** A fault of one row, or of the journal's files (table `files`). */
export interface Problem {
  readonly table: Table | "files";
  /** JSON of the row's key. */
  readonly key: string;
  readonly fault: string;
  /**
   * `wrong`: data are lost or misleading. `leftover`: only room is wasted. `aside`: a daemon found the row, set it aside and
   * told of it.
   */
  readonly harm: "wrong" | "leftover" | "aside";
}

/** A problem that was found before the rows are read. */
export type KnownProblem = Omit<Problem, "key"> & { readonly key: Key };

/** The rows of a journal, to be read only. A value that cannot be read is an `Unreadable`. */
export type Rows = Pick<Store, "get" | "range">;

/** Stands in for a value whose text is no JSON. */
export class Unreadable {
  readonly fault: string;

  constructor(fault: string) {
    this.fault = fault;
  }
}

/** Returns the fault of a value, beginning with the name of its field; `undefined`: none. */
export type Check = (value: unknown) => string | undefined;

/** Most problems that are listed one by one; all are counted. */
const MOST_TOLD = 200;
const TELL_EVERY = 10_000;

/** Collects problems, and yields the rows that have the shape of their records. */
export class Inspection {
  readonly rows: Rows;
  readonly problems: Problem[] = [];
  wrong = 0;
  leftovers = 0;
  aside = 0;
  seen = 0;
  readonly #onRows: (rows: number) => void;

  /** @param onRows called now and then with the number of rows that were looked at */
  constructor(rows: Rows, onRows: (rows: number) => void = () => undefined) {
    this.rows = rows;
    this.#onRows = onRows;
  }

  add(table: Table | "files", key: Key, fault: string, harm: Problem["harm"] = "wrong"): void {
    if (harm === "wrong") this.wrong++;
    else if (harm === "aside") this.aside++;
    else this.leftovers++;
    if (this.problems.length < MOST_TOLD) this.problems.push({ table, key: JSON.stringify(key), fault, harm });
  }

  /** The sound rows of a table, in order. The two checks have to prove the caller's `K` and `T`. */
  *sound<T, K extends Key = Key>(table: Table, key: Check, value: Check): Generator<{ key: K; value: T }> {
    for (const entry of this.rows.range(table, {})) {
      if (++this.seen % TELL_EVERY === 0) this.#onRows(this.seen);
      const fault = faultOf(entry, key, value);
      if (fault === undefined) yield entry as { key: K; value: T };
      else this.add(table, entry.key, fault);
    }
  }
}

function faultOf(entry: Entry, key: Check, value: Check): string | undefined {
  if (entry.value instanceof Unreadable) return entry.value.fault;
  const ofKey = key(entry.key);
  return ofKey === undefined ? value(entry.value) : `its key: ${ofKey}`;
}
