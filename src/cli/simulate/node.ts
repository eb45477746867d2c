import { transientFrame } from "../../broker/transient.ts";
import type { Packet, Transport } from "../../broker/transport.ts";
import type { Clock } from "../../message/clock.ts";
import type { NewId } from "../../message/id.ts";
import { type Json, replySubject } from "../../message/message.ts";
import { CONTROL_DOMAIN, parseSubject } from "../../message/subject.ts";
import type { Envelope } from "../../message/wire/envelope.ts";
import {
  type Ack,
  encodeItem,
  type Frame,
  type FrameItem,
  type Verdict,
  type WholeItem,
} from "../../message/wire/frame.ts";
import { isFrame } from "../../message/wire/packet.ts";
import type { Hello } from "../../methods/hello.ts";

/**
 * A node of which everything is real but its disk and its programs: it says hello, acknowledges what comes in order, answers each
 * command with `succeeded`, and sends an answer again until it is acknowledged. A duplicate is acknowledged and not answered.
 */
export interface SimulatedNodeOptions {
  readonly node: string;
  readonly central: string;
  readonly version: string;
  readonly transport: Transport;
  readonly envelope: Envelope;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly epoch: string;
  readonly life: string;
  readonly startedAt: number;
  /** Interval between hellos, ms. */
  readonly every: number;
  /** A prefix of subjects on which replies come to this node alone. */
  readonly inbox: string;
}

/** Answers that the origin has not acknowledged, on one subject. */
interface Owed {
  next: number;
  acked: number;
  items: WholeItem[];
}

const METHODS = ["echo", "shellcommand"];
/** How many more messages of a lane it always takes. */
const CREDIT = 10_000;

export class SimulatedNode {
  readonly #options: SimulatedNodeOptions;
  /** The highest number taken of each lane, by epoch of its origin and subject. */
  readonly #taken = new Map<string, number>();
  readonly #owed = new Map<string, Owed>();
  /** Central has answered a hello. */
  heard = false;
  commands = 0;

  constructor(options: SimulatedNodeOptions) {
    this.#options = options;
  }

  /** Says hello, and sends again what nobody has acknowledged. */
  hello(): void {
    const { central, version, epoch, life, startedAt, every, clock, transport, inbox } = this.#options;
    const subject = `${central}.event.hello.${CONTROL_DOMAIN}`;
    const now = clock.now();
    const hello: Hello = { version, epoch, life, startedAt, now, storage: "ok", methods: METHODS, every };
    transport.publish(
      subject,
      transientFrame(subject, this.#options, hello as unknown as Json),
      `${inbox}.${subject}.0`,
    );
    for (const [owed, { items }] of this.#owed) if (items.length > 0) this.#send(owed);
  }

  /** @throws StewardError when it cannot be read */
  packet({ subject, payload, reply }: Packet): void {
    if (!isFrame(payload)) return;
    const opened = this.#options.envelope.open(subject, payload);
    if (opened.kind !== "frame" || opened.frame.first === 0) return;
    const { frame } = opened;
    const lane = `${frame.epoch} ${subject}`;
    const before = this.#taken.get(lane) ?? frame.acked;
    const upTo = frame.first + frame.items.length - 1;
    const isGap = frame.first > before + 1;
    const last = isGap ? before : Math.max(before, upTo);
    this.#taken.set(lane, last);
    const fresh = isGap ? [] : frame.items.slice(before + 1 - frame.first);
    const verdicts = fresh.flatMap((item, i) => this.#verdict(item, before + 1 + i, subject));
    if (reply !== undefined) this.#acknowledge(subject, frame, reply, { last, upTo, verdicts });
    const refused = new Set(verdicts.map(({ seq }) => seq));
    const answered = fresh.filter((item, i): item is WholeItem => !refused.has(before + 1 + i) && "data" in item);
    const { kind } = parseSubject(subject);
    if (answered.length > 0 && kind === "command") this.#answer(subject, frame.origin, answered);
  }

  /** An ACK for its hello or for its answers. */
  answered(subject: string, payload: Uint8Array): void {
    const opened = this.#options.envelope.open(subject, payload);
    if (opened.kind !== "ack") return;
    const { ack } = opened;
    const owed = this.#owed.get(subject);
    if (owed === undefined) {
      this.heard = true;
      return;
    }
    owed.items.splice(0, Math.max(0, ack.last - owed.acked));
    owed.acked = Math.max(owed.acked, ack.last);
  }

  #verdict(item: FrameItem, seq: number, subject: string): Verdict[] {
    if ("skip" in item) return [{ seq, state: item.skip, reason: "it ended at its origin" }];
    if ("unreadable" in item) return [{ seq, state: "rejected", reason: item.unreadable }];
    const { kind, method } = parseSubject(subject);
    if (kind === "event" || METHODS.includes(method)) return [];
    return [{ seq, state: "rejected", reason: `a simulated node does not know ${method}` }];
  }

  #acknowledge(subject: string, frame: Frame, reply: string, told: Pick<Ack, "last" | "upTo" | "verdicts">): void {
    const { node, epoch, life, clock, transport, envelope } = this.#options;
    const own = { node, receiverEpoch: epoch, receiverLife: life, epoch: frame.epoch, credit: CREDIT };
    const time = { sentAt: clock.now(), uptime: clock.monotonic() };
    transport.publish(reply, envelope.sealAck(frame.origin, subject, { ...own, ...time, started: told.last, ...told }));
  }

  #answer(subject: string, origin: string, items: readonly WholeItem[]): void {
    const { newId, clock } = this.#options;
    const parsed = parseSubject(subject);
    const answers = replySubject(parsed, origin);
    const owed = this.#owed.get(answers) ?? { next: 1, acked: 0, items: [] };
    this.#owed.set(answers, owed);
    const at = clock.now();
    for (const { id, data } of items) {
      const result = parsed.method === "echo" ? { result: data } : { code: 0 };
      const report = { state: "succeeded", at, startedAt: at, ...result };
      owed.items.push({ id: newId(), createdAt: at, deliverBy: null, timeout: null, data: report, inReplyTo: id });
      owed.next++;
      this.commands++;
    }
    this.#send(answers);
  }

  #send(subject: string): void {
    const owed = this.#owed.get(subject);
    if (owed === undefined) return;
    const { node, epoch, life, clock, transport, inbox, envelope } = this.#options;
    const { acked, items } = owed;
    const time = { sentAt: clock.now(), life, uptime: clock.monotonic() };
    const head = { origin: node, epoch, ...time, first: acked + 1, acked, sentBefore: owed.next - 1 };
    const packet = envelope.seal(subject, head, items.map(encodeItem), null);
    transport.publish(subject, packet, `${inbox}.${subject}.${head.first}`);
  }
}
