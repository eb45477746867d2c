import type { Clock } from "../../message/clock.ts";
import type { Standstill } from "../../message/standstill.ts";

/**
 * Since when, and why, a lane is stuck: it does not move although its node is there. A lane whose node is away, or that has
 * no broker, waits; it is not stuck.
 *
 *   moves ──stands──▶ stands (told after a while) ──moves──▶ moves
 */

/** How long a lane may stand still before it is shown as stuck, ms: after a fault, and for a receiver without room. */
const SOON = 10_000;
const LATER = 300_000;

export class LaneStandstill {
  readonly #clock: Clock;
  #reason = "";
  #since = 0;
  #from = 0;
  #patience = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `busy`: the receiver has no room, which is no fault until it lasts. */
  stands(reason: string, busy = false): void {
    if (this.#reason === "") {
      this.#since = this.#clock.now();
      this.#from = this.#clock.monotonic();
    }
    this.#reason = reason;
    this.#patience = busy ? LATER : SOON;
  }

  moves(): void {
    this.#reason = "";
  }

  view(): Standstill | undefined {
    if (this.#reason === "" || this.#clock.monotonic() - this.#from < this.#patience) return undefined;
    return { since: this.#since, reason: this.#reason };
  }
}
