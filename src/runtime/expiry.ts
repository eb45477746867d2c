import type { Clock, Timer } from "../message/clock.ts";
import { receiverOf } from "../message/subject.ts";
import type { Journal } from "./journal/journal.ts";
import type { OutLane, OutRecord } from "./journal/records.ts";

/**
 * Ends the messages of one lane that wait longer than they may. Only those that were never on the wire: of the others
 * only their node can tell.
 */
export interface ExpiryOptions {
  readonly lane: OutLane;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly onWithdrawn: (records: readonly OutRecord[]) => void;
  readonly onFailure: (error: unknown) => void;
}

/** Messages looked at in one go. */
const AT_ONCE = 1000;
/** The longest wait of one timer, ms; a deadline further away is looked at again on the way. */
const LONGEST = 86_400_000;

export class Expiry {
  readonly #options: ExpiryOptions;
  #next = Number.POSITIVE_INFINITY;
  #timer: Timer | undefined;

  constructor(options: ExpiryOptions) {
    this.#options = options;
    this.#scan();
  }

  /** The earliest deadline of a waiting message, ms since 1970; `null`: none. */
  get next(): number | null {
    const { lane } = this.#options;
    return lane.sent < lane.next - 1 && Number.isFinite(this.#next) ? this.#next : null;
  }

  /** A message with this deadline waits, too; `null` waits for ever. */
  add(deadline: number | null): void {
    if (deadline === null || deadline >= this.#next) return;
    const { clock } = this.#options;
    this.#next = deadline;
    clock.clearTimeout(this.#timer);
    this.#timer = clock.setTimeout(() => this.#due(), Math.min(Math.max(0, deadline - clock.now()) + 1, LONGEST));
  }

  stop(): void {
    this.#options.clock.clearTimeout(this.#timer);
  }

  #due(): void {
    try {
      const withdrawn = this.#withdraw(this.#options.clock.now());
      if (withdrawn.length > 0) this.#tell(withdrawn);
      this.#scan();
    } catch (error) {
      this.#options.onFailure(error);
    }
  }

  /** A final state that a crash could take back is nothing to tell anybody. */
  #tell(withdrawn: readonly OutRecord[]): void {
    const { journal, onWithdrawn, onFailure } = this.#options;
    journal
      .flushed()
      .then(() => onWithdrawn(withdrawn))
      .catch(onFailure);
  }

  #withdraw(now: number): OutRecord[] {
    const { lane, journal } = this.#options;
    const reason = `not delivered before its deadline: ${receiverOf(lane.subject)} was away`;
    const withdrawn: OutRecord[] = [];
    for (const { message, skip } of this.#waiting()) {
      if (skip !== undefined || message.deliverBy === null || message.deliverBy > now) continue;
      const ended = journal.outbox.withdraw(message.id, "expired", now, reason);
      if (ended !== undefined) withdrawn.push(ended);
    }
    return withdrawn;
  }

  #scan(): void {
    this.#options.clock.clearTimeout(this.#timer);
    this.#next = Number.POSITIVE_INFINITY;
    let earliest = Number.POSITIVE_INFINITY;
    for (const { message, skip } of this.#waiting()) {
      if (skip === undefined) earliest = Math.min(earliest, message.deliverBy ?? Number.POSITIVE_INFINITY);
    }
    if (Number.isFinite(earliest)) this.add(earliest);
  }

  /** What was never on the wire, in order. */
  *#waiting(): Generator<OutRecord> {
    const { lane, journal } = this.#options;
    for (let from = lane.sent + 1; from < lane.next; ) {
      const records = journal.outbox.take(lane.subject, from, { count: AT_ONCE, bytes: AT_ONCE, sizeOf: () => 1 });
      yield* records;
      from = (records.at(-1)?.seq ?? lane.next) + 1;
    }
  }
}
