import type { Happening } from "../message/happening.ts";
import type { Logger } from "../platform/logger.ts";

export type HappeningListener = (happening: Happening) => void;

/**
 * The in-process bus of what happens: from the rooms of the daemon to the open streams of the API. Listeners are called
 * in the order in which they came, within `emit`. Without listeners `emit` is one comparison; where a happening is dear
 * to make, ask `watched` first.
 */
export class Happenings {
  readonly #log: Logger;
  /** Replaced, never changed, so that listeners may come and go while one is being called. */
  #listeners: readonly HappeningListener[] = [];

  constructor(log: Logger) {
    this.#log = log;
  }

  get watched(): boolean {
    return this.#listeners.length > 0;
  }

  emit(happening: Happening): void {
    for (const listener of this.#listeners) {
      try {
        listener(happening);
      } catch (error) {
        this.#log.error({ err: error, happening: happening.type }, "a listener to what happens failed");
      }
    }
  }

  /** Calls `listener` from now on, until the returned function is called. */
  subscribe(listener: HappeningListener): () => void {
    // A wrapper of its own, so that the same function may be subscribed twice.
    const own: HappeningListener = (happening) => listener(happening);
    this.#listeners = [...this.#listeners, own];
    return () => {
      this.#listeners = this.#listeners.filter((other) => other !== own);
    };
  }
}
