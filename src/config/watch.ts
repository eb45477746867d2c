import { unwatchFile, watchFile as watchStat } from "node:fs";

/** How often the file is looked at, ms: by its state, so that a file that is replaced is noticed as well. */
const LOOK_EVERY = 2000;

/** Calls `changed` after each change of the file's content or identity, until it is ended. */
export function watchFile(file: string, changed: () => void): { end(): void } {
  const listener = (now: { mtimeMs: number; ino: number }, before: { mtimeMs: number; ino: number }): void => {
    // Zero: it is gone. Whoever replaces it will be noticed in turn.
    if (now.mtimeMs !== 0 && (now.mtimeMs !== before.mtimeMs || now.ino !== before.ino)) changed();
  };
  watchStat(file, { interval: LOOK_EVERY, persistent: false }, listener);
  return { end: () => unwatchFile(file, listener) };
}
