import { randomUUID } from "node:crypto";
import {
  accessSync,
  constants,
  linkSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { faultText, StewardError } from "../../message/errors.ts";
import { startTimeOf } from "../../runner/process-group.ts";

const LOCK = "daemon.lock";

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
  const file = join(path, LOCK);
  const mine = JSON.stringify({ pid: process.pid, began: startTimeOf(process.pid), nonce: randomUUID() });
  const draft = `${file}.${randomUUID()}`;
  try {
    writeFileSync(draft, mine, { mode: 0o600 });
    while (!placed(draft, file)) clearStale(path, file, draft);
  } catch (error) {
    if (error instanceof StewardError) throw error;
    throw new StewardError("data-directory", { path, fault: faultText(error) }, { cause: error });
  } finally {
    rmSync(draft, { force: true });
  }
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

/** The pid of the daemon that has the directory; `undefined`: none. Changes nothing. */
export function lockHolder(path: string): number | undefined {
  return holder(join(path, LOCK));
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

/** A link appears at once with all that is in it, and never in the place of another. */
function placed(draft: string, file: string): boolean {
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/**
 * Removes a lock whose holder is dead. One at a time may do so: whoever judged it a moment ago could else remove the new
 * lock of another daemon that was faster.
 *
 * @throws StewardError `already-running`
 */
function clearStale(path: string, file: string, draft: string): void {
  const refuse = (pid: number | undefined): void => {
    if (pid !== undefined) throw new StewardError("already-running", { pid, path });
  };
  refuse(holder(file));
  const turn = `${file}.turn`;
  if (!placed(draft, turn)) {
    refuse(holder(turn));
    // Left by a daemon that was killed at that very moment.
    rmSync(turn, { force: true });
    return;
  }
  try {
    refuse(holder(file));
    rmSync(file, { force: true });
  } finally {
    rmSync(turn, { force: true });
  }
}

/** The pid of the living process that a lock names. */
function holder(file: string): number | undefined {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  try {
    const { pid, began } = JSON.parse(text) as { pid: number; began: string | null };
    if (!Number.isSafeInteger(pid) || pid <= 0 || !exists(pid)) return undefined;
    const begins = startTimeOf(pid);
    return began === null || begins === null || begins === began ? pid : undefined;
  } catch {
    // Nothing that a daemon wrote whole.
    return undefined;
  }
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It is there, and belongs to somebody else.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
