import type { Config } from "../../config/config.ts";
import type { Journal } from "../../journal/journal.ts";
import type { OutRecord } from "../../journal/records.ts";
import type { Clock } from "../../message/clock.ts";
import type { Draft } from "../../message/draft.ts";
import { faultText, StewardError } from "../../message/errors.ts";
import type { NewId } from "../../message/id.ts";
import type { Message } from "../../message/message.ts";
import { nodeNameFault } from "../../message/node-name.ts";
import { parseSubject } from "../../message/subject.ts";
import { surrogateFaultIn } from "../../message/text/text.ts";
import { formatDuration } from "../../message/text/units.ts";
import { dataFault, FRAME_LIMITS, LONGEST_TIMEOUT, LONGEST_WAIT } from "../../message/wire/bounds.ts";
import { encodeItem, messageFault } from "../../message/wire/frame.ts";
import type { Method } from "../../methods/define.ts";

/** The way of a draft into the journal: checked, stamped, queued. After `flushed` it will end in exactly one state. */
export interface SubmitOptions {
  readonly config: () => Config;
  readonly journal: Journal;
  readonly methods: ReadonlyMap<string, Method>;
  readonly clock: Clock;
  readonly newId: NewId;
  /** Bytes of the largest payload that the broker takes. */
  readonly maxPayload: () => number;
  /** Why there is no room in the journal for new messages; `undefined`: there is. */
  readonly refusal: () => StewardError | undefined;
  readonly isKnown: (node: string) => boolean;
  /** There is something to publish on this subject. */
  readonly wake: (subject: string, deadline: number) => void;
  readonly onQueued: (records: readonly OutRecord[]) => void;
}

/** Room that a frame needs beside the message itself, bytes. */
const ENVELOPE = 1024;
/** Bytes of the largest message that a receiver reads. */
const MOST_BYTES = FRAME_LIMITS.bodyBytes - ENVELOPE;
/** Bytes of what this node's own sources make: they bound themselves, and nobody is there to hear a refusal. */
const OWN_BYTES = 512 * 1024;

export interface SubmitTerms {
  /** The message is kept after its end. */
  readonly keep?: boolean;
  /** Makes it happen once, however often it is called. */
  readonly key?: string;
  /** A source of this node made it: it is not held to what is set for operators, nor to what the present broker takes. */
  readonly own?: boolean;
  /** A plain NATS publisher wrote it. */
  readonly foreign?: boolean;
}

/**
 * All or nothing, in order. Durable with the journal's next flush.
 *
 * @throws StewardError why a draft is refused; then none of them is queued.
 */
export function submit(
  drafts: readonly Draft[],
  options: SubmitOptions,
  { keep = true, key, own = false, foreign = false }: SubmitTerms = {},
): OutRecord[] {
  const { journal, refusal, wake, onQueued } = options;
  const messages = drafts.map((draft) => (foreign ? { ...stamp(draft, options), foreign } : stamp(draft, options)));
  const texts = messages.map((message) => sealed(message, options, own));
  for (const message of messages) check(message, options);
  const noRoom = refusal();
  if (noRoom !== undefined) throw noRoom;
  const records = journal.outbox.enqueue(messages, keep, texts);
  if (key !== undefined)
    journal.setTaken(
      key,
      messages.map(({ id }) => id),
    );
  onQueued(records);
  for (const { subject, deliverBy } of messages) wake(subject, deliverBy ?? Number.POSITIVE_INFINITY);
  return records;
}

/** Where the method is known here too, bad data need not travel to be refused. A method that is not may be the node's own. */
function check(message: Message, { methods }: SubmitOptions): void {
  const { method, kind } = parseSubject(message.subject);
  try {
    methods.get(method)?.[kind]?.check(message.data);
  } catch (error) {
    throw new StewardError("data-invalid", { method, fault: faultText(error) }, { cause: error });
  }
}

function stamp(draft: Draft, options: SubmitOptions): Message {
  const { config, clock, newId, isKnown } = options;
  const { node, defaults } = config();
  const subject = parseSubject(draft.subject);
  const nameFault = nodeNameFault(subject.node);
  if (nameFault !== undefined)
    throw new StewardError("subject-invalid", { subject: draft.subject, fault: `node: ${nameFault}` });
  if (draft.knownNodesOnly === true && !isKnown(subject.node))
    throw new StewardError("node-unknown", { node: subject.node });
  if (draft.data === undefined)
    throw new StewardError("message-invalid", { where: draft.subject, fault: "data is missing" });
  const now = clock.now();
  const wait = draft.deliverBy === undefined ? defaults.deliverBy : draft.deliverBy;
  const message: Message = {
    id: newId(),
    subject: draft.subject,
    origin: node,
    createdAt: now,
    deliverBy: wait === null ? null : now + wait,
    // The receiver's own default is for those who say nothing, as plain publishers do.
    timeout: draft.timeout ?? (subject.kind === "command" ? defaults.timeout : null),
    data: draft.data,
  };
  const fault =
    lengthFault("deliverBy", wait, 0, LONGEST_WAIT) ??
    lengthFault("timeout", message.timeout, 1, LONGEST_TIMEOUT) ??
    dataFault(draft.data) ??
    surrogateFaultIn(draft.data, "data") ??
    messageFault(message);
  if (fault !== undefined) throw new StewardError("message-invalid", { where: draft.subject, fault });
  return message;
}

function lengthFault(key: string, ms: number | null, least: number, most: number): string | undefined {
  if (ms === null || (Number.isSafeInteger(ms) && ms >= least && ms <= most)) return undefined;
  const given = Number.isSafeInteger(ms) && ms >= 0 ? formatDuration(ms) : `${ms} ms`;
  return `${key} is ${given}, allowed is ${formatDuration(least)} to ${formatDuration(most)}, in whole milliseconds`;
}

/** The message as it travels, if it may. */
function sealed(message: Message, { config, maxPayload }: SubmitOptions, own: boolean): string {
  const text = encodeItem(message);
  const bytes = Buffer.byteLength(text);
  const limit = own ? OWN_BYTES : Math.min(config().limits.messageBytes, maxPayload() - ENVELOPE, MOST_BYTES);
  if (bytes > limit) throw new StewardError("message-too-large", { subject: message.subject, bytes, limit });
  return text;
}
