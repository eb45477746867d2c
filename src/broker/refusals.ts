import type { Clock, Timer } from "../message/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Refusal } from "./transport.ts";

/**
 * The operations that the present broker refuses for want of permission: told once a minute, asked for again after growing
 * pauses, and told once more when the broker permits them.
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
  /** Number of refusals. */
  times: number;
}

/** Milliseconds before a refusal is told again, and the growing pauses before a subscription is asked for again. */
const TELL_AGAIN = 60_000;
const AGAIN = { min: 5_000, max: 60_000 };
/** Refusals that are remembered: replies go to ever new subjects. */
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
    log.warn(refusal, `the broker does not let this node ${keyOf(refusal)}`);
    tell(refusal);
  }

  /** Number of refusals of an operation that is asked for again; `undefined`: it was not refused. */
  asked(refusal: Refusal): number | undefined {
    return this.#known.get(keyOf(refusal))?.times;
  }

  /** The broker has answered everything sent before; `asked`: the answer of `asked()` then. */
  answered(refusal: Refusal, asked: number): void {
    const key = keyOf(refusal);
    if (this.#known.get(key)?.times !== asked) return;
    this.#known.delete(key);
    this.#pause = AGAIN.min;
    this.#options.log.info(refusal, `the broker lets this node ${key} now`);
    this.#options.tell({ ...refusal, over: true });
  }

  /** Forgets all refusals: another connection may have another broker. */
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
