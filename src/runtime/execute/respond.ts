import type { Journal } from "../../journal/journal.ts";
import type { DoneRecord, InRecord } from "../../journal/records.ts";
import type { Clock } from "../../message/clock.ts";
import type { NewId } from "../../message/id.ts";
import type { Json, Message } from "../../message/message.ts";
import { replySubject } from "../../message/message.ts";
import { type Outcome, type OutputPart, type Report, withoutOutput } from "../../message/report.ts";
import { kindOf, parseSubject } from "../../message/subject.ts";
import { FRAME_LIMITS } from "../../message/wire/bounds.ts";
import { encodeItem, messageFault } from "../../message/wire/frame.ts";
import { asData, REPORT_ENVELOPE, splitOutput, tooLarge, withoutResult } from "../deliver/report-parts.ts";

/** What of a command its answer needs. */
interface Answered {
  readonly message: Pick<Message, "id" | "subject" | "origin">;
}

/**
 * Ends what was taken: the outcome and the event that carries it home are journalled in one turn, so that one never
 * exists without the other.
 */
export class Respond {
  readonly #journal: Journal;
  readonly #node: string;
  readonly #newId: NewId;
  readonly #clock: Clock;
  readonly #maxPayload: () => number;
  readonly #wake: (subject: string, deadline: number) => void;
  readonly #ended: (record: InRecord, outcome: Outcome | undefined) => void;

  constructor(options: {
    journal: Journal;
    node: string;
    newId: NewId;
    clock: Clock;
    /** Bytes of the largest payload that the broker takes. */
    maxPayload: () => number;
    /** There is something to publish on this subject. */
    wake: (subject: string, deadline: number) => void;
    /** A message has left the pending ones; `undefined`: an event was handled. */
    ended: (record: InRecord, outcome: Outcome | undefined) => void;
  }) {
    this.#journal = options.journal;
    this.#node = options.node;
    this.#newId = options.newId;
    this.#clock = options.clock;
    this.#maxPayload = options.maxPayload;
    this.#wake = options.wake;
    this.#ended = options.ended;
  }

  /** Output of a command that goes on. */
  progress(record: InRecord, startedAt: number, parts: readonly OutputPart[]): void {
    for (const output of splitOutput(parts, this.#maxPayload())) {
      this.#send(record, { state: "running", at: this.#clock.now(), startedAt, output });
    }
  }

  /** A command has begun, and goes on without a word. */
  begun(record: InRecord, startedAt: number): void {
    if (this.#journal.inbox.find(record.message.id) === undefined) return;
    this.#send(record, { state: "running", at: this.#clock.now(), startedAt });
  }

  outcome(record: InRecord, outcome: Outcome, summary: string): void {
    if (this.#journal.inbox.find(record.message.id) === undefined) return;
    const parts = outcome.output === undefined ? [] : splitOutput(outcome.output, this.#maxPayload());
    const last = parts.pop();
    for (const output of parts) {
      this.#send(record, { state: "running", at: outcome.at, startedAt: outcome.startedAt ?? outcome.at, output });
    }
    const rest = withoutOutput(outcome);
    this.#journal.inbox.finish(record.message.id, outcome, summary);
    this.#send(record, last === undefined ? rest : { ...rest, output: last });
    this.#ended(record, outcome);
  }

  /** An outcome that was told before, to an origin that has lost it. */
  again({ id, subject, origin, outcome }: DoneRecord): void {
    this.#send({ message: { id, subject, origin } }, outcome);
  }

  /** Events that were handled, with where their sink stands now. */
  handled(records: readonly InRecord[], checkpoint: { key: string; value: Json } | undefined): void {
    const at = this.#clock.now();
    for (const record of records) this.#journal.inbox.finish(record.message.id, { state: "succeeded", at }, "");
    if (checkpoint !== undefined) this.#journal.setCheckpoint(checkpoint);
    for (const record of records) this.#ended(record, undefined);
  }

  /** Puts a message aside that fails its process again and again; a command is answered all the same. */
  dead(record: InRecord, reason: string): void {
    const at = this.#clock.now();
    if (this.#journal.inbox.bury(record.message.id, reason, at) === undefined) return;
    const outcome: Outcome = { state: "failed", at, reason: `dead letter: ${reason}` };
    if (kindOf(record.message.subject) === "command") this.#send(record, outcome);
    this.#ended(record, outcome);
  }

  #send({ message: { id, subject, origin } }: Answered, report: Report): void {
    const event: Message = {
      id: this.#newId(),
      subject: replySubject(parseSubject(subject), origin),
      origin: this.#node,
      createdAt: this.#clock.now(),
      deliverBy: null,
      timeout: null,
      data: report as unknown as Json,
      inReplyTo: id,
    };
    const fault = messageFault(event);
    if (fault !== undefined) {
      this.#enqueue({ ...event, data: asData(withoutResult(report, fault)) });
      return;
    }
    const text = encodeItem(event);
    const bytes = Buffer.byteLength(text);
    const fits = bytes <= Math.min(this.#maxPayload(), FRAME_LIMITS.bodyBytes) - REPORT_ENVELOPE / 2;
    if (fits) this.#enqueue(event, text);
    // An end that is too large for the broker would keep all that follow it from their origin: it goes without its result.
    else this.#enqueue({ ...event, data: asData(withoutResult(report, tooLarge(bytes, this.#maxPayload()))) });
  }

  #enqueue(event: Message, text = encodeItem(event)): void {
    this.#journal.outbox.enqueue([event], false, [text]);
    this.#wake(event.subject, Number.POSITIVE_INFINITY);
  }
}
