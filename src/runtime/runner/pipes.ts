import { execFile } from "node:child_process";
import { closeSync, constants, mkdirSync, openSync, rmSync, unlinkSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";

/**
 * Real pipes for the programs' output. Node would give them sockets, and a socket cannot be opened again by name: every
 * script with `> /dev/stderr` would fail. A named pipe is made, opened at both ends and removed at once, so no two runs
 * ever share one. They are made many at a time, for that takes a process.
 */
const BATCH = 64;

export interface Pipe {
  /** The program's end; to be closed here once the program has it. */
  readonly writer: number;
  readonly reader: Socket;
}

export class Pipes {
  readonly #directory: string;
  readonly #ready: string[] = [];
  #made = 0;
  #making: Promise<void> | undefined;
  #unavailable = false;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Clears away what a runner left that was killed. */
  prepare(): void {
    this.remove();
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
  }

  /** Two pipes; `undefined` where the system cannot make them, then Node's sockets must do. */
  async take(): Promise<{ stdout: Pipe; stderr: Pipe } | undefined> {
    if (this.#unavailable) return undefined;
    if (this.#ready.length < 2) await this.#make();
    const [first, second] = this.#ready.splice(0, 2);
    if (this.#ready.length < BATCH / 4) void this.#make();
    if (first === undefined || second === undefined) return undefined;
    const stdout = openPipe(first);
    try {
      return { stdout, stderr: openPipe(second) };
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
    this.#making ??= new Promise((resolve) => {
      const paths = Array.from({ length: BATCH }, () => join(this.#directory, String(this.#made++)));
      execFile("mkfifo", ["-m", "600", ...paths], (error) => {
        if (error === null) this.#ready.push(...paths);
        else if (error.code === "ENOENT") this.#unavailable = true;
        this.#making = undefined;
        resolve();
      });
    });
    return this.#making;
  }
}

function openPipe(path: string): Pipe {
  // The reader first and without waiting; then the writer finds a reader and does not wait either.
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const writer = openSync(path, constants.O_WRONLY);
    return { writer, reader: new Socket({ fd: reader, readable: true, writable: false }) };
  } catch (error) {
    closeSync(reader);
    throw error;
  } finally {
    unlinkSync(path);
  }
}
