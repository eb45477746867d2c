import { randomUUID } from "node:crypto";
import {
  accessSync,
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { faultText, StewardError } from "../message/errors.ts";
import { startTimeOf } from "./runner/process-group.ts";

/**
 * One daemon for each data directory: a file that names its process by pid and by when that process began, so that a pid
 * that was given to another process is not mistaken for it.
 *
 * @throws StewardError `already-running`, `data-directory`
 */
export function lockDirectory(path: string): { release(): void } {
  try {
    makeDirectory(path);
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new StewardError("data-directory", { path, fault: faultText(error) }, { cause: error });
  }
  const file = join(path, "daemon.lock");
  const mine = JSON.stringify({ pid: process.pid, began: startTimeOf(process.pid), nonce: randomUUID() });
  for (;;) {
    try {
      const handle = openSync(file, "wx", 0o600);
      writeFileSync(handle, mine);
      closeSync(handle);
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") {
        throw new StewardError("data-directory", { path, fault: faultText(error) }, { cause: error });
      }
    }
    const owner = living(file);
    if (owner !== undefined) throw new StewardError("already-running", { pid: owner, path });
    clearStale(file);
  }
  // Another daemon may have taken the same stale lock for its own at the same moment.
  if (readFileSync(file, "utf8") !== mine) throw new StewardError("already-running", { pid: living(file) ?? 0, path });
  return {
    release() {
      try {
        if (readFileSync(file, "utf8") === mine) unlinkSync(file);
      } catch {
        // Gone already: nothing is left to release.
      }
    },
  };
}

/** Not Node's recursive `mkdir`: that never returns below a directory in which nothing can be made (/proc, an automount). */
function makeDirectory(path: string): void {
  const parent = dirname(path);
  if (statSync(parent, { throwIfNoEntry: false }) === undefined && parent !== path) makeDirectory(parent);
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    if (!statSync(path).isDirectory()) throw new Error("it is not a directory", { cause: error });
  }
}

/** The pid of the living process that holds the lock. */
function living(file: string): number | undefined {
  try {
    const { pid, began } = JSON.parse(readFileSync(file, "utf8")) as { pid: number; began: string | null };
    process.kill(pid, 0);
    return began === null || startTimeOf(pid) === began ? pid : undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM" ? 0 : undefined;
  }
}

function clearStale(file: string): void {
  try {
    const aside = `${file}.${randomUUID()}`;
    renameSync(file, aside);
    unlinkSync(aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}
