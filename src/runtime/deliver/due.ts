import type { Moved } from "../../journal/outbox.ts";
import type { OutLane, OutRecord } from "../../journal/records.ts";
import type { Clock } from "../../message/clock.ts";

/**
 * Converts the deadlines of one lane to monotonic time. A deadline is journalled in wall time; the offset of the wall clock
 * at that moment is remembered here, for runs of numbers, so that no jump of the clock decides a deadline.
 *
 * A message that an earlier life of the daemon wrote is judged by the wall clock at the start of this life. If that clock is
 * behind the stamp of the youngest message, the stamp is used: a message may then end too late, never too early.
 */
export interface DueOptions {
  readonly lane: OutLane;
  readonly clock: Clock;
  /** The youngest message that waits from an earlier life: it was written no later than now. */
  readonly youngest: OutRecord | undefined;
}

/** The offset of the wall clock to the monotonic one, ms, when the messages from number `from` on were written. */
interface Run {
  readonly from: number;
  readonly ahead: number;
}

/** A correction of the wall clock up to this size begins no new run, ms. */
const CORRECTION = 100;

export class Due {
  readonly #options: DueOptions;
  readonly #runs: Run[];
  /** Messages that have another number than when they were written, with the offset of that moment. */
  readonly #moved = new Map<string, number>();
  #notedUpTo: number;

  constructor(options: DueOptions) {
    const { lane, clock, youngest } = options;
    this.#options = options;
    const ahead = Math.max(clock.now(), youngest?.message.createdAt ?? 0) - clock.monotonic();
    this.#runs = [{ from: 0, ahead }];
    this.#notedUpTo = lane.next - 1;
  }

  /** Notes the offset of the wall clock for messages that were written just now. */
  note(ahead: number): void {
    const { lane } = this.#options;
    const from = this.#notedUpTo + 1;
    if (from >= lane.next) return;
    this.#notedUpTo = lane.next - 1;
    if (Math.abs(ahead - (this.#runs.at(-1)?.ahead ?? 0)) <= CORRECTION) return;
    this.#runs.push({ from, ahead });
    while ((this.#runs[1]?.from ?? Number.POSITIVE_INFINITY) <= lane.acked + 1) this.#runs.shift();
  }

  /** Notes that messages have other numbers now. */
  moved(moved: readonly Moved[]): void {
    const { lane } = this.#options;
    if (lane.acked === lane.next - 1) this.#moved.clear();
    if (this.#runs.length === 1 && this.#moved.size === 0) return;
    const ahead = moved.map(({ id, from }) => [id, this.#moved.get(id) ?? this.#aheadAt(from)] as const);
    for (const [id, each] of ahead) this.#moved.set(id, each);
  }

  #aheadAt(seq: number): number {
    const [only, another] = this.#runs;
    const run = another === undefined ? only : this.#runs.findLast(({ from }) => from <= seq);
    return run?.ahead ?? 0;
  }

  /** Milliseconds until the deadline of a message; negative: it has passed; infinite: the message has none. */
  left({ seq, message: { id, deliverBy } }: Pick<OutRecord, "seq" | "message">): number {
    if (deliverBy === null) return Number.POSITIVE_INFINITY;
    return deliverBy - (this.#moved.get(id) ?? this.#aheadAt(seq)) - this.#options.clock.monotonic();
  }
}
