import type { Clock, Timer } from "../message/clock.ts";

/** Between two lines of the same reason, ms. */
const QUIET = 1_000;

interface Reason {
  /** Not yet in the log. */
  pending: number;
  fields: object;
  timer: Timer | undefined;
}

/**
 * Lets a flood of equal reports through as few lines: the first at once, then at most one a second for each reason, with
 * the count of those since the line before. The last of a flood are reported too, a second later, by a timer.
 */
export class RepeatedLine {
  readonly #clock: Clock;
  readonly #write: (reason: string, count: number, fields: object) => void;
  readonly #reasons = new Map<string, Reason>();

  constructor(clock: Clock, write: (reason: string, count: number, fields: object) => void) {
    this.#clock = clock;
    this.#write = write;
  }

  /** `fields` of the latest report are the ones that a line shows. */
  report(reason: string, count: number, fields: object): void {
    const known = this.#reasons.get(reason);
    if (known !== undefined) {
      known.pending += count;
      known.fields = fields;
      return;
    }
    const fresh: Reason = { pending: 0, fields, timer: undefined };
    this.#reasons.set(reason, fresh);
    this.#write(reason, count, fields);
    this.#rest(reason, fresh);
  }

  /** Writes what is pending and disarms. */
  stop(): void {
    for (const [reason, known] of this.#reasons) {
      this.#clock.clearTimeout(known.timer);
      if (known.pending > 0) this.#write(reason, known.pending, known.fields);
    }
    this.#reasons.clear();
  }

  #rest(reason: string, known: Reason): void {
    known.timer = this.#clock.setTimeout(() => {
      if (known.pending === 0) {
        this.#reasons.delete(reason);
        return;
      }
      const { pending, fields } = known;
      known.pending = 0;
      this.#write(reason, pending, fields);
      this.#rest(reason, known);
    }, QUIET);
  }
}
