import type { Clock, Timer } from "../../../src/message/clock.ts";

/** Simulated time for many daemons in one process, and the clock that one life of one daemon sees of it. */

interface Due {
  readonly at: number;
  readonly order: number;
  readonly fn: () => void;
  cleared: boolean;
}

/** What a timer of Node holds, ms. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** Stands still until it is told to go on. Whatever falls due at the same moment happens in the order of arming. */
export class WorldTime implements Clock {
  readonly #start: number;
  #elapsed = 0;
  #order = 0;
  /** A heap, the earliest first. */
  readonly #heap: Due[] = [];

  constructor(start = Date.UTC(2030, 0, 1)) {
    this.#start = start;
  }

  now(): number {
    return this.#start + this.#elapsed;
  }

  monotonic(): number {
    return this.#elapsed;
  }

  setTimeout(fn: () => void, ms: number): Timer {
    if (ms > LONGEST_TIMER) throw new Error(`a timer of ${ms} ms would fire at once`);
    // Whole milliseconds, as the timers of Node count them: no clock ever shows a fraction.
    const due: Due = { at: this.#elapsed + Math.max(0, Math.ceil(ms)), order: this.#order++, fn, cleared: false };
    this.#push(due);
    return due;
  }

  clearTimeout(timer: Timer): void {
    if (timer !== undefined) (timer as Due).cleared = true;
  }

  /** Fires the next timer that is due until `end` and lets all that follows from it happen; false: there is none. */
  async step(end: number): Promise<boolean> {
    await quiet();
    for (let next = this.#heap[0]; next !== undefined && next.at <= end; next = this.#heap[0]) {
      this.#pop();
      if (next.cleared) continue;
      this.#elapsed = Math.max(this.#elapsed, next.at);
      next.fn();
      await quiet();
      return true;
    }
    return false;
  }

  async advance(ms: number): Promise<void> {
    const end = this.#elapsed + ms;
    while (await this.step(end));
    this.#elapsed = end;
  }

  #push(due: Due): void {
    const heap = this.#heap;
    let at = heap.push(due) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || before(above, due)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = due;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      const [a, b] = [heap[left], heap[left + 1]];
      if (a === undefined) break;
      const child = b !== undefined && before(b, a) ? left + 1 : left;
      const below = heap[child];
      if (below === undefined || before(last, below)) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = last;
  }
}

function before(a: Due, b: Due): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/** The clock of one life of one daemon: its own wall time, and nothing fires any more once that life has ended. */
export class LifeClock implements Clock {
  readonly #time: WorldTime;
  readonly #wrong: () => number;
  readonly #onFire: () => void;
  readonly #armed = new Set<Timer>();
  #over = false;
  /** What fell due while it stands still; `undefined`: it does not. */
  #held: (() => void)[] | undefined;

  /**
   * @param wrong how far its wall clock is off, ms.
   * @param onFire called before each timer; it may end this clock.
   */
  constructor(time: WorldTime, wrong: () => number, onFire: () => void = () => undefined) {
    this.#time = time;
    this.#wrong = wrong;
    this.#onFire = onFire;
  }

  /** Timers that are armed. */
  get armed(): number {
    return this.#armed.size;
  }

  now(): number {
    return this.#time.now() + Math.round(this.#wrong());
  }

  monotonic(): number {
    return this.#time.monotonic();
  }

  setTimeout(fn: () => void, ms: number): Timer {
    if (this.#over) return undefined;
    const timer = this.#time.setTimeout(() => {
      if (this.#held !== undefined) this.#held.push(fire);
      else fire();
    }, ms);
    const fire = (): void => {
      // Cleared since.
      if (!this.#armed.delete(timer)) return;
      this.#onFire();
      if (!this.#over) fn();
    };
    this.#armed.add(timer);
    return timer;
  }

  clearTimeout(timer: Timer): void {
    this.#armed.delete(timer);
    this.#time.clearTimeout(timer);
  }

  /** No timer fires until `thaw`; time goes on, as it does for a process that was stopped. */
  freeze(): void {
    this.#held ??= [];
  }

  thaw(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const fire of held) fire();
  }

  end(): void {
    this.#over = true;
    for (const timer of this.#armed) this.#time.clearTimeout(timer);
    this.#armed.clear();
  }
}

/** Turns of the event loop that may follow from one moment; more means that something goes round in a circle. */
const TURNS = 200_000;

/** Resolves when nothing is left to do in this moment: no microtask, no immediate, no file operation. */
export async function quiet(): Promise<void> {
  for (let turns = 0, still = 0; still < 2; turns++) {
    if (turns > TURNS) throw new Error("the world does not come to rest: something goes round without time passing");
    await new Promise((resolve) => setImmediate(resolve));
    const busy = process.getActiveResourcesInfo().some((name) => name === "Immediate" || name.startsWith("FSReq"));
    still = busy ? 0 : still + 1;
  }
}
