import type { Clock } from "../message/clock.ts";

/** Keys that came lately: what is told again and again is told once in a while. Bounded: too many keys are forgotten at once. */
export class Recently {
  readonly #clock: Clock;
  readonly #within: number;
  readonly #most: number;
  readonly #at = new Map<string, number>();

  /** @param within milliseconds for which a key is remembered */
  constructor(clock: Clock, within: number, most: number) {
    this.#clock = clock;
    this.#within = within;
    this.#most = most;
  }

  /** True when the key came within the time before; else it counts from now on. */
  has(key: string): boolean {
    const now = this.#clock.monotonic();
    const last = this.#at.get(key);
    if (last !== undefined && now - last < this.#within) return true;
    if (this.#at.size >= this.#most) this.#at.clear();
    this.#at.set(key, now);
    return false;
  }

  forget(key: string): void {
    this.#at.delete(key);
  }
}
