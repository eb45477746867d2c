/**
 * First signs of life of unknown nodes. Each costs more than a frame of a known node, and there may be thousands at once:
 * a few are dealt with in each turn of the event loop, those beyond a bound, and those that have waited for long, are dropped.
 * A dropped node says hello again.
 */

/** Dealt with in one turn, and the most that wait. */
const A_TURN = 4;
const MOST = 2_000;

export class Strangers {
  readonly #waiting: (() => boolean)[] = [];
  #armed = false;

  /** Runs `admit` in its turn; it answers whether there was work. False: too many wait already. */
  add(admit: () => boolean): boolean {
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
      let seen = 0;
      for (let admitted = 0; admitted < A_TURN && seen < this.#waiting.length; seen++)
        if (this.#waiting[seen]?.() === true) admitted++;
      this.#waiting.splice(0, seen);
      this.#arm();
    });
  }
}
