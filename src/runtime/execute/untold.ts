import type { Clock, Timer } from "../../message/clock.ts";
import { ChurnMap } from "../../platform/churn-map.ts";

/** Time in which most commands have ended, or have printed output, ms. */
const PATIENCE = 250;

/**
 * Commands that have begun without a report to their origin. An outcome or a piece of output tells the beginning too, so a
 * report of its own is sent only for a command that goes on in silence.
 */
export class Untold {
  readonly #clock: Clock;
  readonly #timers = new ChurnMap<string, Timer>();

  #stopped = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  later(id: string, tell: () => void): void {
    this.cancel(id);
    if (this.#stopped) return;
    this.#timers.set(
      id,
      this.#clock.setTimeout(() => {
        this.#timers.delete(id);
        tell();
      }, PATIENCE),
    );
  }

  cancel(id: string): void {
    const timer = this.#timers.get(id);
    if (timer === undefined) return;
    this.#clock.clearTimeout(timer);
    this.#timers.delete(id);
  }

  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers.values()) this.#clock.clearTimeout(timer);
  }
}
