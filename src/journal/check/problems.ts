import type { Entry, Key, Store, Table } from "../store/store.ts";

/** What is wrong with one row, or with the files, named in the place of a table. */
export interface Problem {
  readonly table: Table | "files";
  /** JSON of the row's key. */
  readonly key: string;
  readonly fault: string;
  /**
   * `wrong`: something is lost, or would be taken for something else. `leftover`: only room is lost. `aside`: a daemon met
   * it, set it aside and told of it.
   */
  readonly harm: "wrong" | "leftover" | "aside";
}

/** A problem that was met before the rows were looked through. */
export type KnownProblem = Omit<Problem, "key"> & { readonly key: Key };

/** The rows of a journal, to be read only. A value that cannot be read is an `Unreadable`. */
export type Rows = Pick<Store, "get" | "range">;

/** In the place of a value of which the text is no JSON. */
export class Unreadable {
  readonly fault: string;

  constructor(fault: string) {
    this.fault = fault;
  }
}

/** What is wrong with a value, beginning with the field that it is in; `undefined`: nothing. */
export type Check = (value: unknown) => string | undefined;

/** How many problems are told one by one; all are counted. */
const MOST_TOLD = 200;
const TELL_EVERY = 10_000;

/** Collects what is wrong, and gives out those rows that have the shape that they should have. */
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

  /** The sound rows of a table, in order. The caller's `T` is what the two checks stand for. */
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
