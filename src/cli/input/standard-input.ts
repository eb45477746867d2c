import { fstatSync, readFileSync } from "node:fs";
import type { Clock } from "../../message/clock.ts";
import { StewardError } from "../../message/errors.ts";
import type { StandardInput } from "../io.ts";

/** Milliseconds in which a program that writes to the pipe has to write, or to end. */
const MOMENT = 300;
/** Most bytes that are read: no message may be larger. */
const MOST = 64 * 1024 * 1024;

/**
 * The standard input of this process. A terminal and /dev/null hold no input for a command. A pipe that stays open without a
 * byte, as cron and CI leave it, is waited for no longer than a moment.
 */
export class ProcessInput implements StandardInput {
  readonly #clock: Clock;
  #came = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array | string> {
    return process.stdin[Symbol.asyncIterator]();
  }

  get isTerminal(): boolean {
    return process.stdin.isTTY;
  }

  get came(): boolean {
    return this.#came;
  }

  waits(): Promise<boolean> {
    const stat = fstatSync(0);
    if (stat.isFile()) return Promise.resolve(stat.size > position());
    if (!stat.isFIFO() && !stat.isSocket()) return Promise.resolve(false);
    const { stdin } = process;
    return new Promise((resolve) => {
      const timer = this.#clock.setTimeout(() => resolve(false), MOMENT);
      const settle = (): void => {
        this.#clock.clearTimeout(timer);
        resolve(this.#came);
      };
      stdin.once("data", () => {
        this.#came = true;
        stdin.pause();
        settle();
      });
      stdin.once("end", settle);
      stdin.once("error", settle);
      // A pipe that stays open must not keep this process alive.
      stdin.unref();
    });
  }
}

/** Bytes of a file on standard input that other processes have read before. */
function position(): number {
  try {
    return Number(/^pos:\s*(\d+)$/m.exec(readFileSync("/proc/self/fdinfo/0", "utf8"))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/** All of standard input. @throws StewardError `usage` when it is more than a message can hold */
export async function readBytes(stdin: StandardInput): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stdin) {
    const piece = Buffer.from(chunk as Uint8Array);
    bytes += piece.length;
    if (bytes > MOST) {
      const fault =
        "standard input has more than 64 MB, and a message can hold no more; copy a file of that size by other means";
      throw new StewardError("usage", { fault, command: "run" });
    }
    chunks.push(piece);
  }
  return Buffer.concat(chunks);
}
