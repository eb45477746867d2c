import { statSync } from "node:fs";
import type { Clock, Timer } from "../../message/clock.ts";

/** How often the file is looked at, ms: by its state, so that a file that is replaced is noticed as well. */
const LOOK_EVERY = 2_000;
/** A file that was changed is read once it has stayed as it is for so long, ms. */
const SETTLED = 3_000;
/** One that may be the beginning of a longer one, ms. */
export const SECOND_LOOK = 30_000;

export interface ConfigWatchOptions {
  readonly file: string;
  readonly clock: Clock;
  /**
   * The file has changed and settled. Answers whether that was dealt with; `false`: it may not be whole, and is to be
   * looked at again. `sure`: it is the same as at the first look, half a minute later. Never rejects.
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
    // Whoever replaces a file that is gone will be noticed in turn.
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
