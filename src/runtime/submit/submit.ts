import type { Transport } from "../../broker/transport.ts";
import type { Config } from "../../config/config.ts";
import type { Journal } from "../../journal/journal.ts";
import type { OutRecord } from "../../journal/records.ts";
import type { Clock } from "../../message/clock.ts";
import type { Draft, DraftTaker, SubmitTerms } from "../../message/draft.ts";
import { faultText, StewardError } from "../../message/errors.ts";
import { idTime, isId, type NewId } from "../../message/id.ts";
import type { Json, Message } from "../../message/message.ts";
import { nodeNameFault } from "../../message/node-name.ts";
import { parseSubject, receiverOf } from "../../message/subject.ts";
import { surrogateFaultIn } from "../../message/text/text.ts";
import { formatDuration } from "../../message/text/units.ts";
import { dataFault, FRAME_LIMITS, LONGEST_TIMEOUT, LONGEST_WAIT } from "../../message/wire/bounds.ts";
import { encodeWhole, messageFault } from "../../message/wire/frame.ts";
import type { MethodFacts } from "../../methods/define.ts";
import type { Announcer } from "../../observe/announce.ts";
import type { Publishers } from "../deliver/publishers.ts";
import type { Fleet } from "../fleet/fleet.ts";
import type { Storage } from "../upkeep/storage.ts";
import { Overtaking } from "./overtaking.ts";
import { NO_ROOM_FOR_REPLIES, replyFault } from "./reply-fault.ts";

export interface SubmitOptions {
  readonly config: () => Config;
  readonly journal: Journal;
  readonly methods: ReadonlyMap<string, MethodFacts>;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly transport: Pick<Transport, "maxPayload">;
  readonly storage: Pick<Storage, "refusal">;
  readonly fleet: Pick<Fleet, "isKnown" | "expect">;
  readonly publishers: Pick<Publishers, "wake" | "moved">;
  readonly announce: Pick<Announcer, "queued">;
  readonly replies: Replies;
}

/** The replies to messages: their outcomes go to destinations. */
export interface Replies {
  hasRoomFor(replies: number): boolean;
  /** Notes it; durable with the journal. */
  expect(message: string, to: readonly string[]): void;
}

/** Bytes that a frame needs beside the message itself. */
export const ENVELOPE = 1024;
/** Bytes of the largest message that a receiver reads. */
const MOST_BYTES = FRAME_LIMITS.bodyBytes - ENVELOPE;
/** A chosen id must have been made within so many ms. */
const NEW_ID = 600_000;
/** Lanes whose publishers are woken in one turn. */
const A_TURN = 256;
/** Bytes of the largest message of this node's own sources, which divide their events themselves: see `OwnEvents`. */
const OWN_BYTES = 512 * 1024;

/** The way of a draft into the journal: checked, stamped, queued. Once durable, the message ends in exactly one state. */
export class Submitter implements DraftTaker {
  readonly #options: SubmitOptions;
  readonly #overtaking: Overtaking;

  constructor(options: SubmitOptions) {
    this.#options = options;
    this.#overtaking = new Overtaking(options);
  }

  /** Moves messages that wait for a node ahead of all others. @throws StewardError `queue-order`, `message-unknown` */
  first(node: string, ids: readonly string[]): void {
    this.#overtaking.first(node, ids);
  }

  /**
   * Queues all drafts in order, or none. The messages are durable with the journal's next flush.
   *
   * @throws StewardError why a draft is refused
   */
  submit(drafts: readonly Draft[], terms: SubmitTerms = {}): OutRecord[] {
    const { keep = true, key, own = false, foreign = false, owed = false } = terms;
    const { journal } = this.#options;
    const data = new SameData();
    insistOwnIds(drafts);
    const messages = drafts.map((draft) => {
      const message = this.#stamp(draft, data);
      return foreign ? { ...message, foreign } : message;
    });
    const texts = messages.map((message) => this.#encoded(message, own, data));
    for (const message of messages) this.#check(message, data);
    this.#checkReplies(drafts);
    if (!owed) this.#insistRoom();
    const records = this.#enqueue(messages, texts, keep);
    this.#expectReplies(drafts, messages);
    if (key !== undefined)
      journal.setTaken(
        key,
        messages.map(({ id }) => id),
      );
    return records;
  }

  #checkReplies(drafts: readonly Draft[]): void {
    const { config, replies } = this.#options;
    let count = 0;
    for (const { subject: where, reply = [] } of drafts) {
      if (reply.length === 0) continue;
      count += reply.length;
      const fault = replyFault(reply, config());
      if (fault !== undefined) throw new StewardError("message-invalid", { where, fault: `reply: ${fault}` });
      if (parseSubject(where).kind === "event")
        throw new StewardError("message-invalid", { where, fault: "reply: only a command has an outcome" });
    }
    if (count === 0 || replies.hasRoomFor(count)) return;
    throw new StewardError("message-invalid", { where: "list", fault: `reply: ${NO_ROOM_FOR_REPLIES}` });
  }

  #expectReplies(drafts: readonly Draft[], messages: readonly Message[]): void {
    drafts.forEach(({ reply = [] }, i) => {
      const id = messages[i]?.id;
      if (reply.length > 0 && id !== undefined) this.#options.replies.expect(id, reply);
    });
  }

  /** Messages that are held before they get a place in a lane, checked like those of `submit`. @throws StewardError why a draft is refused */
  stamp(drafts: readonly Draft[]): Message[] {
    const data = new SameData();
    insistOwnIds(drafts);
    const messages = drafts.map((draft) => this.#stamp(draft, data));
    for (const message of messages) {
      this.#encoded(message, false, data);
      this.#check(message, data);
    }
    this.#checkReplies(drafts);
    this.#insistRoom();
    this.#expectReplies(drafts, messages);
    return messages;
  }

  /** Gives messages that were held their places in the lanes. @throws StewardError `storage-full`, … */
  enter(messages: readonly Message[]): OutRecord[] {
    this.#insistRoom();
    const data = new SameData();
    const texts = messages.map((message) => encodeWhole(message, data.text(message.data)));
    return this.#enqueue(messages, texts, true);
  }

  #insistRoom(): void {
    const noRoom = this.#options.storage.refusal();
    if (noRoom !== undefined) throw noRoom;
  }

  #enqueue(messages: readonly Message[], texts: readonly string[], keep: boolean): OutRecord[] {
    const { journal, fleet, announce } = this.#options;
    const records = journal.outbox.enqueue(messages, keep, texts);
    // Operators see a node that is written to, also before it was ever heard.
    for (const { subject } of messages) fleet.expect(receiverOf(subject));
    announce.queued(records);
    this.#wake(messages);
    this.#overtaking.written(messages);
    return records;
  }

  /** Wakes the publishers of queued messages; of many, some in each turn, so that frames, ACKs and other work go on in between. */
  #wake(messages: readonly Message[]): void {
    const { publishers } = this.#options;
    for (const { subject, deliverBy } of messages.slice(0, A_TURN))
      publishers.wake(subject, deliverBy ?? Number.POSITIVE_INFINITY);
    if (messages.length > A_TURN) setImmediate(() => this.#wake(messages.slice(A_TURN)));
  }

  /** Checks the data where this node knows the method too; an unknown method may be the receiver's own. */
  #check(message: Message, data: SameData): void {
    const { method, kind } = parseSubject(message.subject);
    if (data.isCheckedFor(message.data, `${kind}.${method}`)) return;
    try {
      this.#options.methods.get(method)?.[kind]?.check(message.data);
    } catch (error) {
      throw new StewardError("data-invalid", { method, fault: faultText(error) }, { cause: error });
    }
  }

  #stamp(draft: Draft, data: SameData): Message {
    const { config, clock, newId, fleet } = this.#options;
    const { node, defaults } = config();
    const subject = parseSubject(draft.subject);
    const nameFault = nodeNameFault(subject.node);
    if (nameFault !== undefined)
      throw new StewardError("subject-invalid", { subject: draft.subject, fault: `node: ${nameFault}` });
    if (draft.knownNodesOnly === true && !fleet.isKnown(subject.node))
      throw new StewardError("node-unknown", { node: subject.node });
    if (draft.data === undefined)
      throw new StewardError("message-invalid", { where: draft.subject, fault: "data is missing" });
    const now = clock.now();
    const wait = draft.deliverBy === undefined ? defaults.deliverBy : draft.deliverBy;
    const message: Message = {
      id: draft.id ?? newId(),
      subject: draft.subject,
      origin: node,
      createdAt: now,
      deliverBy: wait === null ? null : now + wait,
      // The receiver's default is for messages without a timeout, as plain publishers send them.
      timeout: draft.timeout ?? (subject.kind === "command" ? defaults.timeout : null),
      data: draft.data,
      ...(draft.operator === undefined ? {} : { operator: draft.operator }),
      ...(draft.urgent === true ? { urgent: true } : {}),
    };
    if (draft.id !== undefined) this.#insistNew(draft.id, draft.subject);
    const fault =
      lengthFault("deliverBy", wait, 0, LONGEST_WAIT) ??
      lengthFault("timeout", message.timeout, 1, LONGEST_TIMEOUT) ??
      data.fault(draft.data) ??
      messageFault(message);
    if (fault !== undefined) throw new StewardError("message-invalid", { where: draft.subject, fault });
    return message;
  }

  /** @throws StewardError for a chosen id that another message has, or that was not made now */
  #insistNew(id: string, where: string): void {
    const { journal, clock } = this.#options;
    const { outbox, inbox } = journal;
    const fault = !isId(id)
      ? "its id is none"
      : Math.abs(idTime(id) - clock.now()) > NEW_ID
        ? "its id was not made within the last ten minutes: check the clock of the machine that made it"
        : outbox.find(id) !== undefined || inbox.find(id) !== undefined || inbox.done(id) !== undefined
          ? "another message has its id"
          : undefined;
    if (fault !== undefined) throw new StewardError("message-invalid", { where, fault });
  }

  /** The message as JSON. @throws StewardError if it is too large */
  #encoded(message: Message, own: boolean, data: SameData): string {
    const { config, transport } = this.#options;
    const text = encodeWhole(message, data.text(message.data));
    const bytes = Buffer.byteLength(text);
    const most = Math.min(config().limits.messageBytes, transport.maxPayload() - ENVELOPE, MOST_BYTES);
    const limit = own ? OWN_BYTES : most;
    if (bytes > limit) throw new StewardError("message-too-large", { subject: message.subject, bytes, limit });
    return text;
  }
}

/** The data of drafts that are submitted together: of one command to thousands of nodes it is looked at once. */
class SameData {
  #data: Json | undefined;
  #fault: string | undefined;
  #text: string | undefined;
  #checkedFor: string | undefined;

  #take(data: Json): void {
    if (data === this.#data) return;
    this.#data = data;
    this.#fault = dataFault(data) ?? surrogateFaultIn(data, "data");
    this.#text = undefined;
    this.#checkedFor = undefined;
  }

  fault(data: Json): string | undefined {
    this.#take(data);
    return this.#fault;
  }

  /** The data as JSON. */
  text(data: Json): string {
    this.#take(data);
    this.#text ??= JSON.stringify(data);
    return this.#text;
  }

  /** True if this data was asked about for this method before; false once, and the caller checks it. */
  isCheckedFor(data: Json, method: string): boolean {
    this.#take(data);
    if (this.#checkedFor === method) return true;
    this.#checkedFor = method;
    return false;
  }
}

function lengthFault(key: string, ms: number | null, least: number, most: number): string | undefined {
  if (ms === null || (Number.isSafeInteger(ms) && ms >= least && ms <= most)) return undefined;
  const given = Number.isSafeInteger(ms) && ms >= 0 ? formatDuration(ms) : `${ms} ms`;
  return `${key} is ${given}, allowed is ${formatDuration(least)} to ${formatDuration(most)}, in whole milliseconds`;
}

function insistOwnIds(drafts: readonly Draft[]): void {
  const chosen = drafts.flatMap(({ id }) => id ?? []);
  if (new Set(chosen).size === chosen.length) return;
  throw new StewardError("message-invalid", { where: "list", fault: "two of its messages have one id" });
}
