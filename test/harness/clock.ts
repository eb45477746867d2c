import type { Clock, Timer } from "../../src/message/clock.ts";

interface Pending {
  readonly at: number;
  readonly order: number;
  readonly fn: () => void;
}

/** A clock that stands still until it is told to advance. */
export class SimulatedClock implements Clock {
  #wall: number;
  #monotonic = 0;
  #order = 0;
  readonly #pending = new Set<Pending>();

  constructor(start = Date.UTC(2030, 0, 1)) {
    this.#wall = start;
  }

  now(): number {
    return this.#wall;
  }

  monotonic(): number {
    return this.#monotonic;
  }

  setTimeout(fn: () => void, ms: number): Timer {
    const pending = { at: this.#monotonic + Math.max(0, ms), order: this.#order++, fn };
    this.#pending.add(pending);
    return pending;
  }

  clearTimeout(timer: Timer): void {
    this.#pending.delete(timer as Pending);
  }

  /** How many timers are armed. */
  get armed(): number {
    return this.#pending.size;
  }

  /** Moves on by `ms`, firing what falls due in order, and lets promises settle after each. */
  async advance(ms: number): Promise<void> {
    const end = this.#monotonic + ms;
    await settle();
    for (;;) {
      let next: Pending | undefined;
      for (const p of this.#pending) {
        if (p.at <= end && (next === undefined || p.at < next.at || (p.at === next.at && p.order < next.order)))
          next = p;
      }
      if (next === undefined) break;
      this.#pending.delete(next);
      this.#step(next.at - this.#monotonic);
      next.fn();
      await settle();
    }
    this.#step(end - this.#monotonic);
    await settle();
  }

  /** Sets the wall clock without letting time pass: an administrator, or NTP. */
  jump(ms: number): void {
    this.#wall += ms;
  }

  #step(ms: number): void {
    this.#wall += ms;
    this.#monotonic += ms;
  }
}

/** Lets everything that is already resolved run, microtasks and immediates. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
}
