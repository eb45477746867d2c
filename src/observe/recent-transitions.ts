import type { Transition } from "../actors/root.ts";

export interface TimedTransition extends Transition {
  readonly at: number;
}

/** Transitions that are remembered. */
const MOST = 2_000;

/** The last transitions of this daemon, in memory alone: for whoever looks after something has happened. */
export class RecentTransitions {
  #list: TimedTransition[] = [];

  add(transition: TimedTransition): void {
    this.#list.push(transition);
    // Cutting now and then costs less than each time.
    if (this.#list.length >= 2 * MOST) this.#list = this.#list.slice(-MOST);
  }

  /** The newest so many that pass, the newest last. */
  last(limit: number, passes: (transition: TimedTransition) => boolean): TimedTransition[] {
    const found: TimedTransition[] = [];
    for (let i = this.#list.length - 1; i >= 0 && found.length < limit; i--) {
      const transition = this.#list[i];
      if (transition !== undefined && passes(transition)) found.push(transition);
    }
    return found.reverse();
  }
}
