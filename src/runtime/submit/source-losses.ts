import type { Clock, Timer } from "../../message/clock.ts";

/**
 * Tells central what a source could not keep, with the amount: the sum of some seconds first, and while it goes on the sum of
 * longer and longer times. Faults that take nothing away are counted alone.
 */
const KEPT: ReadonlySet<string> = new Set(["not-utf8", "nul", "framing-error"]);
const FIRST = 6_000;
const LONGEST = 3_600_000;

interface Told {
  sum: number;
  total: number;
  wait: number;
  timer: Timer;
}

export class SourceLosses {
  readonly #clock: Clock;
  readonly #tell: (text: string) => void;
  readonly #reasons = new Map<string, Told>();

  constructor(clock: Clock, tell: (text: string) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  add(reason: string, count: number): void {
    if (KEPT.has(reason) || count <= 0) return;
    const told = this.#reasons.get(reason) ?? { sum: 0, total: 0, wait: FIRST, timer: undefined };
    this.#reasons.set(reason, told);
    told.sum += count;
    told.timer ??= this.#clock.setTimeout(() => this.#due(reason, told), told.wait);
  }

  /** Tells what is left. */
  close(): void {
    for (const [reason, told] of this.#reasons) {
      this.#clock.clearTimeout(told.timer);
      this.#say(reason, told);
    }
    this.#reasons.clear();
  }

  #due(reason: string, told: Told): void {
    told.timer = undefined;
    if (told.sum === 0) {
      // Quiet for all that time: the next loss is news again.
      told.wait = FIRST;
      return;
    }
    this.#say(reason, told);
    told.wait = Math.min(LONGEST, told.wait * 4);
    told.timer = this.#clock.setTimeout(() => this.#due(reason, told), told.wait);
  }

  #say(reason: string, told: Told): void {
    if (told.sum === 0) return;
    told.total += told.sum;
    this.#tell(`${told.sum} dropped (${reason}), ${told.total} since this source was started`);
    told.sum = 0;
  }
}
