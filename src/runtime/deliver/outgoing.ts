import type { Journal } from "../../journal/journal.ts";
import type { OutLane, OutRecord } from "../../journal/records.ts";
import type { Clock } from "../../message/clock.ts";
import type { NewId } from "../../message/id.ts";
import type { Report } from "../../message/report.ts";
import type { Envelope } from "../../message/wire/envelope.ts";
import { encodeItem, type Skip } from "../../message/wire/frame.ts";
import type { InFlight } from "./in-flight.ts";
import type { LinkTo } from "./link-to.ts";
import { asData, smallerReports } from "./report-parts.ts";

/**
 * How the messages of one lane travel: whole, as skip markers, or, for reports that have become too large for the broker,
 * in smaller ones behind them.
 *
 * A message that its receiver refuses again and again, alone in its frame and arrived as it was sent, travels as a skip
 * marker from then on: the receiver answers that with its verdict, and the lane goes on. If the receiver has the message
 * after all, the marker is a duplicate and says nothing.
 */
export interface OutgoingOptions {
  readonly journal: Journal;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly node: string;
  /** The life of this daemon. */
  readonly life: string;
  readonly envelope: Pick<Envelope, "seal">;
  readonly link: Pick<LinkTo, "profile">;
  /** Milliseconds until the deadline of a message. */
  readonly left: (record: OutRecord) => number;
}

/** A wall clock that is off by no more than this is what it was, ms. */
const SAME_CLOCK = 1000;

/** Bytes of a skip marker. */
const SKIP_BYTES = 60;

/** Refusals of one message, alone in its frame, until it is given up. */
const MOST_REFUSALS = 3;

export class Outgoing {
  readonly #options: OutgoingOptions;
  /** Reports that go in smaller ones: what travels in their place, by number. */
  readonly #replaced = new Map<number, string>();
  /** The message at the head of the lane that its receiver refuses, and how often it has done so. */
  #refused = { seq: 0, times: 0 };

  constructor(options: OutgoingOptions) {
    this.#options = options;
  }

  /** A frame was refused that begins at `first`, the head of the lane. Each attempt after it carries that message alone. */
  refused(first: number, last: number): void {
    if (this.#refused.seq !== first) this.#refused = { seq: first, times: 0 };
    if (first === last) this.#refused.times++;
  }

  /** True where the frame that begins here carries one message alone. */
  isSuspect(seq: number): boolean {
    return this.#refused.seq === seq;
  }

  /** Up to here its receiver has all. */
  acknowledged(upTo: number): void {
    for (const seq of this.#replaced.keys()) if (seq <= upTo) this.#replaced.delete(seq);
  }

  /** Bytes that it takes of a frame. */
  bytes(record: OutRecord): number {
    const replaced = this.#replaced.get(record.seq);
    if (replaced !== undefined) return Buffer.byteLength(replaced) + 1;
    return this.#skip(record) === undefined ? record.bytes : SKIP_BYTES;
  }

  /** A frame of these messages, as it travels now. */
  seal(lane: OutLane, { first, acked, sentBefore }: InFlight, records: readonly OutRecord[]): Uint8Array {
    const { journal, clock, node, life, envelope, link } = this.#options;
    const now = clock.now();
    const time = { sentAt: now, life, uptime: clock.monotonic() };
    const own = { origin: node, epoch: journal.epoch, ...time, first, acked, sentBefore };
    return envelope.seal(
      lane.subject,
      { ...own, ...journal.outbox.receivers.head(lane) },
      records.map((record) => this.#item(record, now)),
      link.profile.compressFrom,
    );
  }

  /** The message as it travels at `now`, JSON. */
  #item(record: OutRecord, now: number): string {
    const skip = this.#skip(record);
    if (skip !== undefined) return encodeItem({ id: record.message.id, skip });
    return this.#replaced.get(record.seq) ?? itemOf(record, now, this.#options.left(record));
  }

  /**
   * A report that is too large gives way: what it says goes behind all that waits, in smaller ones, journalled in this same
   * turn. False: the message is none, and must wait for another broker.
   */
  giveWay(record: OutRecord, maxPayload: number): boolean {
    const { inReplyTo, subject, data } = record.message;
    if (inReplyTo === undefined || this.#replaced.has(record.seq)) return false;
    const { journal, clock, newId, node } = this.#options;
    const report = data as unknown as Report;
    const reports = smallerReports(report, maxPayload);
    const { at, startedAt = at } = report;
    const event = (each: Report) => ({
      id: newId(),
      subject,
      origin: node,
      createdAt: clock.now(),
      deliverBy: null,
      timeout: null,
      data: asData(each),
      inReplyTo,
    });
    journal.outbox.enqueue(reports.map(event), false);
    const { message } = record;
    this.#replaced.set(record.seq, encodeItem({ ...message, data: asData({ state: "running", at, startedAt }) }));
    return true;
  }

  #skip(record: OutRecord) {
    const { seq, times } = this.#refused;
    if (record.seq === seq && times >= MOST_REFUSALS && record.skip === undefined) return "rejected";
    return skipOf(record, this.#options.left(record));
  }
}

/**
 * Why a message travels as a skip marker alone; `undefined`: it travels whole. Past its deadline, or once its end was asked
 * for, a message that was sent may be on the node already: only the node can say, and the data need not travel again.
 */
function skipOf({ skip, cancelRequestedAt }: OutRecord, left: number): Skip | undefined {
  return skip ?? (cancelRequestedAt !== undefined ? "cancelled" : left <= 0 ? "expired" : undefined);
}

/**
 * A message of the journal as it travels whole at `now`, ms, with `left` ms until its deadline; JSON. The receiver reads
 * its deadline against the time of the frame: after a jump of this node's clock it is written anew.
 */
function itemOf({ message, text }: OutRecord, now: number, left: number): string {
  if (message.deliverBy === null || Math.abs(message.deliverBy - now - left) <= SAME_CLOCK) return text;
  return encodeItem({ ...message, deliverBy: Math.round(now + left) });
}
