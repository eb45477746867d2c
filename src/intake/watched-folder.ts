import { type FSWatcher, watch } from "node:fs";
import { basename } from "node:path";
import type { Clock, Timer } from "../message/clock.ts";

/** How soon after a change it is looked at, ms: a burst of changes is looked at once. */
const DEBOUNCE = 50;
/**
 * Without a change it is looked at so often, ms: each look wakes the disk. Network file systems report no changes of other
 * hosts although they can be watched.
 */
const WATCHED = 30_000;
const UNWATCHED = 2_000;

export interface WatchedFolderOptions {
  readonly folder: string;
  readonly clock: Clock;
  /** Whether a change of the file of that name is worth a look. */
  readonly concerns: (name: string) => boolean;
  /** Looks once; resolves with the ms after which to look again, `null`: at the next change. Must not reject. */
  readonly look: () => Promise<number | null>;
}

export interface WatchedFolder {
  /** Stops looking; resolves when a look that is going on has ended. */
  close(): Promise<void>;
}

/**
 * Looks at a folder soon after each of its changes, and from time to time: not every file system reports changes, and the
 * number of watches is limited. There is never more than one look at a time.
 */
export function watchFolder({ folder, clock, concerns, look }: WatchedFolderOptions): WatchedFolder {
  let closed = false;
  let looking: Promise<void> | undefined;
  let changed = false;
  let timer: Timer | undefined;
  let due = Number.POSITIVE_INFINITY;
  let watcher: FSWatcher | undefined;

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
    looking = look().then((next) => {
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
