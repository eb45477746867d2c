import { join } from "node:path";
import type { FailingChild } from "../../actors/supervisor/spec.ts";
import type { Packet, Transport } from "../../broker/transport.ts";
import type { Judgement, Place, PlacedNew, Taken } from "../../journal/inbox.ts";
import type { Journal } from "../../journal/journal.ts";
import type { DoneRecord, InRecord } from "../../journal/records.ts";
import type { Clock } from "../../message/clock.ts";
import type { DraftTaker } from "../../message/draft.ts";
import { faultText, normalise, StewardError } from "../../message/errors.ts";
import type { Report } from "../../message/report.ts";
import { kindOf, parseSubject } from "../../message/subject.ts";
import type { Envelope } from "../../message/wire/envelope.ts";
import type { Ack, Frame, FrameItem } from "../../message/wire/frame.ts";
import { isFrame } from "../../message/wire/packet.ts";
import type { Announcer } from "../../observe/announce.ts";
import type { Counters } from "../../observe/metrics/counters.ts";
import type { Logger } from "../../platform/logger.ts";
import type { Admission } from "../../security/admission.ts";
import { authorise, PLAIN_PUBLISHER } from "../../security/authorise.ts";
import type { Evidence } from "../fleet/evidence.ts";
import type { Fleet } from "../fleet/fleet.ts";
import type { Repair } from "../resync/compare-ask.ts";
import type { JournalLosses } from "../resync/journal-losses.ts";
import { BegunBefore } from "../resync/may-have-run.ts";
import type { Renewal } from "../resync/restored.ts";
import type { Vouching } from "../resync/vouch-ask.ts";
import type { Storage } from "../upkeep/storage.ts";
import { fittingAck } from "./answer.ts";
import { takeForeign } from "./foreign.ts";
import type { Reports } from "./reports.ts";
import type { Route } from "./route.ts";
import type { Routes } from "./routes.ts";
import { Strangers } from "./strangers.ts";

/**
 * The way in, from top to bottom: open the envelope, admit, presence, place in the lane, judge what is new (permission,
 * deadline, room), journal, ACK, hand over. Each exit is counted by its reason. Nothing that comes over the wire can throw out of here.
 */
export interface ReceiveOptions {
  readonly node: string;
  readonly journal: Journal;
  readonly transport: Transport;
  readonly routes: Routes;
  readonly envelope: Envelope;
  readonly admission: Pick<Admission, "insist">;
  readonly counters: Counters;
  readonly clock: Clock;
  readonly log: Logger;
  /** The data directory: sinks that are called without the journal keep their files below it. */
  readonly data: string;
  readonly storage: Pick<Storage, "hasRoom">;
  readonly fleet: Pick<Fleet, "isKnown">;
  readonly links: Evidence;
  readonly reports: Pick<Reports, "fold">;
  readonly repair: Pick<Repair, "ended">;
  readonly submitter: DraftTaker;
  readonly losses: Pick<JournalLosses, "heard" | "missing">;
  readonly renewal: Pick<Renewal, "renew">;
  readonly vouching: Pick<Vouching, "life" | "isUnproved" | "add">;
  readonly answers: Answers;
  readonly announce: Pick<Announcer, "taken">;
  /** What ends when the journal cannot be written: what was taken and not acknowledged exists in memory only. */
  readonly core: FailingChild;
}

/** Sends the outcomes of commands home: `execute/respond.ts`. */
export interface Answers {
  /** An outcome is owed once more. */
  again(done: DoneRecord): void;
}

/** Frames that wait while the disk refuses. */
const MOST_UNFLUSHED = 16;
/**
 * Messages taken in one turn of the event loop, and those handed over. A large frame has a turn for itself: what it brings
 * about is on its way to the other end before the next one is worked on here.
 */
const A_TURN = 32;
const HANDED_OVER = 64;
/** A frame that came, what is measured of its way, and what is to be told once it is durable. */
interface Arrival {
  readonly frame: Frame;
  readonly subject: string;
  /** Wall time, ms. */
  readonly at: number;
  /** How long it was under way, ms. */
  readonly underWay: number;
  readonly told: (() => void)[];
}

/** Messages of one frame, and when they were taken by monotonic time. */
interface Batch {
  readonly records: InRecord[];
  readonly takenAt: number;
}

const LOST = "it may have begun here before this node lost its journal";
/** Reports are always taken: there is room kept for them. */
const UNBOUNDED = 1_000_000;

export class Receiver {
  readonly #options: ReceiveOptions;
  readonly #before: BegunBefore;
  readonly #strangers = new Strangers();
  /** Packets that wait for the next turn, and how many messages this one has room for. */
  readonly #backlog: Packet[] = [];
  #left = A_TURN;
  /** What is durable and waits for its turn to be handed to a process; by subject. */
  readonly #toHandOver = new Map<string, Batch[]>();

  /** Frames of which what was taken is not durable yet. */
  #unflushed = 0;

  constructor(options: ReceiveOptions) {
    this.#options = options;
    this.#before = new BegunBefore(options);
  }

  /** In order. What one turn has no room for waits for the next: what the first ones bring about goes out in between. */
  receive(packet: Packet): void {
    if (this.#left > 0 && this.#backlog.length === 0) void this.#receive(packet);
    else this.#backlog.push(packet);
  }

  stop(): void {
    this.#backlog.length = 0;
    this.#strangers.end();
  }

  #spend(messages: number): void {
    if (this.#left === A_TURN) {
      setImmediate(() => {
        this.#left = A_TURN;
        for (let next = this.#backlog.shift(); next !== undefined; next = this.#backlog.shift()) {
          void this.#receive(next);
          if (this.#left <= 0) break;
        }
      });
    }
    this.#left -= messages;
  }

  #receive(packet: Packet): Promise<void> {
    return this.#guarded(packet, async () => {
      const { subject, payload } = packet;
      if (!isFrame(payload)) return await takeForeign(packet, this.#options);
      const frame = this.#open(subject, payload);
      const take = (): Promise<void> => this.#take(packet, frame);
      if (frame.first > 0 || this.#options.fleet.isKnown(frame.origin)) return await take();
      if (!this.#strangers.add(() => void this.#guarded(packet, take)))
        this.#options.counters.refuse("stranger-deferred", { subject, origin: frame.origin });
    });
  }

  #open(subject: string, payload: Uint8Array): Frame {
    const opened = this.#options.envelope.open(subject, payload);
    if (opened.kind === "frame") return opened.frame;
    throw new StewardError("frame-malformed", { subject, fault: `it is no frame, it is of kind ${opened.kind}` });
  }

  async #guarded(packet: Packet, act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      const refused = normalise(error);
      this.#refused(refused, packet.subject);
      this.#tellSender(refused, packet);
    }
  }

  async #take(packet: Packet, frame: Frame): Promise<void> {
    const { admission, links, journal, clock, vouching, renewal } = this.#options;
    const { subject, payload } = packet;
    admission.insist(frame, subject);
    const underWay = links.alive(frame.origin, payload.length, frame, "a frame");
    if (frame.first === 0) {
      this.#spend(1);
      return await this.#transient(packet, frame);
    }
    // Each waits for the disk with all that it holds; none of them can be acknowledged before it, and all come again.
    if (journal.fault !== undefined && this.#unflushed >= MOST_UNFLUSHED)
      return this.#options.counters.refuse("journal-failed", { subject, origin: frame.origin });

    const takenAt = clock.monotonic();
    const arrival: Arrival = { frame, subject, at: clock.now(), underWay, told: [] };
    const { at, told } = arrival;
    this.#before.note(frame, subject);
    // What is pending is doubted, what is taken now is not: unless it was on its way before.
    if (journal.inbox.isBehind(frame, subject, journal.epoch))
      renewal.renew(`${frame.origin} holds its ACK for messages that it does not know`);
    const place = journal.inbox.place(frame, subject);
    const decisions = place.kind === "new" ? this.#judgeAll(arrival, place) : [];
    const accepted = journal.inbox.take(place, decisions, at);
    this.#count(place, accepted);
    const route = this.#options.routes.get(subject);
    for (const record of accepted.taken) route?.inHand.set(record.message.id, record);
    vouching.add(accepted.taken.filter(({ seq }) => this.#before.isUnproved(frame, subject, seq)));
    // What may run twice may begin before it is durable: its outcome then shares the commit of its acceptance.
    const early = route?.method.command?.idempotent === true && !journal.renewed;
    if (early) this.#handOver(subject, accepted.taken, takenAt, true);
    // After the journal has heard of it: the next turn begins when this one is on disk.
    this.#spend(frame.items.length);
    this.#unflushed++;
    await journal.flushed().finally(() => this.#unflushed--);
    this.#acknowledge(packet, place, accepted);
    // The ACK is on its way before this node gets busy with what it took.
    if (!early && !journal.renewed) this.#handOver(subject, accepted.taken, takenAt);
    if (told.length > 0) {
      setImmediate(() => {
        for (const tell of told) tell();
      });
    }
  }

  /** The sender of a frame that is not taken must know why: else its lane stands still in silence. */
  #tellSender(error: StewardError, { subject, payload, reply }: Packet): void {
    if (reply === undefined || error.code === "internal" || !isFrame(payload)) return;
    const { node, journal, transport, clock, envelope } = this.#options;
    const bytes = envelope.sealRefusal(subject, error, { node, receiverEpoch: journal.epoch, sentAt: clock.now() });
    if (bytes.length <= transport.maxPayload()) transport.publish(reply, bytes);
  }

  /** There is room again for a lane that was told to wait. */
  #roomAgain(subject: string, frame: Frame, reply: string, upTo: number): void {
    const lane = this.#options.journal.inbox.lane(frame.origin, frame.epoch, subject);
    const last = lane?.last ?? 0;
    this.#ack(subject, frame, reply, { last, started: 0, upTo: Math.max(upTo, last), verdicts: lane?.verdicts ?? [] });
  }

  /** Decides on what is new, in order, as far as there is room. */
  #judgeAll(arrival: Arrival, place: PlacedNew): Judgement[] {
    const { journal, answers } = this.#options;
    const { items, first } = arrival.frame;
    const decisions: Judgement[] = [];
    for (let seq = place.from; seq < first + items.length; seq++) {
      const item = items[seq - first];
      if (item === undefined) break;
      const judged = journal.inbox.known(place, item, seq) ?? this.#judge(arrival, item, seq);
      // This one and what follows must come again.
      if (judged === "full") break;
      if (judged.kind === "known" && judged.done !== undefined) answers.again(judged.done);
      decisions.push(judged);
    }
    return decisions;
  }

  /** That a command is at its end without having begun is said only of one that cannot have begun here. */
  #judge(arrival: Arrival, item: FrameItem, seq: number): Judgement | "full" {
    const { frame, subject } = arrival;
    if (this.#before.onLostDisk(frame, subject, item, seq))
      return { kind: "verdict", state: "interrupted", reason: LOST };
    const judged = this.#decide(arrival, item, seq);
    if (judged === "full" || judged.kind !== "verdict" || !this.#before.unrecorded(frame, subject, seq)) return judged;
    const reason = `it may have begun here before this node was started; else: ${judged.reason}`;
    return { kind: "verdict", state: "interrupted", reason };
  }

  /** What becomes of one new message, decided from this node's own configuration. */
  #decide({ frame, subject, at, underWay, told }: Arrival, item: FrameItem, seq: number): Judgement | "full" {
    const { routes, counters, reports, repair, journal, node } = this.#options;
    if ("skip" in item) {
      const by = journal.inbox.cancelledEarly(item.id);
      if (by !== undefined && item.skip === "cancelled")
        return { kind: "verdict", state: "cancelled", reason: `${by} cancelled it before it arrived` };
      const reason = item.skip === "rejected" ? `${node} could not read it` : "it ended at its origin";
      return { kind: "verdict", state: item.skip, reason };
    }
    if ("unreadable" in item) {
      counters.refuse("frame-malformed", { subject, origin: frame.origin, id: item.id, fault: item.unreadable });
      return { kind: "verdict", state: "rejected", reason: `${node} cannot read it: ${item.unreadable}` };
    }
    try {
      if (item.inReplyTo !== undefined && kindOf(subject) === "event") {
        const report = item.data as unknown as Report;
        if (reports.fold(item.inReplyTo, frame.origin, report, told)) {
          if (report.state !== "running") repair.ended(item.inReplyTo, report);
          return { kind: "folded" };
        }
        counters.refuse("report-unknown", { subject, origin: frame.origin, id: item.inReplyTo });
        return { kind: "verdict", state: "rejected", reason: `no command ${item.inReplyTo} is known here` };
      }
      const route = routes.find(subject);
      // Only what this node took in for itself: from others the mark says nothing.
      const foreign = item.foreign === true && frame.origin === this.#options.node;
      authorise(foreign ? PLAIN_PUBLISHER : frame.origin, subject, item.data, route.config, route.method);
      const canceller = journal.inbox.cancelledEarly(item.id);
      if (canceller !== undefined)
        return { kind: "verdict", state: "cancelled", reason: `${canceller} cancelled it before it arrived` };
      const remaining = item.deliverBy === null ? null : item.deliverBy - frame.sentAt - underWay;
      const unproved = this.#before.isUnproved(frame, subject, seq);
      // That it never began is not said before its origin was asked.
      if (remaining !== null && remaining <= 0 && !unproved) {
        counters.refuse("deadline-passed", { subject, origin: frame.origin });
        return { kind: "verdict", state: "expired", reason: expiredUnderWay(remaining, underWay) };
      }
      if (this.#credit(route) === 0) return "full";
      route.taken();
      const start = !unproved && !journal.renewed && (route.process?.reserve() ?? false);
      // What may have begun in time is never said to have expired: it begins again, whenever its turn comes.
      const bound = remaining !== null && !this.#before.unrecorded(frame, subject, seq);
      return { kind: "take", deadline: bound ? at + remaining : null, start };
    } catch (error) {
      // A method's own check throws plain errors: they say what is wrong with the data.
      const code = error instanceof Error && "code" in error ? String(error.code) : "data-invalid";
      counters.refuse(code, { subject, origin: frame.origin, id: item.id, fault: faultText(error) });
      return { kind: "verdict", state: "rejected", reason: faultText(error) };
    }
  }

  /** How many more messages may be taken on a route. */
  #credit(route: Route): number {
    return this.#options.storage.hasRoom() ? route.room : 0;
  }

  #count(place: Place, { taken }: Taken): void {
    const { frame, subject } = place;
    const { counters, losses, log } = this.#options;
    const { kind } = parseSubject(subject);
    counters.accepted[kind] += taken.length;
    counters.duplicates += place.duplicates;
    if (place.kind === "gap") {
      log.debug(
        { subject, origin: frame.origin, expected: place.expected, got: frame.first },
        "a gap in the lane: it is sent again",
      );
    }
    if (place.newEpoch) losses.heard(frame.origin, frame.epoch);
    if (place.lost !== undefined) losses.missing(frame.origin, subject, ...place.lost);
  }

  #acknowledge(packet: Packet, { kind, frame }: Place, { last, taken, verdicts }: Taken): void {
    if (packet.reply === undefined) return;
    const upTo = frame.first + frame.items.length - 1;
    // Commands of a lane start in order, so the last that has started stands for all before it.
    const started = taken.findLast((record) => record.state === "running")?.seq ?? 0;
    this.#ack(packet.subject, frame, packet.reply, {
      last,
      started,
      upTo,
      verdicts,
      ...(kind === "wentBack" ? { wentBack: true } : {}),
    });
  }

  #ack(
    subject: string,
    frame: Frame,
    reply: string,
    answer: Pick<Ack, "last" | "started" | "upTo" | "verdicts" | "wentBack">,
  ): void {
    const { node, journal, routes, transport, clock, vouching, envelope } = this.#options;
    const route = routes.get(subject);
    const credit = route === undefined ? UNBOUNDED : this.#credit(route);
    // Also when all of it was taken: the sender may hold more.
    if (route !== undefined && credit === 0) this.#awaitRoom(route, frame, reply, answer.upTo);
    const own = { node, receiverEpoch: journal.epoch, receiverLife: vouching.life };
    const time = { sentAt: clock.now(), uptime: clock.monotonic() };
    const tells = route?.config.kind === "command" ? { concurrency: route.config.concurrency } : {};
    const ack = { ...own, ...time, epoch: frame.epoch, credit, ...tells, ...answer };
    transport.publish(reply, fittingAck(envelope, subject, ack, transport.maxPayload()));
  }

  #awaitRoom(route: Route, frame: Frame, reply: string, upTo: number): void {
    // Without its messages: those who wait may be many, and each frame has megabytes.
    const head = { ...frame, items: [] };
    route.awaitRoom(`${frame.origin} ${frame.epoch}`, {
      roomAgain: () => this.#roomAgain(route.subject, head, reply, upTo),
    });
  }

  /** A few in each turn, in order: what the first ones bring about is on its way while the others are still at work. */
  #handOver(subject: string, taken: readonly InRecord[], takenAt: number, now = false): void {
    if (taken.length === 0) return;
    const batch: Batch = { records: [...taken], takenAt };
    const queue = this.#toHandOver.get(subject);
    if (queue !== undefined) {
      queue.push(batch);
      return;
    }
    this.#toHandOver.set(subject, [batch]);
    if (now) this.#handSome(subject);
    else setImmediate(() => this.#handSome(subject));
  }

  #handSome(subject: string): void {
    const queue = this.#toHandOver.get(subject) ?? [];
    let room = HANDED_OVER;
    for (let batch = queue[0]; batch !== undefined && room > 0; batch = queue[0]) {
      const some = batch.records.splice(0, room);
      room -= some.length;
      if (batch.records.length === 0) queue.shift();
      this.#hand(subject, some, batch.takenAt);
    }
    if (queue.length === 0) this.#toHandOver.delete(subject);
    else setImmediate(() => this.#handSome(subject));
  }

  #hand(subject: string, some: readonly InRecord[], takenAt: number): void {
    const { routes, journal, announce } = this.#options;
    const route = routes.get(subject);
    try {
      announce.taken(some);
      for (const { message } of some) route?.inHand.delete(message.id);
      if (route?.process !== undefined) route.process.feed(some, takenAt);
      // The process that kept a place for it is gone: it has not begun, and the next one finds it in the journal.
      else for (const { message, state } of some) if (state === "running") journal.inbox.notStarted(message.id);
    } catch (error) {
      this.#refused(normalise(error), subject);
    }
  }

  /** Presence: handled at once, acknowledged, never journalled. */
  async #transient(packet: Packet, frame: Frame): Promise<void> {
    const { routes, node, clock, log, data } = this.#options;
    const { subject } = packet;
    const route = routes.find(subject);
    const handler = route.method.event;
    if (handler?.transient !== true)
      throw new StewardError("frame-malformed", { subject, fault: "its messages have no sequence numbers" });
    const items = frame.items.flatMap((item) => ("data" in item ? [item] : []));
    for (const { data } of items) {
      try {
        authorise(frame.origin, subject, data, route.config, route.method);
      } catch (error) {
        if (error instanceof StewardError) throw error;
        const { name: method } = route.method;
        throw new StewardError("data-invalid", { method, fault: faultText(error) }, { cause: error });
      }
    }
    const context = {
      node,
      origin: frame.origin,
      domain: route.config.domain,
      checkpoint: undefined,
      directory: join(data, route.method.name),
      clock,
      log,
    };
    await handler.handle(
      items.map(({ id, createdAt, data }) => ({ id, createdAt, data })),
      context,
    );
    if (packet.reply !== undefined)
      this.#ack(subject, frame, packet.reply, { last: 0, started: 0, upTo: 0, verdicts: [] });
  }

  #refused(error: StewardError, subject: string): void {
    const { counters, log } = this.#options;
    if (error.code === "journal-failed") this.#options.core.fail(error);
    if (error.code === "internal") log.error({ err: error, subject }, "a packet could not be received");
    counters.refuse(error.code, { subject, fault: error.message });
  }
}

function expiredUnderWay(remaining: number, underWay: number): string {
  if (remaining + underWay <= 0) return "its deadline had passed when it was sent";
  return underWay < 1000
    ? "its deadline had passed when it arrived"
    : `its deadline had passed when it arrived: it was under way for ${Math.round(underWay / 1000)} s`;
}
