import { statSync } from "node:fs";
import type { Clock, Timer } from "../../message/clock.ts";

/** Interval between two looks at the file's state, ms. */
const LOOK_EVERY = 2_000;
/** Time without a further change after which a changed file is read, ms. */
const SETTLED = 3_000;
/** Time without a change after which a file that may be the beginning of a longer one is read, ms. */
export const SECOND_LOOK = 30_000;

export interface ConfigWatchOptions {
  readonly file: string;
  readonly clock: Clock;
  /**
   * Called when the file has changed and settled. Resolves with false when the file may not be whole, and is to be read
   * again. `sure`: the file is unchanged since the first reading, half a minute ago. Never rejects.
   */
  readonly changed: (sure: boolean) => Promise<boolean>;
}

/**
 * Watches the configuration file: known → changed → settled → dealt with, or doubted → (unchanged for half a minute) → dealt
 * with. Each further change begins anew, so that a file that is written in pieces is read when it is whole.
 */
export class ConfigWatch {
  readonly #options: ConfigWatchOptions;
  #dealtWith: string | undefined;
  #seen: { readonly mark: string; readonly since: number; doubted: boolean } | undefined;
  #timer: Timer | undefined;
  #ended = false;

  constructor(options: ConfigWatchOptions) {
    this.#options = options;
    this.#dealtWith = markOf(options.file);
    this.#arm();
  }

  end(): void {
    this.#ended = true;
    this.#options.clock.clearTimeout(this.#timer);
  }

  #arm(): void {
    if (this.#ended) return;
    this.#timer = this.#options.clock.setTimeout(() => {
      void this.#look().then(() => this.#arm());
    }, LOOK_EVERY);
  }

  async #look(): Promise<void> {
    const { file, clock, changed } = this.#options;
    const mark = markOf(file);
    // A file that is gone is read once there is another in its place.
    if (mark === undefined) return;
    if (mark === this.#dealtWith) {
      this.#seen = undefined;
      return;
    }
    const now = clock.monotonic();
    if (this.#seen?.mark !== mark) {
      this.#seen = { mark, since: now, doubted: false };
      return;
    }
    const { since, doubted } = this.#seen;
    if (now - since < (doubted ? SECOND_LOOK : SETTLED)) return;
    this.#seen.doubted = true;
    if (await changed(doubted)) this.#dealtWith = mark;
  }
}

/** Changes with every write, rename or replacement; `undefined`: there is no such file. */
function markOf(file: string): string | undefined {
  const found = statSync(file, { bigint: true, throwIfNoEntry: false });
  return found === undefined ? undefined : [found.ino, found.size, found.mtimeNs, found.ctimeNs].join(":");
}
