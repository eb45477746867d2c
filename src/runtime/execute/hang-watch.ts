import { type Clock, LONGEST_TIMER, type Timer } from "../../message/clock.ts";
import { ChurnMap } from "../../platform/churn-map.ts";

/** A method under way. */
interface Watched {
  readonly within: number;
  /** True while the method waits for something outside of it. */
  readonly isExcused: () => boolean;
  readonly hangs: (error: Error) => void;
  over: boolean;
}

/** A timer this late shows that the whole process was paused; ends that wait to be read then get `AFTER_PAUSE`, ms. */
const PAUSED = 1000;
const AFTER_PAUSE = 5000;

/** Watches over methods: each ends itself at its timeout, and one that does not is a defect. */
export class HangWatch {
  readonly #clock: Clock;
  /** Methods that began in this turn: most end in it too, and need no timer. */
  #begun: Watched[] = [];
  readonly #timers = new ChurnMap<Watched, Timer>();
  #stopped = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Passes `end` on, or rejects after `within` ms. A time beyond the longest timer (weeks) is not watched. */
  over<T>(end: Promise<T>, within: number, isExcused: () => boolean): Promise<T> {
    if (within > LONGEST_TIMER) return end;
    return new Promise<T>((resolve, reject) => {
      const watched: Watched = { within, isExcused, hangs: reject, over: false };
      if (this.#begun.length === 0) setImmediate(() => this.#endTurn());
      this.#begun.push(watched);
      end.then(
        (value) => {
          this.#ended(watched);
          resolve(value);
        },
        (error: unknown) => {
          this.#ended(watched);
          reject(error);
        },
      );
    });
  }

  #ended(watched: Watched): void {
    watched.over = true;
    const timer = this.#timers.get(watched);
    if (timer === undefined) return;
    this.#clock.clearTimeout(timer);
    this.#timers.delete(watched);
  }

  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers.values()) this.#clock.clearTimeout(timer);
  }

  #endTurn(): void {
    const begun = this.#begun;
    this.#begun = [];
    for (const watched of begun) if (!watched.over && !this.#stopped) this.#watch(watched);
  }

  #watch(watched: Watched, within = watched.within): void {
    const due = this.#clock.monotonic() + within;
    const look = (): void => {
      this.#timers.delete(watched);
      // This process was paused meanwhile: the end may wait to be read.
      if (this.#clock.monotonic() - due > PAUSED) this.#watch(watched, AFTER_PAUSE);
      else if (watched.isExcused()) this.#watch(watched);
      else setImmediate(() => this.#judge(watched));
    };
    this.#timers.set(watched, this.#clock.setTimeout(look, within));
  }

  /** Judges one turn of I/O after the timer: the end may come in that turn. */
  #judge(watched: Watched): void {
    if (watched.over || this.#stopped) return;
    watched.hangs(new Error("the method did not end by itself after its timeout"));
  }
}
