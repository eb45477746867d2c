import { spawnSync } from "node:child_process";
import {
  accessSync,
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  writeSync,
} from "node:fs";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { faultText, StewardError } from "../../message/errors.ts";

/**
 * One daemon for each data directory: the kernel holds a lock on a file in it, and on the directory itself, for as long as
 * the daemon has them open. No process is looked up by its number, so the lock holds across containers that share a
 * volume, and a daemon that was killed leaves none behind. The file stays, and says which process has the lock: for people.
 *
 * Node.js cannot lock a file. The program `flock` (util-linux, busybox) is given the open file and locks it for both: a
 * lock of that kind belongs to the open file, not to the process. On macOS and the BSDs the call that opens can lock.
 * Programs that the daemon starts do not inherit the file, so none that outlives the daemon keeps its lock.
 */
const LOCK = "daemon.lock";
/** Opens and locks at once, without waiting; macOS and the BSDs have it. */
const OPEN_LOCKED = 0x20;
/** `steward doctor` holds the lock for some milliseconds when it looks: a daemon that starts just then tries again. */
const TRIES = 4;
const BETWEEN = 75;

/** @throws StewardError `already-running`, `data-directory` */
export function lockDirectory(path: string): { release(): void } {
  for (let tries = 1; ; tries++) {
    const locked = usable(path, () => {
      makeDirectory(path);
      accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
      return take(path);
    });
    if (locked !== undefined) return locked;
    if (tries === TRIES) throw new StewardError("already-running", { pid: namedIn(path) ?? "unknown", path });
    // The process may block here: a daemon that does not run yet has no other work.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BETWEEN);
  }
}

/** The process of the daemon that has the directory, as the lock file names it; `undefined`: none. */
export function lockHolder(path: string): string | undefined {
  // A daemon writes its name right after it has locked the file, and wipes the name when it ends.
  const name = namedIn(path);
  if (name === undefined) return undefined;
  const held: number[] = [];
  try {
    return usable(path, () => isFree(join(path, LOCK), held)) ? undefined : name;
  } finally {
    for (const file of held) closeSync(file);
  }
}

function isFree(name: string, held: number[]): boolean {
  if (process.platform !== "linux") return openLocked(name, held) !== undefined;
  const file = openedFor(name);
  held.push(file);
  return lockOpen(file);
}

/** Takes the lock once; `undefined`: another daemon has it. */
function take(path: string): { release(): void } | undefined {
  const held: number[] = [];
  const release = (): void => {
    for (const file of held.splice(0)) closeSync(file);
  };
  try {
    const file = openLocked(join(path, LOCK), held);
    if (file === undefined || !lockedItself(path, held)) {
      release();
      return undefined;
    }
    // The file was removed between the two calls: the next daemon would lock another file.
    if (statSync(join(path, LOCK), { throwIfNoEntry: false })?.ino !== fstatSync(file).ino) {
      release();
      return take(path);
    }
    ftruncateSync(file);
    writeSync(file, JSON.stringify({ pid: process.pid, host: hostname() }), 0);
    return {
      release() {
        if (held.length === 0) return;
        try {
          ftruncateSync(file);
        } catch {
          // A disk that failed meanwhile keeps the name, which alone is no lock.
        }
        release();
      },
    };
  } catch (error) {
    release();
    throw error;
  }
}

function openLocked(name: string, held: number[]): number | undefined {
  const flags = constants.O_RDWR | constants.O_CREAT;
  if (process.platform === "linux") {
    const file = openSync(name, flags, 0o600);
    held.push(file);
    return lockOpen(file) ? file : undefined;
  }
  try {
    const file = openSync(name, flags | constants.O_NONBLOCK | OPEN_LOCKED, 0o600);
    held.push(file);
    return file;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EAGAIN") return undefined;
    throw error;
  }
}

/** Locks the directory too, where its file system can: then a removed lock file lets no second daemon in. */
function lockedItself(path: string, held: number[]): boolean {
  if (process.platform !== "linux") return true;
  const directory = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  held.push(directory);
  try {
    return lockOpen(directory);
  } catch {
    // NFS locks no directories.
    return true;
  }
}

/** Locks an open file for this process. False: another one has it. @throws Error where files cannot be locked */
function lockOpen(file: number): boolean {
  const { status, stderr, error } = spawnSync("flock", ["-n", "3"], {
    stdio: ["ignore", "ignore", "pipe", file],
    encoding: "utf8",
  });
  if ((error as NodeJS.ErrnoException | undefined)?.code === "ENOENT")
    throw new Error("the program `flock` is missing, with which it is locked: install util-linux or busybox");
  if (error !== undefined) throw error;
  if (status === 0) return true;
  const fault = stderr.trim();
  if (status === 1 && fault === "") return false;
  throw new Error(`it cannot be locked: ${fault === "" ? `flock ended with ${status}` : fault}`);
}

/** On NFS only a file that is open for writing can be locked. */
function openedFor(name: string): number {
  try {
    return openSync(name, constants.O_RDWR);
  } catch {
    return openSync(name, constants.O_RDONLY);
  }
}

/** The daemon that the lock file names; `undefined`: the file names none. */
function namedIn(path: string): string | undefined {
  let text: string;
  try {
    text = readFileSync(join(path, LOCK), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  if (text === "") return undefined;
  try {
    const { pid, host } = JSON.parse(text) as { pid: unknown; host: unknown };
    if (!Number.isSafeInteger(pid)) return "unknown";
    return typeof host === "string" && host !== hostname() ? `${pid} on ${host}` : `${pid}`;
  } catch {
    return "unknown";
  }
}

function usable<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof StewardError) throw error;
    throw new StewardError("data-directory", { path, fault: faultText(error) }, { cause: error });
  }
}

/** Node's own recursive `mkdir` never returns below a directory that takes no new entries (/proc, an automount). */
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
