import type { Actor } from "xstate";
import { type PublisherEvent, publisherMachine } from "../../actors/publisher.ts";
import { startRoot } from "../../actors/root.ts";
import type { Child, Exit } from "../../actors/supervisor/spec.ts";
import type { Moved } from "../../journal/outbox.ts";
import type { OutLane, OutRecord } from "../../journal/records.ts";
import type { Timer } from "../../message/clock.ts";
import { normalise, StewardError } from "../../message/errors.ts";
import type { Standstill } from "../../message/standstill.ts";
import { kindOf, receiverOf } from "../../message/subject.ts";
import type { Ack } from "../../message/wire/frame.ts";
import type { FrameRefusal } from "../../message/wire/frame-refusal.ts";
import { Expiry } from "./expiry.ts";
import { AckWait } from "./flow/ack-wait.ts";
import { FrameGathering } from "./flow/frame-gathering.ts";
import { flightOf, type InFlight, itemsOfFrame } from "./flow/in-flight.ts";
import type { DeliverParts, DeliverWay } from "./options.ts";
import { Outgoing } from "./outgoing.ts";
import { LaneStandstill } from "./standstill.ts";

/** A lane that this node sends on, as it is now. Times are ms since 1970. */
export interface LaneView {
  readonly subject: string;
  readonly waiting: number;
  readonly bytes: number;
  readonly inFlight: number;
  readonly oldestCreatedAt: number | null;
  readonly nextDeliverBy: number | null;
  /** Why the lane does not move; absent while it does. */
  readonly reason?: string;
  /** Absent while the lane moves, and while its node is away or there is no broker. */
  readonly stuck?: Standstill;
}

/** How long a lane without work still counts as working, ms. */
const LINGER = 1000;
/** How many times as long it works before its actor hears of it. */
const LASTING = 10;
/** Bytes that a frame needs beside its items. */
const ENVELOPE = 512;
/** The shortest time between two times that frames are sealed again at once, ms: else the wait for the ACK has to end. */
const SEAL_AGAIN = 1_000;

/**
 * The publisher of one subject: takes batches off its lane in order, seals each into a frame, and moves the lane on by
 * the receiver's cumulative ACKs. Several frames may be on the way; after every failure the publisher goes back to the
 * first number that is not acknowledged.
 *
 * Invariants: a message is sent only once its place in the lane is durable; a frame for which the broker had no subscriber
 * counts as not sent; all state here can be rebuilt from the journal. No command is sent before the receiver has said which
 * journal it has, else a later change of its journal could not be noticed: a frame without messages asks for that, and for
 * the first session with the receiver.
 */
export class Publisher implements Child {
  readonly ended: Promise<Exit>;
  readonly #parts: DeliverParts;
  readonly #way: DeliverWay;
  readonly #lane: OutLane;
  readonly #isEvent: boolean;
  readonly #expiry: Expiry;
  readonly #outgoing: Outgoing;
  readonly #standstill: LaneStandstill;
  /** Since when the broker has no subscriber for this lane, monotonic ms. */
  #unheardSince: number | undefined;
  /** Made for its first event: most lanes of a large fleet do their work without one. */
  #actor: Actor<typeof publisherMachine> | undefined;
  /** Why it pauses since its start. The actor, once it is made, hears of that first. */
  #pausedSinceStart: string | undefined;
  readonly #schedule = (): void => {
    if (this.#scheduled || this.#stopped) return;
    this.#scheduled = true;
    this.#parts.journal.atTurnEnd(this.#pump);
  };
  #end: (exit: Exit) => void = () => undefined;
  #inFlight: InFlight[] = [];
  /** Highest number handed to the broker since the last step back. */
  #cursor: number;
  #creditUpTo = Number.POSITIVE_INFINITY;
  readonly #ackWait: AckWait;
  readonly #gathering: FrameGathering;
  #scheduled = false;
  #lookTimer: Timer | undefined;
  /** Frames were begun since the last look at the work, and how many looks this work has had. */
  #worked = false;
  #looks = 0;
  /** Why the lane waits for another broker, as last told. */
  #held = "";
  /** True while a frame without messages is to be sent, to ask for an ACK. */
  #asks = false;
  /** True while the state of the actor allows sending. */
  #open = true;
  #stopped = false;
  /** When frames were last sealed again at once, monotonic ms. */
  #sealedAgainAt = Number.NEGATIVE_INFINITY;

  /** `parts` are shared by all publishers, of which there may be thousands. */
  constructor(parts: DeliverParts, way: DeliverWay, lane: OutLane) {
    this.#parts = parts;
    this.#way = way;
    this.#lane = lane;
    this.#cursor = lane.acked;
    this.#isEvent = kindOf(way.subject) === "event";
    const { clock } = parts;
    this.#gathering = new FrameGathering(clock, this.#schedule);
    this.#ackWait = new AckWait({ clock, link: way.link, onNone: () => this.#noAck() });
    this.#expiry = new Expiry(parts, lane, this);
    this.#outgoing = new Outgoing(parts, way.link, (record) => this.#expiry.left(record));
    this.#standstill = new LaneStandstill(clock);
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  #tell(event: PublisherEvent): void {
    if (this.#stopped) return;
    this.#actor ??= this.#startActor();
    const cause = this.#pausedSinceStart;
    this.#pausedSinceStart = undefined;
    if (cause !== undefined) this.#actor.send({ type: "pause", cause });
    this.#actor.send(event);
  }

  #startActor(): Actor<typeof publisherMachine> {
    const { clock, inspector, random } = this.#parts;
    const { subject, link } = this.#way;
    const open = (isOpen: boolean): void => {
      this.#open = isOpen;
      if (!isOpen) return;
      this.#schedule();
      this.#lookLater();
    };
    return startRoot(publisherMachine, {
      actor: subject,
      role: "publisher",
      clock,
      inspector,
      input: { backoff: { min: 500, max: Math.max(30_000, link.profile.ackTimeout), factor: 2 }, random, open },
    });
  }

  get state(): "idle" | "working" | "backingOff" | "paused" {
    if (this.#pausedSinceStart !== undefined) return "paused";
    const value = this.#actor?.getSnapshot().value ?? "idle";
    return value === "working" || value === "idle" ? (this.#drained ? "idle" : "working") : value;
  }

  get subject(): string {
    return this.#way.subject;
  }

  get inFlight(): number {
    return this.#inFlight.reduce((sum, frame) => sum + frame.last - frame.first + 1, 0);
  }

  /** New messages are on the lane; `deadline`: their earliest `deliverBy`, ms. */
  wake(deadline: number): void {
    this.#expiry.written(deadline);
    if (this.#open) this.#schedule();
  }

  /** Messages that were never sent have other numbers now. */
  moved(moved: readonly Moved[]): void {
    if (moved.length === 0) return;
    this.#expiry.moved(moved);
    this.#outgoing.moved(this.#lane.sent);
    if (this.#open) this.#schedule();
  }

  /** True: the next message to be sent goes before those of other lanes. */
  get isUrgent(): boolean {
    const { subject, urgent } = this.#way;
    const { journal } = this.#parts;
    const from = Math.max(this.#cursor, this.#lane.acked) + 1;
    if (urgent || from >= this.#lane.next) return urgent;
    const [next] = journal.outbox.take(subject, from, { count: 1, bytes: 1, sizeOf: () => 1 });
    return next?.message.urgent === true;
  }

  /** Asks the receiver, which has another journal, how much of the lane it has; also when no message waits. */
  ask(): void {
    this.#asks = true;
    this.wake(Number.POSITIVE_INFINITY);
  }

  pause(cause: string): void {
    this.#stepBack(this.#lane.acked);
    this.#standstill.moves();
    this.#unheardSince = undefined;
    this.#tell({ type: "pause", cause });
  }

  /** Begins paused: after a start most lanes of a large fleet wait for the broker, and need no actor for that. */
  startPaused(cause: string): void {
    this.#pausedSinceStart = cause;
    this.#open = false;
  }

  resume(cause: string): void {
    if (this.#actor !== undefined) this.#tell({ type: "resume", cause });
    else if (this.#pausedSinceStart !== undefined) {
      this.#pausedSinceStart = undefined;
      this.#open = true;
      this.#schedule();
      this.#lookLater();
    }
  }

  answered(ack: Ack): void {
    const { journal } = this.#parts;
    const { subject } = this.#way;
    // A rolled-back journal is about to be given a new epoch, and then sends its messages again.
    if (ack.epoch !== journal.epoch || journal.renewed) return;
    if (journal.outbox.isBehind(subject, ack)) {
      const node = receiverOf(subject);
      this.#parts.renewal.renew(`${node} has more of what this node sends than its journal knows of`);
      return;
    }
    this.#asks = false;
    const before = this.#lane.acked;
    const { received, decided } = journal.outbox.acknowledge(subject, ack, this.#parts.clock.now());
    this.#unheardSince = undefined;
    if (this.#lane.acked > before) {
      this.#standstill.moves();
      this.#outgoing.acknowledged(this.#lane.acked);
    }
    // The credit of an overtaken ACK is outdated.
    if (ack.last >= this.#lane.acked) this.#creditUpTo = ack.last + ack.credit;
    // The state of a kept event is final with its ACK, so it is told once durable.
    if (this.#isEvent && received.some(({ keep }) => keep)) this.#onceDurable(() => this.#received(received, ack));
    else if (received.length > 0) this.#received(received, ack);
    if (decided.length > 0) this.#onceDurable(() => this.#decided(decided));
    this.#settle(ack);
    if (this.#open) this.#schedule();
    else this.#tell({ type: "progress" });
  }

  #received(records: readonly OutRecord[], ack: Ack): void {
    const { journal, fleet, announce } = this.#parts;
    const { subject } = this.#way;
    const node = receiverOf(subject);
    fleet.work(node, journal.outbox.openCount(node));
    announce.received(node, records, ack.started);
  }

  #decided(records: readonly OutRecord[]): void {
    const { announce, failures, journal } = this.#parts;
    for (const { message } of announce.decided(records)) {
      const { id, subject, origin } = message;
      const reason = journal.deadLetters.get(id)?.reason;
      const why = reason === undefined ? "" : `: ${reason}`;
      const kept = `it is kept at ${origin}: type \`steward dead\` there`;
      failures.report("refused", `${receiverOf(subject)} refused a message on ${subject}${why}; ${kept}`);
    }
    this.#endedUnrun(records);
  }

  withdrawn(records: readonly OutRecord[]): void {
    this.#onceDurable(() => {
      this.#parts.announce.withdrawn(records);
      this.#endedUnrun(records);
    });
  }

  #endedUnrun(records: readonly OutRecord[]): void {
    for (const { message, outcome } of records)
      if (outcome !== undefined) this.#parts.repair.ended(message.id, outcome);
  }

  /** The receiver refuses the frame that begins at `first`. */
  refused(first: number, { node, reason, lasting }: FrameRefusal): void {
    const frame = this.#inFlight.find((each) => each.first === first);
    if (frame === undefined) return;
    if (lasting && first === this.#lane.acked + 1) this.#outgoing.refused(first, frame.last);
    this.#stepBack(this.#lane.acked);
    this.#blocked("noAck", `${node} does not take it: ${reason}`);
  }

  /**
   * The receiver cannot open the frame that begins at `first`. A frame of an earlier session than the present one is sealed
   * again at once; two machines that run as one node answer in turn, and are not followed without end.
   */
  sealAgain(first: number): void {
    const { envelope, clock } = this.#parts;
    const { subject } = this.#way;
    const frame = this.#inFlight.find((each) => each.first === first);
    const now = clock.monotonic();
    if (frame === undefined || frame.session === envelope.session(receiverOf(subject))) return;
    if (now - this.#sealedAgainAt < SEAL_AGAIN) return;
    this.#sealedAgainAt = now;
    this.again();
  }

  /** Sends frames on the way again: the receiver's daemon is another one than before, and they are lost. */
  again(): void {
    if (this.#drained) return;
    this.#stepBack(this.#lane.acked);
    if (this.#open) this.#schedule();
    else this.#tell({ type: "progress" });
  }

  /** Waits less for an ACK: the receiver is heard again after a silence. */
  heardAgain(): void {
    if (this.#ackWait.isArmed) this.#ackWait.shorten(() => this.again());
  }

  /** The broker had no subscriber for the frame that begins at `first`. */
  unheard(first: number): void {
    const frame = this.#inFlight.find((f) => f.first === first);
    if (frame === undefined) return;
    frame.unheard = true;
    // The subscriber may have come between two frames: each needs an answer of its own.
    if (this.#inFlight.some((other) => !other.unheard)) return;
    const [earliest = frame] = this.#inFlight;
    const { last } = this.#inFlight.at(-1) ?? frame;
    const { journal, fleet, clock } = this.#parts;
    const { subject } = this.#way;
    journal.outbox.unsent(subject, earliest.sentBefore);
    this.#stepBack(this.#lane.acked);
    // The first sending of a message that was sent twice may have been acknowledged since.
    const from = Math.max(earliest.first, this.#lane.acked + 1);
    this.#expiry.waitAgain(from, last);
    this.#unheardSince ??= clock.monotonic();
    const node = receiverOf(subject);
    if (fleet.isHeardSince(node, this.#unheardSince)) {
      this.#blocked("nodeAway", `${node} is online, but nobody takes ${subject} at the broker`);
      return;
    }
    fleet.absent(node);
    this.#tell({ type: "nodeAway", cause: `${node} is not there` });
  }

  /** Why, and since when, the lane does not move though its node is there. */
  get stuck(): Standstill | undefined {
    const { fleet } = this.#parts;
    const { subject } = this.#way;
    if (this.#lane.acked === this.#lane.next - 1) return undefined;
    return fleet.standing(receiverOf(subject)) ?? this.#standstill.view();
  }

  view(): LaneView {
    const { journal } = this.#parts;
    const { subject } = this.#way;
    const { count: waiting, bytes, oldest } = journal.outbox.waiting(subject);
    const reason = this.#pausedSinceStart ?? this.#actor?.getSnapshot().context.reason ?? "";
    const { stuck } = this;
    return {
      subject,
      waiting,
      bytes,
      inFlight: this.inFlight,
      oldestCreatedAt: oldest === undefined ? null : oldest.message.createdAt,
      // A message that was taken back may still be on its way as a skip marker.
      nextDeliverBy: waiting === 0 ? null : this.#expiry.next,
      ...(reason === "" ? {} : { reason }),
      ...(stuck === undefined ? {} : { stuck }),
    };
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#release();
    this.#end({ reason: "shutdown" });
  }

  #release(): void {
    this.#stopped = true;
    const { clock } = this.#parts;
    const { window } = this.#way;
    this.#ackWait.end();
    this.#expiry.stop();
    clock.clearTimeout(this.#lookTimer);
    this.#gathering.end();
    window.forget(this.#schedule);
    this.#stepBack(this.#lane.acked);
    this.#actor?.stop();
  }

  fail(error: unknown): void {
    if (this.#stopped) return;
    const failure = normalise(error);
    this.#release();
    this.#end({ reason: "failed", error: failure });
    if (failure.code === "journal-failed") this.#parts.core.fail(failure);
  }

  /** Sends frames while there are messages, room on the way and credit at the receiver. Runs once at the end of a turn. */
  readonly #pump = (): void => {
    this.#scheduled = false;
    if (this.#stopped || !this.#open) return;
    try {
      while (this.#sendNext());
    } catch (error) {
      this.fail(error);
    }
  };

  get #drained(): boolean {
    return this.#inFlight.length === 0 && this.#lane.acked === this.#lane.next - 1;
  }

  #look(): void {
    this.#lookTimer = undefined;
    if (!this.#open) return;
    const { value } = this.#actor?.getSnapshot() ?? {};
    if (this.#drained && !this.#worked) {
      this.#looks = 0;
      if (value === "working") this.#tell({ type: "drained" });
      return;
    }
    // Work that is soon done is no change of the actor.
    this.#looks++;
    if (this.#looks >= LASTING && (value ?? "idle") === "idle") this.#tell({ type: "work" });
    this.#worked = false;
    this.#lookLater();
  }

  #lookLater(): void {
    this.#lookTimer ??= this.#parts.clock.setTimeout(() => this.#look(), LINGER);
  }

  #sendNext(): boolean {
    const { journal, transport, clock, envelope } = this.#parts;
    const { subject, urgent, link, window, pace } = this.#way;
    const { profile } = link;
    const node = receiverOf(subject);
    if (!this.#drained && !envelope.knows(node)) {
      // A message without a packet that can carry it was not sent: it may still be withdrawn.
      const { message } = new StewardError("receiver-unknown", { node });
      // A node that was never heard may not have joined yet: its lane waits, and does not stand still.
      if (this.#parts.fleet.link(node) === "neverSeen") this.#tell({ type: "noCredit", cause: message });
      else if (this.#inFlight.length === 0) this.#blocked("noCredit", message);
      return false;
    }
    const from = Math.max(this.#cursor, this.#lane.acked) + 1;
    if (this.#inFlight.length >= profile.framesInFlight) return false;
    const isEmpty = from >= this.#lane.next;
    if (isEmpty && !this.#asks) return false;
    const isStrange = !journal.outbox.receivers.knows(subject) || envelope.session(receiverOf(subject)) === 0;
    if (isEmpty || isStrange) {
      if (this.#inFlight.length === 0) this.#begin(flightOf(this.#lane, from, from - 1, 0), [], false);
      return false;
    }
    if (this.#inFlight.length > 0 && this.#lane.next - from < this.#enoughToOverlap() && this.#gathering.waits())
      return false;
    if (from > this.#creditUpTo) {
      if (this.#inFlight.length > 0) return false;
      // The ACK that tells of new room may be lost: after a while one message asks for it.
      this.#creditUpTo = from;
      this.#blocked("noCredit", `${node} has no room`, true);
      return false;
    }
    const room = transport.maxPayload() - ENVELOPE;
    const limit = Math.min(pace.frame(profile.frameBytes, profile.windowBytes), room);
    const suspect = this.#outgoing.isSuspect(from);
    if (suspect && this.#inFlight.length > 0) return false;
    const most = suspect ? 1 : itemsOfFrame(this.#lane.next - from, profile.framesInFlight);
    const count = Math.min(most, this.#creditUpTo - from + 1);
    const sizes: number[] = [];
    const sizeOf = (record: OutRecord) => {
      const size = this.#outgoing.bytes(record);
      sizes.push(size);
      return size;
    };
    const records = ofOneUrgency(journal.outbox.take(subject, from, { count, bytes: limit, sizeOf }));
    const last = records.at(-1);
    if (last === undefined) return false;
    let bytes = 0;
    for (let i = 0; i < records.length; i++) bytes += sizes[i] ?? 0;
    if (bytes > room) {
      if (this.#outgoing.giveWay(last, transport.maxPayload())) return true;
      if (this.#inFlight.length === 0)
        this.#hold(`the broker takes ${room} bytes at once, the next message has ${bytes}`);
      return false;
    }
    if (!window.take(bytes, urgent || last.message.urgent === true, this.#schedule)) return false;

    const frame = flightOf(this.#lane, from, last.seq, bytes);
    const again = from <= this.#lane.sent;
    journal.outbox.sending(subject, records, clock.now());
    this.#cursor = last.seq;
    this.#gathering.sent();
    this.#begin(frame, records, again);
    return true;
  }

  #begin(frame: InFlight, records: readonly OutRecord[], again: boolean): void {
    this.#inFlight.push(frame);
    this.#worked = true;
    this.#lookLater();
    this.#parts.journal.onceFlushed(
      () => this.#publish(frame, records, again),
      (error) => this.fail(error),
    );
  }

  /** Holds a message that was accepted for a broker with a larger limit; each new connection is tried. */
  #hold(cause: string): void {
    const { failures } = this.#parts;
    const { subject } = this.#way;
    if (cause !== this.#held) failures.report("message-too-large", `${subject} waits for another broker: ${cause}`);
    this.#held = cause;
    this.#parts.transport.askLimits();
    this.#blocked("noCredit", cause);
  }

  #blocked(type: "noAck" | "nodeAway" | "noCredit", cause: string, busy = false): void {
    this.#standstill.stands(cause, busy);
    this.#tell({ type, cause });
  }

  #enoughToOverlap(): number {
    return Math.max(16, Math.ceil(this.inFlight / this.#inFlight.length));
  }

  #publish(frame: InFlight, records: readonly OutRecord[], again: boolean): void {
    if (this.#stopped || !this.#inFlight.includes(frame)) return;
    const { transport, clock, counters, envelope } = this.#parts;
    const { subject, window } = this.#way;
    const payload = this.#sealed(frame, records);
    if (payload === undefined || !transport.publish(subject, payload, `${transport.inbox}.${subject}.${frame.first}`)) {
      this.#parts.journal.outbox.unsent(subject, frame.sentBefore);
      this.#stepBack(this.#lane.acked);
      return;
    }
    frame.session = envelope.session(receiverOf(subject));
    this.#held = "";
    frame.publishedAt = clock.monotonic();
    frame.ahead = window.used;
    counters.sent(receiverOf(subject), payload.length);
    if (again) counters.resent += records.length;
    if (!this.#ackWait.isArmed) this.#ackWait.arm();
  }

  /** `undefined`: no keys of the receiver are known, so the lane waits. */
  #sealed(frame: InFlight, records: readonly OutRecord[]): Uint8Array | undefined {
    try {
      return this.#outgoing.seal(this.#lane, frame, records);
    } catch (error) {
      if (!(error instanceof StewardError) || error.code !== "receiver-unknown") throw error;
      this.#blocked("noAck", error.message);
      return undefined;
    }
  }

  /** A final state is told once it is durable: before, a crash could take it back. */
  #onceDurable(tell: () => void): void {
    this.#parts.journal.onceFlushed(tell, (error) => this.fail(error));
  }

  /** Drops the frames that an ACK covers, and goes back if the receiver took fewer messages than it got. */
  #settle(ack: Ack): void {
    const { clock, counters } = this.#parts;
    const { window, pace, link } = this.#way;
    let released = 0;
    const open: InFlight[] = [];
    for (const frame of this.#inFlight) {
      if (frame.last > ack.last) {
        open.push(frame);
        continue;
      }
      released += frame.bytes;
      if (frame.publishedAt === undefined) continue;
      const took = clock.monotonic() - frame.publishedAt;
      this.#ackWait.took(took);
      pace.acknowledged(frame.ahead, took, clock.monotonic(), link.profile.windowBytes);
      counters.ackSeconds.observe(took / 1000);
    }
    this.#inFlight = open;
    if (ack.upTo > ack.last && open.some((frame) => frame.last === ack.upTo)) {
      for (const frame of open) released += frame.bytes;
      this.#inFlight = [];
      this.#cursor = ack.last;
    }
    this.#cursor = Math.max(this.#cursor, this.#lane.acked);
    this.#ackWait.end();
    if (this.#inFlight.length > 0) this.#ackWait.arm();
    window.release(released);
  }

  #stepBack(to: number): void {
    const released = this.#inFlight.reduce((sum, frame) => sum + frame.bytes, 0);
    this.#inFlight = [];
    this.#cursor = to;
    this.#ackWait.end();
    this.#way.window.release(released);
  }

  #noAck(): void {
    const { subject, link } = this.#way;
    this.#stepBack(this.#lane.acked);
    this.#blocked("noAck", `no ACK from ${receiverOf(subject)} within ${link.profile.ackTimeout} ms`);
  }
}

/** The first records, as long as they are all urgent, or none is: urgent ones are not held to the window of the link. */
function ofOneUrgency(records: OutRecord[]): OutRecord[] {
  const urgent = records[0]?.message.urgent;
  const end = records.findIndex(({ message }) => message.urgent !== urgent);
  return end < 0 ? records : records.slice(0, end);
}
