import type { InRecord } from "../../journal/records.ts";
import type { Clock } from "../../message/clock.ts";
import type { SendingTime } from "../../message/wire/frame.ts";
import { sleep } from "../../platform/sleep.ts";
import { TravelTimes } from "../receive/travel-times.ts";

/**
 * Decides if the deadline of a taken command has passed. The frame says how much time was left when it was sealed; from
 * then on time is measured, on the way and on this node: within one life of the daemon the wall clock is never read.
 *
 * A command that an earlier life took is judged by wall clocks. This node's own counts when it has not gone back and leaves
 * time. Only the origin's clock, as last heard in this life, can say that the deadline has passed; where the origin stays
 * silent, central's. Until one of them was heard the question is open.
 */
export interface DeadlinesOptions {
  readonly node: string;
  readonly central: string;
  readonly clock: Clock;
}

/** How long to wait for the origin before central's clock is used in its place, ms. */
const STANDS_IN_AFTER = 60_000;
/** Time until an open question is looked at again, ms. */
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

  /** Takes the clock of a node from a verified frame or ACK that was read just now. Returns its travel time, ms. */
  heard(node: string, time: SendingTime): number {
    const { clock, central } = this.#options;
    const now = clock.monotonic();
    const underWay = this.#travelTimes.heard(node, time, now);
    // Without `uptime` a delay cannot be told from a wall clock that went back: it is left out.
    this.#ahead.set(node, time.sentAt + (time.uptime === undefined ? 0 : underWay) - now);
    if (node === central) this.#centralSince = Math.min(this.#centralSince, now);
    return underWay;
  }

  /** The monotonic time by which a command that was taken at `takenAt` must have begun. */
  measured({ deadline, receivedAt }: InRecord, takenAt: number): number {
    return deadline === null ? Number.POSITIVE_INFINITY : takenAt + deadline - receivedAt;
  }

  /** The monotonic time by which a command of an earlier life must have begun, as far as the wall clocks tell. */
  estimated({ deadline, receivedAt, message }: InRecord): number {
    const { clock } = this.#options;
    if (deadline === null) return Number.POSITIVE_INFINITY;
    const now = clock.now();
    if (now >= receivedAt) return clock.monotonic() + deadline - now;
    const ahead = this.#ahead.get(message.origin) ?? this.#centralInstead();
    return ahead === undefined ? Number.POSITIVE_INFINITY : (message.deliverBy ?? deadline) - ahead;
  }

  /** True if the deadline has passed; `undefined`: no trusted clock was heard yet. `measured`: for a command of this life. */
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

  /** Resolves with `passed()` once a trusted clock was heard; `undefined` if the signal fired, or `asked` was false, first. */
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
