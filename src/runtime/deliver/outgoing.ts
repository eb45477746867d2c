import type { Journal } from "../../journal/journal.ts";
import type { OutLane, OutRecord } from "../../journal/records.ts";
import type { Clock } from "../../message/clock.ts";
import type { NewId } from "../../message/id.ts";
import type { Report } from "../../message/report.ts";
import type { Envelope } from "../../message/wire/envelope.ts";
import { encodeItem, type Skip } from "../../message/wire/frame.ts";
import type { InFlight } from "./flow/in-flight.ts";
import type { LinkTo } from "./link-to.ts";
import { asData, smallerReports } from "./report-parts.ts";

/**
 * The wire form of the messages of one lane: whole, as skip markers, or, for reports that have become too large for the
 * broker, as smaller reports further back.
 *
 * A message that its receiver refuses again and again, alone in its frame and undamaged, is sent as a skip marker from then
 * on: the receiver answers with its verdict, and the lane goes on. If the receiver has the message after all, the marker is
 * a duplicate without effect.
 */
export interface OutgoingOptions {
  readonly journal: Journal;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly node: string;
  /** The life of this daemon. */
  readonly life: string;
  readonly envelope: Pick<Envelope, "seal">;
}

/** A wall clock that differs by no more than this has not jumped, ms. */
const SAME_CLOCK = 1000;

/** Bytes of a skip marker. */
const SKIP_BYTES = 60;

/** Refusals of one message, alone in its frame, until it is sent as a skip marker. */
const MOST_REFUSALS = 3;

export class Outgoing {
  readonly #options: OutgoingOptions;
  readonly #link: Pick<LinkTo, "profile">;
  readonly #left: (record: OutRecord) => number;
  /** Items that are sent in place of divided reports, by number. */
  #replaced: Map<number, string> | undefined;
  /** The message at the head of the lane that its receiver refuses, and the number of refusals. */
  #refused = { seq: 0, times: 0 };

  /** `left`: milliseconds until the deadline of a message. */
  constructor(options: OutgoingOptions, link: Pick<LinkTo, "profile">, left: (record: OutRecord) => number) {
    this.#options = options;
    this.#link = link;
    this.#left = left;
  }

  /** Notes the refusal of a frame that begins at `first`, the head of the lane. Later attempts carry that message alone. */
  refused(first: number, last: number): void {
    if (this.#refused.seq !== first) this.#refused = { seq: first, times: 0 };
    if (first === last) this.#refused.times++;
  }

  /** True if the frame that begins at `seq` carries that message alone. */
  isSuspect(seq: number): boolean {
    return this.#refused.seq === seq;
  }

  acknowledged(upTo: number): void {
    for (const seq of this.#replaced?.keys() ?? []) if (seq <= upTo) this.#replaced?.delete(seq);
  }

  /** Bytes of a message in a frame. */
  bytes(record: OutRecord): number {
    const replaced = this.#replaced?.get(record.seq);
    if (replaced !== undefined) return Buffer.byteLength(replaced) + 1;
    return this.#skip(record, this.#left(record)) === undefined ? record.bytes : SKIP_BYTES;
  }

  seal(lane: OutLane, { first, acked, sentBefore }: InFlight, records: readonly OutRecord[]): Uint8Array {
    const { journal, clock, node, life, envelope } = this.#options;
    const sentAt = clock.now();
    const { base, receiverEpoch, receiverNow, receiverLife } = journal.outbox.receivers.head(lane);
    const head = {
      origin: node,
      epoch: journal.epoch,
      sentAt,
      first,
      acked,
      sentBefore,
      base,
      receiverEpoch,
      receiverNow,
      receiverLife,
      life,
      uptime: clock.monotonic(),
    };
    const items = records.map((record) => this.#item(record, sentAt));
    return envelope.seal(lane.subject, head, items, this.#link.profile.compressFrom);
  }

  /** The item of a message in a frame that is sealed at `now`, JSON. */
  #item(record: OutRecord, now: number): string {
    const left = this.#left(record);
    const skip = this.#skip(record, left);
    if (skip !== undefined) return encodeItem({ id: record.message.id, skip });
    return this.#replaced?.get(record.seq) ?? itemOf(record, now, left);
  }

  /**
   * Divides a report that is too large into smaller ones at the end of the lane, journalled in this turn; an empty report
   * keeps its place. False: the message is no report, and must wait for another broker.
   */
  giveWay(record: OutRecord, maxPayload: number): boolean {
    const { inReplyTo, subject, data } = record.message;
    if (inReplyTo === undefined || this.#replaced?.has(record.seq) === true) return false;
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
    this.#replaced ??= new Map();
    this.#replaced.set(record.seq, encodeItem({ ...message, data: asData({ state: "running", at, startedAt }) }));
    return true;
  }

  #skip(record: OutRecord, left: number) {
    const { seq, times } = this.#refused;
    if (record.seq === seq && times >= MOST_REFUSALS && record.skip === undefined) return "rejected";
    return skipOf(record, left);
  }
}

/**
 * Why a message is sent as a skip marker; `undefined`: it is sent whole. A message past its deadline, or cancelled, may be
 * on its node already, if it was sent before: only the node can say, and the data need not travel again.
 */
function skipOf({ skip, cancelRequestedAt }: OutRecord, left: number): Skip | undefined {
  return skip ?? (cancelRequestedAt !== undefined ? "cancelled" : left <= 0 ? "expired" : undefined);
}

/**
 * The item of a whole message in a frame that is sealed at `now`, with `left` ms until its deadline; JSON. The receiver
 * reads the deadline against the time of the frame, so after a jump of this node's clock the deadline is written anew.
 */
function itemOf({ message, text }: OutRecord, now: number, left: number): string {
  if (message.deliverBy === null || Math.abs(message.deliverBy - now - left) <= SAME_CLOCK) return text;
  return encodeItem({ ...message, deliverBy: Math.round(now + left) });
}
