import type { Transport } from "../../broker/transport.ts";
import type { Journal } from "../../journal/journal.ts";
import type { Moved } from "../../journal/outbox.ts";
import type { OutLane, OutRecord } from "../../journal/records.ts";
import type { Clock, Timer } from "../../message/clock.ts";
import { receiverOf } from "../../message/subject.ts";
import type { Maintenance } from "../fleet/maintenance.ts";
import { Due } from "./due.ts";

/**
 * Expires the messages of one lane whose deadline has passed while they waited. Only messages that were never sent: the
 * others may have run, and only their node can tell. Time is measured, not read off the wall clock: see `Due`.
 */
export interface ExpiryOptions {
  readonly journal: Journal;
  readonly clock: Clock;
  /** This node. */
  readonly node: string;
  readonly transport: Pick<Transport, "status">;
  readonly maintenance: Pick<Maintenance, "halts">;
}

/** The part of the lane's publisher that hears of withdrawn messages. */
export interface WithdrawnFrom {
  /** Called in the turn that ends these messages. */
  withdrawn(records: readonly OutRecord[]): void;
  fail(error: unknown): void;
}

/** The most messages that are read from the journal at once. */
const AT_ONCE = 1000;
/** The most waiting messages that are looked through for what is shown. */
const LOOKED_THROUGH = 10_000;
/** The longest wait of one timer, ms; a deadline further away is looked at again on the way. */
const LONGEST = 86_400_000;

export class Expiry {
  readonly #options: ExpiryOptions;
  readonly #lane: OutLane;
  readonly #publisher: WithdrawnFrom;
  readonly #due: Due;
  /** When the earliest deadline falls due, by monotonic time; it is no later than that of any message that waits. */
  #next = Number.POSITIVE_INFINITY;
  /** The highest number that the message with this deadline can have. */
  #nextUpTo = 0;
  #timer: Timer | undefined;

  constructor(options: ExpiryOptions, lane: OutLane, publisher: WithdrawnFrom) {
    this.#options = options;
    this.#lane = lane;
    this.#publisher = publisher;
    const { clock, journal } = options;
    const last = { count: 1, bytes: 1, sizeOf: () => 1 };
    const youngest = lane.acked < lane.next - 1 ? journal.outbox.take(lane.subject, lane.next - 1, last)[0] : undefined;
    this.#due = new Due({ lane, clock, youngest });
    this.#scan();
  }

  /** The earliest deadline of a waiting message, ms since 1970 by the present wall clock; `null`: none. */
  get next(): number | null {
    const { clock } = this.#options;
    const lane = this.#lane;
    // The message with the earliest deadline was sent: another one is the next. In a longer lane the time that is shown may be too early.
    if (this.#nextUpTo <= lane.sent && lane.next - lane.sent <= LOOKED_THROUGH) this.#scan();
    if (lane.sent >= lane.next - 1 || !Number.isFinite(this.#next)) return null;
    return Math.round(clock.now() + this.#next - clock.monotonic());
  }

  left(record: OutRecord): number {
    return this.#due.left(record);
  }

  /** Notes messages that were written just now; `deadline`: the earliest of theirs, ms since 1970. */
  written(deadline: number): void {
    const { clock } = this.#options;
    const [now, monotonic] = [clock.now(), clock.monotonic()];
    this.#due.note(now - monotonic);
    if (deadline !== Number.POSITIVE_INFINITY) this.#arm(deadline - now, this.#lane.next - 1, monotonic);
  }

  /** Notes that messages have other numbers now. */
  moved(moved: readonly Moved[]): void {
    this.#due.moved(moved);
  }

  /** Watches messages again that the broker could hand to no subscriber. */
  waitAgain(from: number, to: number): void {
    const all = { count: to - from + 1, bytes: Number.POSITIVE_INFINITY, sizeOf: () => 1 };
    for (const record of this.#options.journal.outbox.take(this.#lane.subject, from, all))
      this.#arm(this.left(record), record.seq);
  }

  stop(): void {
    this.#options.clock.clearTimeout(this.#timer);
  }

  #arm(left: number, upTo: number, monotonic = this.#options.clock.monotonic()): void {
    const { clock } = this.#options;
    const at = monotonic + left;
    if (at >= this.#next) return;
    this.#next = at;
    this.#nextUpTo = upTo;
    clock.clearTimeout(this.#timer);
    this.#timer = clock.setTimeout(() => this.#look(), Math.min(Math.max(0, left) + 1, LONGEST));
  }

  #look(): void {
    try {
      const withdrawn = this.#withdraw();
      if (withdrawn.length > 0) this.#publisher.withdrawn(withdrawn);
      this.#scan();
    } catch (error) {
      this.#publisher.fail(error);
    }
  }

  #withdraw(): OutRecord[] {
    const { journal, clock, node, transport, maintenance } = this.#options;
    const lane = this.#lane;
    const isLinked = transport.status().state === "connected";
    const held = maintenance.halts(lane.subject);
    const receiver = receiverOf(lane.subject);
    const gone = held === undefined ? `${receiver} was away` : `${receiver} was held (${held})`;
    const away =
      receiver === node ? `${node} itself did not take it` : isLinked ? gone : `${node}, where it waits, had no broker`;
    const reason = `not delivered before its deadline: ${away}`;
    const withdrawn: OutRecord[] = [];
    for (const record of this.#waiting()) {
      if (record.skip !== undefined || this.left(record) > 0) continue;
      const ended = journal.outbox.withdraw(record.message.id, "expired", clock.now(), reason);
      if (ended !== undefined) withdrawn.push(ended);
    }
    return withdrawn;
  }

  #scan(): void {
    this.#options.clock.clearTimeout(this.#timer);
    this.#next = Number.POSITIVE_INFINITY;
    this.#nextUpTo = this.#lane.next - 1;
    let [earliest, number] = [Number.POSITIVE_INFINITY, 0];
    for (const record of this.#waiting()) {
      if (record.skip !== undefined) continue;
      const left = this.left(record);
      if (left < earliest) [earliest, number] = [left, record.seq];
    }
    if (Number.isFinite(earliest)) this.#arm(earliest, number);
  }

  /** Messages that were never sent, in order. */
  *#waiting(): Generator<OutRecord> {
    const { journal } = this.#options;
    const lane = this.#lane;
    for (let from = lane.sent + 1; from < lane.next; ) {
      const records = journal.outbox.take(lane.subject, from, { count: AT_ONCE, bytes: AT_ONCE, sizeOf: () => 1 });
      yield* records;
      from = (records.at(-1)?.seq ?? lane.next) + 1;
    }
  }
}
