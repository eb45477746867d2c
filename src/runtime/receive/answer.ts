import type { Packet, Transport } from "../../broker/transport.ts";
import type { Place, Taken } from "../../journal/inbox.ts";
import type { Journal } from "../../journal/journal.ts";
import type { Clock } from "../../message/clock.ts";
import { StewardError } from "../../message/errors.ts";
import type { Envelope } from "../../message/wire/envelope.ts";
import type { Ack, Frame } from "../../message/wire/frame.ts";
import { isFrame } from "../../message/wire/packet.ts";
import type { Vouching } from "../resync/vouch-ask.ts";
import type { Route } from "./route.ts";
import type { Routes } from "./routes.ts";

export interface AnswerOptions {
  readonly node: string;
  readonly journal: Journal;
  readonly transport: Transport;
  readonly envelope: Envelope;
  readonly routes: Routes;
  readonly clock: Clock;
  readonly vouching: Pick<Vouching, "life">;
}

/** Refusals that say nothing to an honest sender: its packet was taken before, or the fault is this node's. */
const UNANSWERED: ReadonlySet<string> = new Set(["internal", "replayed"]);
/** Credit of reports, which are always taken: room is kept for them. */
const UNBOUNDED = 1_000_000;
/** The most verdicts of one ACK that a reader takes; `FEW_VERDICTS` fit where the broker's limit is small. */
const MOST_VERDICTS = 1024;
const FEW_VERDICTS = 16;

/** Answers frames: with the highest number of the lane and the credit of this node, or with the reason of a refusal. */
export class Answer {
  readonly #options: AnswerOptions;

  constructor(options: AnswerOptions) {
    this.#options = options;
  }

  /** Sends the ACK of a frame whose messages are durable. */
  acknowledge(packet: Packet, { kind, frame }: Place, { last, taken, verdicts }: Taken): void {
    if (packet.reply === undefined) return;
    const upTo = frame.first + frame.items.length - 1;
    // Commands of a lane start in order, so the last that has started stands for all before it.
    const started = taken.findLast((record) => record.state === "running")?.seq ?? 0;
    const wentBack = kind === "wentBack" ? true : undefined;
    this.#ack(packet.subject, frame, packet.reply, { last, started, upTo, verdicts, wentBack });
  }

  #ack(
    subject: string,
    frame: Frame,
    reply: string,
    answer: Pick<Ack, "last" | "started" | "upTo" | "verdicts" | "wentBack">,
  ): void {
    const { node, journal, routes, transport, clock, vouching, envelope } = this.#options;
    const route = routes.get(subject);
    const credit = route === undefined ? UNBOUNDED : routes.credit(route);
    // The lane waits for room even if all messages of the frame were taken: its sender may hold more.
    if (route !== undefined && credit === 0) this.#awaitRoom(route, frame, reply, answer.upTo);
    const { last, started, upTo, verdicts, wentBack } = answer;
    const ack: Ack = {
      node,
      receiverEpoch: journal.epoch,
      epoch: frame.epoch,
      sentAt: clock.now(),
      last,
      started,
      upTo,
      credit,
      verdicts,
      receiverLife: vouching.life,
      uptime: clock.monotonic(),
      concurrency: route?.config.kind === "command" ? route.config.concurrency : undefined,
      wentBack,
    };
    const most = transport.maxPayload();
    this.#publish(reply, () => fittingAck(envelope, frame.origin, subject, ack, most));
  }

  #awaitRoom(route: Route, frame: Frame, reply: string, upTo: number): void {
    // The waiting entry keeps no messages: many lanes may wait, and a frame has megabytes.
    const head = { ...frame, items: [] };
    route.awaitRoom(`${frame.origin} ${frame.epoch}`, {
      roomAgain: () => this.#roomAgain(route.subject, head, reply, upTo),
    });
  }

  /** Acknowledges presence, so that its sender knows that it was heard. */
  heard({ subject, reply }: Packet, frame: Frame): void {
    if (reply !== undefined) this.#ack(subject, frame, reply, { last: 0, started: 0, upTo: 0, verdicts: [] });
  }

  /**
   * The sender of a frame that is not taken must know why: else its lane stands still in silence. `from`: the sender, if it
   * is proved.
   */
  refuse(error: StewardError, { subject, payload, reply }: Packet, from: string | undefined): void {
    if (reply === undefined || UNANSWERED.has(error.code) || !isFrame(payload)) return;
    const { node, journal, clock, envelope } = this.#options;
    const own = { node, receiverEpoch: journal.epoch, sentAt: clock.now() };
    this.#publish(reply, () => envelope.sealRefusal(from, subject, error, own));
  }

  /** A node whose keys are no longer accepted gets no answer. */
  #publish(reply: string, seal: () => Uint8Array): void {
    const { transport } = this.#options;
    try {
      const bytes = seal();
      if (bytes.length <= transport.maxPayload()) transport.publish(reply, bytes);
    } catch (error) {
      if (!(error instanceof StewardError) || error.code !== "receiver-unknown") throw error;
    }
  }

  /** Sends credit to a lane whose sender was told to wait. */
  #roomAgain(subject: string, frame: Frame, reply: string, upTo: number): void {
    const lane = this.#options.journal.inbox.lane(frame.origin, frame.epoch, subject);
    const last = lane?.last ?? 0;
    this.#ack(subject, frame, reply, { last, started: 0, upTo: Math.max(upTo, last), verdicts: lane?.verdicts ?? [] });
  }
}

/**
 * Seals an ACK within the broker's limit; without an ACK the frame would come again and again. Reasons are cut first, then
 * the later verdicts: the ACK ends before the first verdict that has no room, and the messages from there on come again.
 */
function fittingAck(
  envelope: Pick<Envelope, "sealAck">,
  to: string,
  subject: string,
  ack: Ack,
  maxPayload: number,
): Uint8Array {
  const payload = envelope.sealAck(to, subject, withVerdicts(ack, MOST_VERDICTS));
  if (payload.length <= maxPayload) return payload;
  const bare = envelope.sealAck(to, subject, withVerdicts(ack, MOST_VERDICTS), 0);
  return bare.length <= maxPayload ? bare : envelope.sealAck(to, subject, withVerdicts(ack, FEW_VERDICTS), 0);
}

function withVerdicts(ack: Ack, most: number): Ack {
  const next = ack.verdicts[most];
  if (next === undefined) return ack;
  const last = next.seq - 1;
  return { ...ack, last, started: Math.min(ack.started, last), verdicts: ack.verdicts.slice(0, most) };
}
