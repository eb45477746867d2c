import type { Clock } from "../../../message/clock.ts";
import { type LogRecord, MAX_BATCH_BYTES, MAX_BATCH_LINES, weightOf } from "../record.ts";

export interface BatcherOptions {
  readonly emit: (lines: readonly LogRecord[]) => Promise<void>;
  /** Called after each event that became durable. */
  readonly drained: () => void;
  /** Called when `emit` rejects, with the number of lines that are lost with it. */
  readonly failed: (error: unknown, lost: number) => void;
  readonly clock: Clock;
}

/** Memory of a queued line besides its text, bytes. */
const OVERHEAD = 200;

/**
 * Gathers lines into events, one of which is on its way at a time. A line that comes while no event is on its way goes at
 * once (with the others of the same turn of the event loop); lines that come meanwhile wait and go together. So a quiet log
 * has no delay, and a busy log has large events, without a timer.
 *
 * idle → pumping → idle; pumping → failed (the first `emit` that rejects); any → closed. A failed or closed batcher takes no
 * lines.
 */
export class Batcher {
  readonly #options: BatcherOptions;
  #queue: { readonly record: LogRecord; readonly weight: number }[] = [];
  #inFlight = 0;
  #held = 0;
  #pumping: Promise<void> | undefined;
  #ended = false;

  constructor(options: BatcherOptions) {
    this.#options = options;
  }

  /** Estimate of the bytes that are not durable yet. */
  get held(): number {
    return this.#held;
  }

  /** False when the batcher has failed or is closed. The caller keeps the bound, by `held`. */
  push(record: LogRecord): boolean {
    if (this.#ended) return false;
    const weight = weightOf(record);
    this.#queue.push({ record, weight });
    this.#held += weight + OVERHEAD;
    this.#pumping ??= this.#pump();
    return true;
  }

  /** Waits until all lines are durable, at most `grace` ms. Returns the number of lines that are not. */
  async close(grace: number): Promise<number> {
    if (this.#pumping !== undefined) {
      const { clock } = this.#options;
      let timer: unknown;
      const late = new Promise<void>((resolve) => {
        timer = clock.setTimeout(resolve, grace);
      });
      await Promise.race([this.#pumping, late]);
      clock.clearTimeout(timer);
    }
    this.#ended = true;
    const left = this.#queue.length + this.#inFlight;
    this.#queue = [];
    return left;
  }

  async #pump(): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(resolve));
    while (this.#queue.length > 0 && !this.#ended) {
      const { lines, weight } = this.#take();
      this.#inFlight = lines.length;
      try {
        await this.#options.emit(lines);
      } catch (error) {
        if (this.#ended) break;
        this.#ended = true;
        const lost = this.#queue.length + lines.length;
        this.#inFlight = 0;
        this.#queue = [];
        this.#options.failed(error, lost);
        break;
      }
      this.#inFlight = 0;
      this.#held -= weight;
      this.#options.drained();
    }
    this.#pumping = undefined;
  }

  #take(): { lines: LogRecord[]; weight: number } {
    let count = 0;
    let bytes = 0;
    for (const { weight } of this.#queue) {
      if (count >= MAX_BATCH_LINES || (count > 0 && bytes + weight > MAX_BATCH_BYTES)) break;
      bytes += weight;
      count++;
    }
    return { lines: this.#queue.splice(0, count).map((queued) => queued.record), weight: bytes + count * OVERHEAD };
  }
}
