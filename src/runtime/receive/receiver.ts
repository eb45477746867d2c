import type { FailingChild } from "../../actors/supervisor/spec.ts";
import type { Packet } from "../../broker/transport.ts";
import type { Place, Taken } from "../../journal/inbox.ts";
import type { DraftTaker } from "../../message/draft.ts";
import { normalise, StewardError } from "../../message/errors.ts";
import { parseSubject } from "../../message/subject.ts";
import type { Frame } from "../../message/wire/frame.ts";
import { isFrame } from "../../message/wire/packet.ts";
import { Queue } from "../../platform/queue.ts";
import type { Admission } from "../../security/admission.ts";
import { isIntroduction } from "../../security/trust/introduction.ts";
import type { Evidence } from "../fleet/evidence.ts";
import type { Fleet } from "../fleet/fleet.ts";
import type { JournalLosses } from "../resync/journal-losses.ts";
import { BegunBefore } from "../resync/may-have-run.ts";
import type { Renewal } from "../resync/restored.ts";
import type { Vouching } from "../resync/vouch-ask.ts";
import { Answer, type AnswerOptions } from "./answer.ts";
import { takeForeign } from "./foreign.ts";
import { HandOver, type HandOverOptions, type Refuser } from "./hand-over.ts";
import { type Arrival, Judge, type JudgeOptions } from "./judge.ts";
import { Strangers } from "./strangers.ts";
import { Transients, type TransientsOptions } from "./transients.ts";

/**
 * The way in, from top to bottom: open the envelope, admit, presence, place in the lane, judge new messages (permission,
 * deadline, room), journal, ACK, hand over. Refusals are counted by reason. No packet can make this class throw.
 */
export interface ReceiveOptions extends AnswerOptions, HandOverOptions, JudgeOptions, TransientsOptions {
  readonly admission: Pick<Admission, "insist">;
  readonly fleet: Pick<Fleet, "isKnown">;
  readonly links: Evidence;
  readonly submitter: DraftTaker;
  readonly losses: Pick<JournalLosses, "heard" | "missing">;
  readonly renewal: Pick<Renewal, "renew">;
  readonly vouching: Pick<Vouching, "life" | "isUnproved" | "add">;
  /** Absent where nothing is sealed. */
  readonly enrolment: { introduced(packet: Packet): void } | undefined;
  /** The core fails when the journal cannot be written: messages without an ACK are in memory only. */
  readonly core: FailingChild;
}

/** The most frames that wait while the disk refuses. */
const MOST_UNFLUSHED = 16;
/**
 * Messages taken in one turn of the event loop. A large frame has a turn for itself: its ACK is on the way to the sender
 * before the next frame is read.
 */
const A_TURN = 32;
/** How long the first sign of life of a node may wait for its turn, ms. */
const LONGEST_WAIT = 4_000;

export class Receiver implements Refuser {
  readonly #options: ReceiveOptions;
  readonly #before: BegunBefore;
  readonly #judge: Judge;
  readonly #answer: Answer;
  readonly #handOver: HandOver;
  readonly #transients: Transients;
  readonly #strangers = new Strangers();
  /** Packets that wait for the next turn, and the number of messages that this turn may still take. */
  readonly #backlog = new Queue<Packet>();
  #left = A_TURN;
  /** Frames whose messages are taken and not durable yet. */
  #unflushed = 0;
  /** The changes that are durable and not told yet. */
  #toTell: (readonly (() => void)[])[] = [];

  constructor(options: ReceiveOptions) {
    this.#options = options;
    this.#before = new BegunBefore(options);
    this.#judge = new Judge(options, this.#before);
    this.#answer = new Answer(options);
    this.#handOver = new HandOver(options, this);
    this.#transients = new Transients(options);
  }

  /** Packets are read in order; those beyond `A_TURN` wait for the next turn, so that ACKs go out in between. */
  receive(packet: Packet): void {
    if (this.#left > 0 && this.#backlog.isEmpty) this.#receive(packet);
    else this.#backlog.push(packet);
  }

  stop(): void {
    this.#backlog.clear();
    this.#strangers.end();
  }

  #spend(messages: number): void {
    if (this.#left === A_TURN) setImmediate(this.#nextTurn);
    this.#left -= messages;
  }

  readonly #nextTurn = (): void => {
    this.#left = A_TURN;
    while (this.#left > 0) {
      const next = this.#backlog.shift();
      if (next === undefined) return;
      this.#receive(next);
    }
  };

  #receive(packet: Packet): void {
    let proved: string | undefined;
    try {
      const { subject, payload } = packet;
      if (!isFrame(payload)) {
        takeForeign(packet, this.#options).catch((error) => this.#failed(error, packet, undefined));
        return;
      }
      if (isIntroduction(payload)) {
        this.#options.enrolment?.introduced(packet);
        return;
      }
      const frame = this.#open(subject, payload);
      proved = frame.origin;
      if (frame.first > 0 || this.#options.fleet.isKnown(frame.origin)) this.#take(packet, frame);
      else this.#takeLater(packet, frame);
    } catch (error) {
      this.#failed(error, packet, proved);
    }
  }

  /** The first sign of life of a node that is not known waits for its turn. */
  #takeLater(packet: Packet, frame: Frame): void {
    const { clock, counters } = this.#options;
    const { origin } = frame;
    const defer = (): void => counters.refuse("stranger-deferred", { subject: packet.subject, origin });
    const cameAt = clock.monotonic();
    const admit = (): boolean => {
      // The clock of a node that waited here would look slow by the time that it waited.
      const isLate = clock.monotonic() - cameAt > LONGEST_WAIT;
      if (isLate) defer();
      else {
        try {
          this.#take(packet, frame);
        } catch (error) {
          this.#failed(error, packet, origin);
        }
      }
      return !isLate;
    };
    if (!this.#strangers.add(admit)) defer();
  }

  #open(subject: string, payload: Uint8Array): Frame {
    const opened = this.#options.envelope.open(subject, payload);
    if (opened.kind === "frame") return opened.frame;
    throw new StewardError("frame-malformed", { subject, fault: `it is no frame, it is of kind ${opened.kind}` });
  }

  /** `proved`: the node that is proved to have sent the packet, once it was opened. */
  #failed(error: unknown, packet: Packet, proved: string | undefined): void {
    const refused = normalise(error);
    this.refused(refused, packet.subject);
    this.#answer.refuse(refused, packet, proved);
  }

  /** @throws StewardError why the packet is refused */
  #take(packet: Packet, frame: Frame): void {
    const { admission, links, journal, clock, vouching, renewal } = this.#options;
    const { subject, payload } = packet;
    admission.insist(frame, subject);
    const underWay = links.alive(frame.origin, payload.length, frame, "a frame");
    if (frame.first === 0) {
      // A hello or a bye of old says nothing of its node as it is now.
      if (links.isOutdated(frame.origin, frame, underWay)) {
        this.#options.counters.refuse("frame-outdated", { subject, origin: frame.origin });
        return;
      }
      this.#spend(1);
      this.#transients.handle(subject, frame).then(
        () => this.#answer.heard(packet, frame),
        (error) => this.#failed(error, packet, frame.origin),
      );
      return;
    }
    // Frames wait in memory for the disk. Without an ACK their senders repeat them, so those beyond the bound are dropped.
    if (journal.fault !== undefined && this.#unflushed >= MOST_UNFLUSHED) {
      this.#options.counters.refuse("journal-failed", { subject, origin: frame.origin });
      return;
    }

    const takenAt = clock.monotonic();
    const arrival: Arrival = { frame, subject, at: clock.now(), underWay, told: [], hasRoom: undefined };
    this.#before.note(frame, subject);
    // The renewal comes before `place` and `take`: it doubts the commands in the inbox, not those of this frame.
    if (journal.inbox.isBehind(frame, subject, journal.epoch))
      renewal.renew(`${frame.origin} holds its ACK for messages that it does not know`);
    const place = journal.inbox.place(frame, subject);
    const decisions = place.kind === "new" ? this.#judge.all(arrival, place) : [];
    const accepted = journal.inbox.take(place, decisions, arrival.at);
    this.#count(place, accepted);
    const route = this.#options.routes.get(subject);
    const inHand = route?.inHand.begin(accepted.taken) ?? [];
    vouching.add(accepted.taken.filter(({ seq }) => this.#before.isUnproved(frame, subject, seq)));
    // An idempotent command may begin before it is durable: its outcome then shares the commit of its acceptance.
    const early = route?.method.command?.idempotent === true && !journal.renewed;
    if (early) this.#handOver.add(subject, inHand, takenAt, true);
    // The turn is ended after `take`, so that the next one begins when this frame is on disk.
    this.#spend(frame.items.length);
    this.#unflushed++;
    journal.onceFlushed(
      () => {
        this.#unflushed--;
        try {
          this.#answer.acknowledge(packet, place, accepted);
          // The ACK goes out before the commands begin.
          if (!early && !journal.renewed) this.#handOver.add(subject, inHand, takenAt);
          this.#tellSoon(arrival.told);
        } catch (error) {
          this.#failed(error, packet, frame.origin);
        }
      },
      (error) => {
        this.#unflushed--;
        this.#failed(error, packet, frame.origin);
      },
    );
  }

  /** Tells of what is durable now, once the ACKs of this turn are on their way. */
  #tellSoon(told: readonly (() => void)[]): void {
    if (told.length === 0) return;
    if (this.#toTell.length === 0) {
      setImmediate(() => {
        const all = this.#toTell;
        this.#toTell = [];
        for (const some of all) for (const tell of some) tell();
      });
    }
    this.#toTell.push(told);
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

  refused(cause: unknown, subject: string): void {
    const { counters, log } = this.#options;
    const error = normalise(cause);
    if (error.code === "journal-failed") this.#options.core.fail(error);
    if (error.code === "internal") log.error({ err: error, subject }, "a packet could not be received");
    counters.refuse(error.code, { subject, fault: error.message });
  }
}
