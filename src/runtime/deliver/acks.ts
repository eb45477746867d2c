import type { Answers } from "../../broker/acks.ts";
import type { Packet } from "../../broker/transport.ts";
import { StewardError } from "../../message/errors.ts";
import { receiverOf } from "../../message/subject.ts";
import type { Envelope } from "../../message/wire/envelope.ts";
import type { Ack } from "../../message/wire/frame.ts";
import type { FrameRefusal } from "../../message/wire/frame-refusal.ts";
import type { Counters } from "../../observe/metrics/counters.ts";
import type { FactTeller } from "../fleet/facts/fact-teller.ts";
import type { Fleet } from "../fleet/fleet.ts";
import type { Presence } from "../fleet/presence.ts";
import type { Repair } from "../resync/compare-ask.ts";
import type { Vouching } from "../resync/vouch-ask.ts";
import type { Publishers } from "./publishers.ts";

/** Hears of the nodes that answer, before anything else follows from an answer: `daemon/links.ts`. */
export interface AnswerWatcher {
  acknowledged(ack: Ack, bytes: number): void;
  refused(node: string): void;
}

export interface AcksOptions {
  readonly envelope: Pick<Envelope, "open">;
  readonly counters: Pick<Counters, "refuse">;
  readonly fleet: Pick<Fleet, "isKnown" | "isDoubled" | "isOther">;
  readonly links: AnswerWatcher;
  readonly presence: Pick<Presence, "subject" | "answered" | "sealAgain">;
  readonly factTeller: Pick<FactTeller, "subject" | "greeted" | "acknowledged">;
  readonly publishers: Pick<Publishers, "answered" | "refused" | "sealAgain" | "unheard">;
  readonly repair: Pick<Repair, "doubt">;
  readonly vouching: Pick<Vouching, "sealAgain">;
}

/** The way of an answer: from the packet to the publisher of its lane, or to `Presence` for a hello. */
export class Acks implements Answers {
  readonly #options: AcksOptions;

  constructor(options: AcksOptions) {
    this.#options = options;
  }

  answered(subject: string, first: number, { payload }: Packet): void {
    const opened = this.#options.envelope.open(subject, payload);
    if (opened.kind === "ack") this.#acknowledged(subject, first, opened.ack, payload.length);
    else if (opened.kind === "refusal") this.#refused(subject, first, opened.refusal);
    else if (opened.kind === "hint") this.#hinted(subject, opened.refusal);
    else throw new StewardError("frame-malformed", { subject, fault: "it is a frame, and came as an answer" });
  }

  #acknowledged(subject: string, first: number, ack: Ack, bytes: number): void {
    const { counters, factTeller, fleet, links, presence, publishers, repair } = this.#options;
    const { node, receiverEpoch } = ack;
    // Only the receiver of a lane can answer on it, and an ACK makes no node known.
    if (node !== receiverOf(subject) || !fleet.isKnown(node)) {
      counters.refuse("ack-misplaced", { subject, node });
      return;
    }
    links.acknowledged(ack, bytes);
    if (subject === presence.subject) {
      // Two hosts with one name answer in turn, and would be greeted without end.
      if (!fleet.isDoubled(node)) {
        presence.answered(ack);
        factTeller.greeted(ack);
      }
    } else if (subject === factTeller.subject) factTeller.acknowledged(first, ack);
    else publishers.answered(subject, ack);
    if (fleet.isOther(node, receiverEpoch)) repair.doubt(node);
  }

  /** A refusal is a sign of life too, and says why the lane does not move. */
  #refused(subject: string, first: number, refusal: FrameRefusal): void {
    const { fleet, links, publishers } = this.#options;
    const { node } = refusal;
    if (node !== receiverOf(subject)) return;
    if (refusal.code === "session-unknown") this.#sealAgain(subject, first);
    else if (fleet.isKnown(node)) {
      links.refused(node);
      publishers.refused(subject, first, refusal);
    }
  }

  /** Sends again at once what was sealed for another life of its receiver's daemon. */
  #sealAgain(subject: string, first: number): void {
    const { presence, vouching, publishers } = this.#options;
    // Facts go out again after the next hello.
    if (first > 0) publishers.sealAgain(subject, first);
    else {
      presence.sealAgain(subject);
      vouching.sealAgain(subject);
    }
  }

  /** Anybody may have written it: the operator reads it in the log. */
  #hinted(subject: string, { node, reason }: FrameRefusal): void {
    this.#options.counters.refuse("unproved-refusal", { subject, fault: `${node} is said to answer: ${reason}` });
  }

  unheard(subject: string, first: number): void {
    if (first > 0) this.#options.publishers.unheard(subject, first);
  }

  unreadable(error: StewardError): void {
    this.#options.counters.refuse(error.code, { fault: error.message });
  }
}
