import { statSync } from "node:fs";
import type { Clock, Timer } from "../../message/clock.ts";
import type { Config } from "../config.ts";

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
 * Watches the configuration file: known → changed → settled → dealt with, or perhaps a part → (unchanged for half a minute) → dealt
 * with. Each further change begins anew, so that a file that is written in pieces is read when it is whole.
 */
export class ConfigWatch {
  readonly #options: ConfigWatchOptions;
  #dealtWith: string | undefined;
  #seen: { readonly mark: string; readonly since: number; perhapsPart: boolean } | undefined;
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
      this.#seen = { mark, since: now, perhapsPart: false };
      return;
    }
    const { since, perhapsPart } = this.#seen;
    if (now - since < (perhapsPart ? SECOND_LOOK : SETTLED)) return;
    this.#seen.perhapsPart = true;
    if (await changed(perhapsPart)) this.#dealtWith = mark;
  }
}

/** Changes with every write, rename or replacement; `undefined`: there is no such file. */
function markOf(file: string): string | undefined {
  const found = statSync(file, { bigint: true, throwIfNoEntry: false });
  return found === undefined ? undefined : [found.ino, found.size, found.mtimeNs, found.ctimeNs].join(":");
}

/**
 * The sign that a changed file is the beginning of a longer one: it lacks entries that it had, or ends in the middle of
 * a line. The words follow "steward.yaml has changed and …"; `undefined`: there is no such sign.
 */
export function signOfPart(before: Config, after: Config, text: string): string | undefined {
  const kept = new Set(after.written);
  const sections = before.written.filter((key) => !kept.has(key));
  const lost = [
    ...removed("subscription", before.subscribe, after.subscribe),
    ...removed("publication", before.publish, after.publish),
    ...sections.map((key) => `\`${key}:\``),
  ];
  if (lost.length > 0) return `has lost ${lost.join(", ")}`;
  return /[\n\r}\]]\s*$/.test(text.slice(-100)) ? undefined : "ends without a line break";
}

function removed(
  what: string,
  before: Config["subscribe" | "publish"],
  after: Config["subscribe" | "publish"],
): string[] {
  const kept = new Set(after.map(({ subject }) => subject));
  const count = before.filter(({ subject }) => !kept.has(subject)).length;
  if (count === 0) return [];
  return [`${count === before.length ? "all" : count} of ${before.length} ${what}s`];
}
