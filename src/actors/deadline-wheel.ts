import type { Clock, Timer } from "../message/clock.ts";

/**
 * Many deadlines on one timer. Moving a deadline later costs a map write and no timer: the entry is looked at when its
 * old slot comes up. Fires within one slot after the deadline, never before.
 */
export class DeadlineWheel {
  readonly #clock: Clock;
  readonly #slot: number;
  readonly #deadlines = new Map<string, number>();
  readonly #slots = new Map<number, Set<string>>();
  readonly #due: (key: string) => void;
  #timer: Timer | undefined;
  #at = Number.POSITIVE_INFINITY;

  /** @param slot resolution, ms */
  constructor(clock: Clock, slot: number, due: (key: string) => void) {
    this.#clock = clock;
    this.#slot = slot;
    this.#due = due;
  }

  /** Sets the deadline of `key`, in ms from now. */
  set(key: string, ms: number): void {
    const at = this.#clock.monotonic() + ms;
    const before = this.#deadlines.get(key);
    this.#deadlines.set(key, at);
    if (before === undefined || at < before) this.#place(key, at);
  }

  delete(key: string): void {
    this.#deadlines.delete(key);
  }

  stop(): void {
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#deadlines.clear();
    this.#slots.clear();
  }

  #place(key: string, at: number): void {
    const slot = Math.ceil(at / this.#slot);
    const keys = this.#slots.get(slot);
    if (keys === undefined) this.#slots.set(slot, new Set([key]));
    else keys.add(key);
    if (slot < this.#at || this.#timer === undefined) this.#arm(slot);
  }

  #arm(slot: number): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#at = slot;
    this.#timer = this.#clock.setTimeout(() => this.#turn(), slot * this.#slot - this.#clock.monotonic());
  }

  #turn(): void {
    this.#timer = undefined;
    const now = this.#clock.monotonic();
    const past = [...this.#slots.keys()].filter((slot) => slot * this.#slot <= now).sort((a, b) => a - b);
    for (const slot of past) {
      const keys = this.#slots.get(slot) ?? [];
      this.#slots.delete(slot);
      for (const key of keys) {
        const at = this.#deadlines.get(key);
        if (at === undefined) continue;
        if (at > now) {
          this.#place(key, at);
          continue;
        }
        this.#deadlines.delete(key);
        this.#due(key);
      }
    }
    if (this.#slots.size > 0) this.#arm(Math.min(...this.#slots.keys()));
  }
}
