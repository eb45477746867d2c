import type { Clock, Timer } from "../message/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Refusal } from "./transport.ts";

/**
 * The operations that the present broker refuses for want of permission: told once a minute, asked for again after growing pauses, and
 * told once more when it is permitted.
 *
 *   permitted ──refused──▶ refused ──asked again, and no refusal came before the answer──▶ permitted
 */
export interface RefusalsOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** Asks again for the subscriptions that were refused. */
  readonly again: () => void;
  readonly tell: (refusal: Refusal) => void;
}

interface Known {
  toldAt: number;
  /** How often it was refused. */
  times: number;
}

/** Told again after so long; asked again after pauses that grow between these, ms. */
const TELL_AGAIN = 60_000;
const AGAIN = { min: 5_000, max: 60_000 };
/** Replies go to ever new subjects: what is remembered of them must stay bounded. */
const MOST = 1_000;

export class Refusals {
  readonly #options: RefusalsOptions;
  readonly #known = new Map<string, Known>();
  #pause = AGAIN.min;
  #timer: Timer | undefined;

  constructor(options: RefusalsOptions) {
    this.#options = options;
  }

  get some(): boolean {
    return this.#known.size > 0;
  }

  refused(refusal: Refusal): void {
    const { clock, log, tell, again } = this.#options;
    if (refusal.operation === "subscribe" && this.#timer === undefined) {
      this.#timer = clock.setTimeout(() => {
        this.#timer = undefined;
        again();
      }, this.#pause);
      this.#pause = Math.min(AGAIN.max, this.#pause * 2);
    }
    const key = keyOf(refusal);
    const now = clock.monotonic();
    if (this.#known.size >= MOST) this.#known.clear();
    const known = this.#known.get(key) ?? { toldAt: Number.NEGATIVE_INFINITY, times: 0 };
    this.#known.set(key, known);
    known.times++;
    if (now - known.toldAt < TELL_AGAIN) return;
    known.toldAt = now;
    log.warn(refusal, "the broker refuses permission");
    tell(refusal);
  }

  /** The operation is asked for again. `undefined`: it was not refused. */
  asked(refusal: Refusal): number | undefined {
    return this.#known.get(keyOf(refusal))?.times;
  }

  /** The broker has answered all that came before; `asked`: as it was then. */
  answered(refusal: Refusal, asked: number): void {
    const key = keyOf(refusal);
    if (this.#known.get(key)?.times !== asked) return;
    this.#known.delete(key);
    this.#pause = AGAIN.min;
    this.#options.log.info(refusal, "the broker permits it now");
    this.#options.tell({ ...refusal, over: true });
  }

  /** Another connection: nothing is known of its broker. */
  clear(): void {
    this.#known.clear();
    this.#pause = AGAIN.min;
    this.#options.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

function keyOf({ operation, subject }: Refusal): string {
  return `${operation} ${subject}`;
}
