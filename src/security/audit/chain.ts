import { hash as digest } from "node:crypto";

/** The place in a chain of records: the number of a record, and the hash of its line. */
export interface Link {
  readonly no: number;
  readonly hash: string;
}

/** Before the first record. */
export const START: Link = { no: 0, hash: "" };

/** The hash of a record's line, without its line break, which the next record carries. */
export function hashOf(line: string): string {
  return digest("sha256", line, "base64");
}

/** The number, and the hash of the record before, that a line claims; `undefined`: it is no record. */
export function claimOf(line: string): { readonly no: number; readonly prev: string } | undefined {
  try {
    const { no, prev } = JSON.parse(line) as { no?: unknown; prev?: unknown };
    return typeof no === "number" && Number.isSafeInteger(no) && typeof prev === "string" ? { no, prev } : undefined;
  } catch {
    return undefined;
  }
}

/** A fault of the chain, in words, at its file and line. */
export interface ChainFault {
  readonly where: string;
  readonly fault: string;
}

/**
 * Follows a chain of records, line by line, from the link before its first: a record that was changed, taken out, put elsewhere or
 * cut off at the end is found, and named.
 */
export class ChainCheck {
  readonly faults: ChainFault[] = [];
  readonly #start: Link;
  #last: Link;
  #lastAt = "";
  records = 0;

  constructor(start: Link) {
    this.#start = start;
    this.#last = start;
  }

  get last(): Link {
    return this.#last;
  }

  line(text: string, at: string): void {
    const claim = claimOf(text);
    const { no, hash } = this.#last;
    const misplaced =
      claim === undefined
        ? `this line is no record: number ${no + 1} was changed`
        : claim.no <= no
          ? `record ${claim.no} stands behind record ${no}: the order was changed`
          : undefined;
    if (claim === undefined || misplaced !== undefined) {
      this.#fault(at, misplaced ?? "");
      return;
    }
    if (claim.no > no + 1) this.#fault(at, `${missing(no + 1, claim.no - 1)} before record ${claim.no}`);
    else if (claim.prev !== hash) {
      const changed =
        no === this.#start.no
          ? `record ${claim.no} does not follow what was recorded before it`
          : `record ${no} was changed`;
      this.#fault(this.#lastAt || at, changed);
    }
    this.records++;
    this.#last = { no: claim.no, hash: hashOf(text) };
    this.#lastAt = at;
  }

  /** Compares the end of the chain with the link that is known to be its last. */
  end({ no, hash }: Link, at: string): void {
    if (no > this.#last.no) this.#fault(at, `${missing(this.#last.no + 1, no)} at the end`);
    else if (no === this.#last.no && hash !== this.#last.hash)
      this.#fault(this.#lastAt || at, `record ${no} was changed`);
  }

  #fault(at: string, fault: string): void {
    this.faults.push({ where: at, fault });
  }
}

function missing(from: number, to: number): string {
  return from === to ? `record ${from} is missing` : `records ${from} to ${to} are missing`;
}
