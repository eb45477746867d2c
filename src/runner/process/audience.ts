import type { Clock, Timer } from "../../message/clock.ts";
import type { OutputPart } from "../../message/report.ts";
import type { RunEnd } from "../../methods/spawner.ts";
import { PART_BYTES } from "../output-parts.ts";
import { type Cursor, newCursor, type Output } from "./output.ts";

/** A follower of a run. Each hears of it from the beginning: `started`, then output, then `end`. */
export interface RunListener {
  started(pid: number): void;
  output(parts: readonly OutputPart[]): void;
  end(end: RunEnd): void;
}

/** Milliseconds that output is collected for before it is handed on, unless it is much. */
const FLUSH_INTERVAL = 100;

/** The listeners of one run, each with its own place in the output. */
export class Audience {
  readonly #listeners = new Map<RunListener, Cursor>();
  readonly #output: Output;
  readonly #clock: Clock;
  #pid: number | undefined;
  #timer: Timer | undefined;

  constructor(output: Output, clock: Clock) {
    this.#output = output;
    this.#clock = clock;
  }

  get size(): number {
    return this.#listeners.size;
  }

  add(listener: RunListener): void {
    this.#listeners.set(listener, newCursor());
    if (this.#pid === undefined) return;
    listener.started(this.#pid);
    this.#flush();
  }

  remove(listener: RunListener): void {
    this.#listeners.delete(listener);
  }

  started(pid: number): void {
    this.#pid = pid;
    for (const listener of this.#listeners.keys()) listener.started(pid);
  }

  /** There is more output. */
  more(): void {
    const much = [...this.#listeners.values()].some((cursor) => this.#output.waiting(cursor) >= PART_BYTES);
    if (much) this.#flush();
    else this.#timer ??= this.#clock.setTimeout(() => this.#flush(), FLUSH_INTERVAL);
  }

  /** Stops the flushing: the end carries the rest of the output. */
  stop(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  end(endAt: (cursor: Cursor) => RunEnd): void {
    this.stop();
    for (const [listener, cursor] of this.#listeners) listener.end(endAt(cursor));
    this.#listeners.clear();
  }

  #flush(): void {
    this.stop();
    for (const [listener, cursor] of this.#listeners) {
      const parts = this.#output.read(cursor);
      if (parts.length > 0) listener.output(parts);
    }
  }
}
