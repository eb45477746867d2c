import type { Clock, Timer } from "../../../message/clock.ts";

/** How long a small frame waits for others while another one is on its way, ms. */
const HOLD = 20;

/** A small frame waits a little for the ACK of the one before it: the batch grows, and fewer syncs carry more. */
export class FrameGathering {
  readonly #clock: Clock;
  readonly #over: () => void;
  #timer: Timer | undefined;
  #lastSent = Number.NEGATIVE_INFINITY;

  /** @param over called when a frame has waited long enough */
  constructor(clock: Clock, over: () => void) {
    this.#clock = clock;
    this.#over = over;
  }

  sent(): void {
    this.#lastSent = this.#clock.monotonic();
  }

  /** True while a small frame should still wait; then `over` is called. */
  waits(): boolean {
    const left = this.#lastSent + HOLD - this.#clock.monotonic();
    if (left <= 0) return false;
    this.#timer ??= this.#clock.setTimeout(() => {
      this.#timer = undefined;
      this.#over();
    }, left);
    return true;
  }

  end(): void {
    this.#clock.clearTimeout(this.#timer);
  }
}
