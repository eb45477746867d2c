import { type Signal, signal } from "@preact/signals";
import type { Time } from "./browser.ts";
import { Refusal, sentenceOf } from "./client.ts";
import type { Happening } from "./happenings.ts";

/**
 * One answer of the API that is kept up to date: read again when something happened that may change it, after a gap, and every
 * now and then. An answer that could not be read leaves the last one in place, with the fault beside it: never an empty list.
 */
export interface Reading<T> {
  readonly value?: T;
  /** When the value was read, by the clock of this browser; 0: never. */
  readonly readAt: number;
  /** Why the last try failed. */
  readonly fault?: string;
  readonly code?: string;
}

export interface ResourceOptions<T> {
  readonly load: () => Promise<T>;
  /** True for a happening after which the answer may be another. */
  readonly on?: (happening: Happening) => boolean;
  /** Type of the happenings that complete the answer, where not every page streams them: it is read again once they come. */
  readonly completedBy?: Happening["type"];
  /** The longest time between two readings, ms. */
  readonly every?: number;
  /** True for an answer that changes soon by itself, without a happening: it is read again, for a minute after the last one. */
  readonly unsettled?: (value: T) => boolean;
  /** False: it is not read again after a gap, for each reading costs a message on the wire. */
  readonly refreshes?: boolean;
  /** The shortest time between two readings, ms. */
  readonly atMost?: number;
}

const SETTLES_WITHIN = 60_000;

export class Resource<T> {
  readonly reading: Signal<Reading<T>> = signal({ readAt: 0 });
  readonly #options: ResourceOptions<T>;
  readonly #time: Time;
  #busy = false;
  #again = false;
  #askedAt = 0;
  /** The time of the last happening; it begins with the first reading. */
  #happenedAt: number;
  #withdraw: (() => void) | undefined;
  #closed = false;

  constructor(options: ResourceOptions<T>, time: Time) {
    this.#options = options;
    this.#time = time;
    this.#happenedAt = time.now();
    void this.refresh();
  }

  happened(happening: Happening): void {
    if (this.#options.on?.(happening) !== true) return;
    this.#happenedAt = this.#time.now();
    this.#soon();
  }

  /** Reads again after a gap in the stream. */
  gap(): void {
    if (this.#options.refreshes !== false) void this.refresh();
  }

  get completedBy(): Happening["type"] | undefined {
    return this.#options.completedBy;
  }

  close(): void {
    this.#closed = true;
    this.#withdraw?.();
  }

  async refresh(): Promise<void> {
    if (this.#closed) return;
    if (this.#busy) {
      this.#again = true;
      return;
    }
    this.#withdraw?.();
    this.#withdraw = undefined;
    this.#busy = true;
    this.#askedAt = this.#time.now();
    try {
      const value = await this.#options.load();
      if (!this.#closed) this.reading.value = { value, readAt: this.#askedAt };
    } catch (thrown) {
      const code = thrown instanceof Refusal ? thrown.code : "";
      if (!this.#closed) this.reading.value = { ...this.reading.value, fault: sentenceOf(thrown), code };
    }
    this.#busy = false;
    if (this.#again || this.#isUnsettled()) {
      this.#again = false;
      this.#soon();
    } else if (this.#options.every !== undefined) this.#arm(this.#options.every);
  }

  #isUnsettled(): boolean {
    const { value } = this.reading.peek();
    if (value === undefined || this.#askedAt - this.#happenedAt > SETTLES_WITHIN) return false;
    return this.#options.unsettled?.(value) === true;
  }

  #soon(): void {
    if (this.#busy) {
      this.#again = true;
      return;
    }
    const wait = (this.#options.atMost ?? 300) - (this.#time.now() - this.#askedAt);
    this.#arm(Math.max(20, wait));
  }

  #arm(ms: number): void {
    if (this.#closed) return;
    this.#withdraw?.();
    this.#withdraw = this.#time.after(ms, () => void this.refresh());
  }
}
