import type { Clock, Timer } from "../../message/clock.ts";

/**
 * Tells central how many lines a source lost: the sum of some seconds first, and while losses go on the sums of longer and
 * longer times. Faults without a loss are only counted, and so are those that a source tells by itself.
 */
const KEPT: ReadonlySet<string> = new Set(["not-utf8", "nul", "framing-error", "unread"]);
/** Remedies of losses that an operator can prevent, by reason. */
const REMEDIES: Readonly<Record<string, string>> = {
  "kernel-full": "Raise net.core.rmem_max on that host and start steward anew, or send over TCP.",
  "queue-full": "Send over TCP, which waits, or send less.",
  refused: "Raise the open files that the service may have (LimitNOFILE), or connect less often.",
};
const FIRST = 6_000;
const LONGEST = 3_600_000;

interface Told {
  sum: number;
  total: number;
  /** When the first of the sum was lost, ms. */
  since: number;
  wait: number;
  timer: Timer;
}

export class SourceLosses {
  readonly #clock: Clock;
  readonly #tell: (text: string, reason: string) => void;
  readonly #reasons = new Map<string, Told>();

  constructor(clock: Clock, tell: (text: string, reason: string) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  add(reason: string, count: number): void {
    if (KEPT.has(reason) || count <= 0) return;
    const told = this.#reasons.get(reason) ?? { sum: 0, total: 0, since: 0, wait: FIRST, timer: undefined };
    this.#reasons.set(reason, told);
    if (told.sum === 0) told.since = this.#clock.now();
    told.sum += count;
    told.timer ??= this.#clock.setTimeout(() => this.#due(reason, told), told.wait);
  }

  /** Tells the sums that are still untold. */
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
      // The time passed without a loss: the next loss is told soon again.
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
    const { sum, total } = told;
    const [from, to] = [told.since, this.#clock.now()].map((at) => new Date(at).toISOString());
    const text = `${sum} dropped (${reason}) from ${from} to ${to}, ${total} since this source was started`;
    const remedy = REMEDIES[reason];
    this.#tell(remedy === undefined ? text : `${text}. ${remedy}`, reason);
    told.sum = 0;
  }
}
