import { execFile } from "node:child_process";
import { chownSync, closeSync, constants, mkdirSync, openSync, rmSync, unlink } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";

/**
 * Real pipes for the programs' output. Node would give them sockets, and a socket cannot be opened again by name: every
 * script with `> /dev/stderr` would fail. Named pipes are made some at a time, for that takes a process.
 *
 *   made → ready → in use → ready (its end was read: nobody writes to it any more)
 *                         → removed (somebody may still hold it, so no other run must get it)
 */
const BATCH = 16;

const OWN = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };

/** Numbers of user and group; absent: those of this process. */
interface Owner {
  readonly uid?: number;
  readonly gid?: number;
}

export interface Pipe {
  /** The program's end; to be closed here once the program has it. */
  readonly writer: number;
  /** Once it is closed the pipe is given back. */
  readonly reader: Socket;
}

export class Pipes {
  readonly #directory: string;
  readonly #ready: string[] = [];
  #made = 0;
  #unavailable = false;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Clears away what a runner left that was killed. */
  prepare(): void {
    this.remove();
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
  }

  /**
   * Two pipes, which a program of that user may open again by name; `undefined` where the system cannot make them, then
   * Node's sockets must do. One taker at a time.
   */
  async take(owner: Owner = {}): Promise<{ stdout: Pipe; stderr: Pipe } | undefined> {
    if (this.#ready.length < 2 && !this.#unavailable) await this.#make();
    if (this.#ready.length < 2) return undefined;
    const stdout = this.#open(owner);
    try {
      return { stdout, stderr: this.#open(owner) };
    } catch (error) {
      closeSync(stdout.writer);
      stdout.reader.destroy();
      throw error;
    }
  }

  remove(): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #make(): Promise<void> {
    return new Promise((resolve) => {
      const paths = Array.from({ length: BATCH }, () => join(this.#directory, String(this.#made++)));
      execFile("mkfifo", ["-m", "600", ...paths], (error) => {
        if (error === null) this.#ready.push(...paths);
        else if (error.code === "ENOENT") this.#unavailable = true;
        resolve();
      });
    });
  }

  #open({ uid = OWN.uid, gid = OWN.gid }: Owner): Pipe {
    const path = this.#ready.pop() ?? "";
    const foreign = uid !== OWN.uid || gid !== OWN.gid;
    if (foreign) chownSync(path, uid, gid);
    // The reader first and without waiting; then the writer finds a reader and does not wait either.
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    let writer: number;
    try {
      writer = openSync(path, constants.O_WRONLY);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    const reader = new Socket({ fd, readable: true, writable: false });
    let unused = false;
    reader.once("end", () => {
      unused = true;
    });
    reader.once("close", () => {
      if (unused && !foreign) this.#ready.push(path);
      else unlink(path, () => undefined);
    });
    return { writer, reader };
  }
}
