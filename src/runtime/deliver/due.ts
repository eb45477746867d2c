import type { OutLane, OutRecord } from "../../journal/records.ts";
import type { Clock } from "../../message/clock.ts";

/**
 * When the deadlines of one lane fall due, by monotonic time. A deadline is written down in wall time; what this wall time
 * meant when it was written is remembered here, for runs of numbers, so that no jump of the clock decides a deadline.
 *
 * A message that an earlier life of the daemon wrote is judged by the wall clock as it is when this life begins. A clock that is
 * behind what the lane itself proves to have been is taken for as late as that: it may end a message too late, never early.
 */
export interface DueOptions {
  readonly lane: OutLane;
  readonly clock: Clock;
  /** The youngest message that waits from an earlier life: it was written no later than now. */
  readonly youngest: OutRecord | undefined;
}

/** Numbers from here on were written while the wall clock was ahead of the monotonic one by so much, ms. */
interface Run {
  readonly from: number;
  readonly ahead: number;
}

/** The correction of a wall clock that does not make it another one, ms. */
const CORRECTION = 100;

export class Due {
  readonly #options: DueOptions;
  readonly #runs: Run[];
  #notedUpTo: number;

  constructor(options: DueOptions) {
    const { lane, clock, youngest } = options;
    this.#options = options;
    const ahead = Math.max(clock.now(), youngest?.message.createdAt ?? 0) - clock.monotonic();
    this.#runs = [{ from: 0, ahead }];
    this.#notedUpTo = lane.next - 1;
  }

  /** New messages on the lane were written just now. */
  note(): void {
    const { lane, clock } = this.#options;
    const from = this.#notedUpTo + 1;
    if (from >= lane.next) return;
    this.#notedUpTo = lane.next - 1;
    const ahead = clock.now() - clock.monotonic();
    if (Math.abs(ahead - (this.#runs.at(-1)?.ahead ?? 0)) <= CORRECTION) return;
    this.#runs.push({ from, ahead });
    while ((this.#runs[1]?.from ?? Number.POSITIVE_INFINITY) <= lane.acked + 1) this.#runs.shift();
  }

  /** Milliseconds until its deadline; negative: it has passed; infinite: it has none. */
  left({ seq, message: { deliverBy } }: Pick<OutRecord, "seq" | "message">): number {
    if (deliverBy === null) return Number.POSITIVE_INFINITY;
    const ahead = this.#runs.findLast((run) => run.from <= seq)?.ahead ?? 0;
    return deliverBy - ahead - this.#options.clock.monotonic();
  }
}
