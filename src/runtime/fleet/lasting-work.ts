import type { Clock } from "../../message/clock.ts";

/** How long work goes on before the actor hears of it, and how long a pause may be in it, ms. */
const LASTS = 10_000;
const PAUSE = 1000;

/**
 * The commands that run on one node, as its actor hears of them: work that lasts is one change, and commands that come soon
 * after each other are one work. A short command alone is no change: with one command to each of ten thousand nodes, the
 * changes of the actors would cost more than the commands.
 */
export class LastingWork {
  readonly #clock: Clock;
  running = 0;
  /** True once the actor has heard of the work. */
  #told: boolean;
  /** Since when there is work, and when it last was, monotonic ms. */
  #since: number | undefined;
  #last = 0;

  /** `told`: the actor was told so in an earlier life of the daemon. */
  constructor(clock: Clock, told: boolean) {
    this.#clock = clock;
    this.#told = told;
  }

  /** False: the work is over, and its end was told. */
  get isWatched(): boolean {
    return this.#since !== undefined;
  }

  /** Takes the number of commands that run now. True: this is the beginning of work, to be looked at after a while. */
  runs(running: number): boolean {
    const rests = this.running === 0 && running === 0 && !this.#told;
    this.running = running;
    if (rests) return false;
    this.#last = this.#clock.monotonic();
    if (this.#since !== undefined) return false;
    this.#since = this.#last;
    return true;
  }

  /** The change to tell the actor of, if there is one. */
  look(): "busy" | "idle" | undefined {
    const now = this.#clock.monotonic();
    if (this.running > 0) this.#last = now;
    const { running } = this;
    const lasts = this.#since !== undefined && this.#last - this.#since >= LASTS;
    if (running === 0 && now - this.#last >= PAUSE) {
      this.#since = undefined;
      if (!this.#told) return undefined;
      this.#told = false;
      return "idle";
    }
    if (this.#told || !lasts) return undefined;
    this.#told = true;
    return "busy";
  }
}
