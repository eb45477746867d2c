import type { InRecord } from "../../journal/records.ts";
import type { Clock } from "../../message/clock.ts";
import type { SendingTime } from "../../message/wire/frame.ts";
import { sleep } from "../../platform/sleep.ts";
import { TravelTimes } from "../receive/travel-times.ts";

/**
 * Whether the deadline of a command that was taken has passed. Its frame says how much time was left when it was sealed; from
 * then on time is measured, under way and on this node, and within one life of the daemon never read off the wall clock.
 *
 * What an earlier life took is judged by clocks. This node's own is believed when it has not gone back and says that
 * there is time left. That a deadline has passed is the word of the origin's clock alone, as it was last heard in this life;
 * where the origin stays silent, of central's. Until one of them was heard nothing is decided.
 */
export interface DeadlinesOptions {
  readonly node: string;
  readonly central: string;
  readonly clock: Clock;
}

/** How long central stands in for nobody: the origin may be heard in that time, ms. */
const STANDS_IN_AFTER = 60_000;
/** What cannot be decided is looked at so often, ms. */
const LOOK_EVERY = 1000;

export class Deadlines {
  readonly #options: DeadlinesOptions;
  /** How far the clock of a node was ahead of this one's monotonic time when it was last heard, ms. */
  readonly #ahead = new Map<string, number>();
  readonly #travelTimes = new TravelTimes();
  #centralSince = Number.POSITIVE_INFINITY;

  constructor(options: DeadlinesOptions) {
    this.#options = options;
  }

  /** A verified frame or ACK of a node was read just now. Returns how long it was under way, ms. */
  heard(node: string, time: SendingTime): number {
    const { clock, central } = this.#options;
    const now = clock.monotonic();
    const underWay = this.#travelTimes.heard(node, time, now);
    // Where the sender's wall clock alone tells of a delay, it may as well have gone back.
    this.#ahead.set(node, time.sentAt + (time.uptime === undefined ? 0 : underWay) - now);
    if (node === central) this.#centralSince = Math.min(this.#centralSince, now);
    return underWay;
  }

  /** When a command that was taken at `takenAt` must have begun, both by monotonic time. */
  measured({ deadline, receivedAt }: InRecord, takenAt: number): number {
    return deadline === null ? Number.POSITIVE_INFINITY : takenAt + deadline - receivedAt;
  }

  /** The same of a command that an earlier life took, as far as the clocks tell. */
  estimated({ deadline, receivedAt, message }: InRecord): number {
    const { clock } = this.#options;
    if (deadline === null) return Number.POSITIVE_INFINITY;
    const now = clock.now();
    if (now >= receivedAt) return clock.monotonic() + deadline - now;
    const ahead = this.#ahead.get(message.origin) ?? this.#centralInstead();
    return ahead === undefined ? Number.POSITIVE_INFINITY : (message.deliverBy ?? deadline) - ahead;
  }

  /** `measured`: of a command of this life. `undefined`: nobody can tell yet. */
  passed({ deadline, receivedAt, message }: InRecord, measured?: number): boolean | undefined {
    const { clock, node } = this.#options;
    if (deadline === null) return false;
    if (measured !== undefined) return measured <= clock.monotonic();
    const now = clock.now();
    const wentBack = now < receivedAt;
    if (deadline > now && !wentBack) return false;
    if (message.origin === node) return !wentBack;
    const ahead = this.#ahead.get(message.origin) ?? this.#centralInstead();
    return ahead === undefined ? undefined : (message.deliverBy ?? deadline) <= clock.monotonic() + ahead;
  }

  /** The same, once somebody can tell; `undefined`: not before the signal, or before nobody asked any more. */
  async decided(record: InRecord, signal: AbortSignal, asked = () => true): Promise<boolean | undefined> {
    for (;;) {
      const passed = this.passed(record);
      if (passed !== undefined || signal.aborted || !asked()) return passed;
      await sleep(this.#options.clock, LOOK_EVERY, signal);
    }
  }

  #centralInstead(): number | undefined {
    const { clock, central } = this.#options;
    return clock.monotonic() - this.#centralSince >= STANDS_IN_AFTER ? this.#ahead.get(central) : undefined;
  }
}
