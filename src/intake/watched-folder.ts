import { type FSWatcher, watch } from "node:fs";
import { basename } from "node:path";
import type { Clock, Timer } from "../message/clock.ts";
import { faultText } from "../message/errors.ts";
import type { Logger } from "../platform/logger.ts";

/** How soon after a change it is looked at, ms: a burst of changes is looked at once. */
const DEBOUNCE = 50;
/**
 * Without a change it is looked at so often, ms: each look wakes the disk. Network file systems report no changes of other
 * hosts although they can be watched.
 */
const WATCHED = 30_000;
const UNWATCHED = 2_000;
/** How soon after a look that failed there is another one, ms. */
const AGAIN = 5_000;

export interface WatchedFolderOptions {
  readonly folder: string;
  readonly clock: Clock;
  /** Whether a change of the file of that name is worth a look. */
  readonly concerns: (name: string) => boolean;
  /** Looks once; resolves with the ms after which to look again, `null`: at the next change. */
  readonly look: () => Promise<number | null>;
  /** Why files wait though the folder could be looked at; `undefined`: none does. */
  readonly trouble: () => string | undefined;
  /** Words for a look that failed. */
  readonly failed: string;
  readonly log: Logger;
  /** The fault for which files wait; `undefined`: none does. */
  readonly blocked: ((fault: string | undefined) => void) | undefined;
}

export interface WatchedFolder {
  /** Stops looking; resolves when a look that is going on has ended. */
  close(): Promise<void>;
}

/**
 * Looks at a folder soon after each of its changes, and from time to time: not every file system reports changes, and the
 * number of watches is limited. There is never more than one look at a time.
 */
export function watchFolder({
  folder,
  clock,
  concerns,
  look,
  trouble,
  failed,
  log,
  blocked,
}: WatchedFolderOptions): WatchedFolder {
  let closed = false;
  let looking: Promise<void> | undefined;
  let changed = false;
  let timer: Timer | undefined;
  let due = Number.POSITIVE_INFINITY;
  let watcher: FSWatcher | undefined;
  let told = "";

  const lookOnce = async (): Promise<number | null> => {
    try {
      const next = await look();
      told = "";
      blocked?.(trouble());
      return next;
    } catch (thrown) {
      const fault = faultText(thrown);
      if (fault !== told) log.error({ folder, fault }, failed);
      told = fault;
      blocked?.(`${failed}: ${fault}`);
      return AGAIN;
    }
  };

  const lookWithin = (ms: number): void => {
    const at = clock.monotonic() + ms;
    if (closed || at >= due) return;
    clock.clearTimeout(timer);
    due = at;
    timer = clock.setTimeout(start, ms);
  };

  const start = (): void => {
    due = Number.POSITIVE_INFINITY;
    changed = false;
    const watched = rewatch();
    looking = lookOnce().then((next) => {
      looking = undefined;
      // What came between the look and a watch that exists only now was seen by neither.
      if (!watched && rewatch()) changed = true;
      const idle = watcher === undefined ? UNWATCHED : WATCHED;
      lookWithin(changed ? DEBOUNCE : (next ?? idle));
    });
  };

  /** A folder that does not exist yet, or was removed and made again, needs a new watch. */
  const rewatch = (): boolean => {
    if (closed || watcher !== undefined) return !closed;
    try {
      const fresh = watch(folder, { persistent: false }, (_, name) => {
        if (name === basename(folder)) unwatch(fresh);
        if (name !== null && !concerns(name)) return;
        if (looking === undefined) lookWithin(DEBOUNCE);
        else changed = true;
      });
      fresh.on("error", () => unwatch(fresh));
      watcher = fresh;
      return true;
    } catch {
      return false;
    }
  };

  const unwatch = (ended: FSWatcher): void => {
    if (watcher === ended) watcher = undefined;
    ended.close();
  };

  lookWithin(0);
  return {
    async close() {
      closed = true;
      clock.clearTimeout(timer);
      watcher?.close();
      await looking;
    },
  };
}
