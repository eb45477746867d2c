/**
 * First signs of life of unknown nodes. Each costs more than a frame of a known node, and there may be thousands at once:
 * a few are dealt with in each turn of the event loop, those beyond a bound are dropped. A dropped node says hello again.
 */

/** Dealt with in one turn, and the most that wait. */
const A_TURN = 4;
const MOST = 2_000;

export class Strangers {
  readonly #waiting: (() => void)[] = [];
  #armed = false;

  /** Runs `admit` in its turn. False: too many wait already. */
  add(admit: () => void): boolean {
    if (this.#waiting.length >= MOST) return false;
    this.#waiting.push(admit);
    this.#arm();
    return true;
  }

  end(): void {
    this.#waiting.length = 0;
  }

  #arm(): void {
    if (this.#armed || this.#waiting.length === 0) return;
    this.#armed = true;
    setImmediate(() => {
      this.#armed = false;
      for (const admit of this.#waiting.splice(0, A_TURN)) admit();
      this.#arm();
    });
  }
}
