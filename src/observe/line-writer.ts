import { write, writeSync } from "node:fs";
import type { Clock } from "../message/clock.ts";

/** Bytes of lines that may wait while the reader stalls; lines beyond are lost and counted. */
const WAITING_BYTES = 8 * 1024 * 1024;
/** How much one write takes. */
const BATCH_BYTES = 64 * 1024;
/** Pause after a full non-blocking pipe, ms. */
const RETRY = 20;
/** The longest wait of `flush` for a reader that stalls, ms. */
const FLUSH_LIMIT = 1_000;

/**
 * Writes lines to a file descriptor without ever blocking the event loop or failing: `idle`, or `writing` one batch while
 * further lines wait in order. A stalled reader, a closed pipe and a full disk cost lines, which are counted, and nothing
 * else: the process is never ended by its log, nor kept from ending.
 */
export class LineWriter {
  readonly #fd: number;
  readonly #clock: Clock;
  readonly #waiting: string[] = [];
  #waitingBytes = 0;
  #writing = false;
  #lost = 0;
  readonly #flushed: (() => void)[] = [];

  constructor(fd: number, clock: Clock) {
    this.#fd = fd;
    this.#clock = clock;
  }

  get lost(): number {
    return this.#lost;
  }

  write(line: string): void {
    const bytes = Buffer.byteLength(line);
    if (this.#waitingBytes + bytes > WAITING_BYTES) {
      this.#lost++;
      return;
    }
    this.#waiting.push(line);
    this.#waitingBytes += bytes;
    if (!this.#writing) this.#next();
  }

  /** Resolves when all lines so far were handed to the system or given up, at the latest after a second. */
  flush(): Promise<void> {
    if (!this.#writing) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.#clock.setTimeout(resolve, FLUSH_LIMIT);
      this.#flushed.push(() => {
        this.#clock.clearTimeout(timer);
        resolve();
      });
    });
  }

  /** Hands over what waits in this very turn, for a process that is about to end; gives up where it would have to wait. */
  flushNow(): void {
    const lines = this.#waiting.splice(0);
    this.#waitingBytes = 0;
    if (lines.length === 0) return;
    try {
      writeSync(this.#fd, lines.join(""));
    } catch {
      this.#lost += lines.length;
    }
  }

  #next(): void {
    const lines: string[] = [];
    let bytes = 0;
    for (const line of this.#waiting) {
      if (bytes > 0 && bytes + line.length > BATCH_BYTES) break;
      lines.push(line);
      bytes += line.length;
    }
    this.#waiting.splice(0, lines.length);
    if (lines.length === 0) {
      this.#writing = false;
      for (const flushed of this.#flushed.splice(0)) flushed();
      return;
    }
    this.#writing = true;
    const batch = Buffer.from(lines.join(""));
    this.#waitingBytes -= Math.min(this.#waitingBytes, batch.length);
    this.#put(batch, lines.length);
  }

  #put(bytes: Buffer, lines: number): void {
    write(this.#fd, bytes, (error, written) => {
      if (error?.code === "EAGAIN") {
        this.#clock.setTimeout(() => this.#put(bytes, lines), RETRY);
        return;
      }
      if (error) this.#lost += lines;
      else if (written < bytes.length) {
        this.#put(bytes.subarray(written), lines);
        return;
      }
      this.#next();
    });
  }
}
