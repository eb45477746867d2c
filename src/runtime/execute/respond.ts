import type { Journal } from "../../journal/journal.ts";
import type { DoneRecord, InRecord } from "../../journal/records.ts";
import type { Clock } from "../../message/clock.ts";
import { encodeItem } from "../../message/frame.ts";
import type { NewId } from "../../message/id.ts";
import type { Json, Message } from "../../message/message.ts";
import { replySubject } from "../../message/message.ts";
import { type Outcome, type OutputPart, type Report, withoutOutput } from "../../message/report.ts";
import { kindOf, parseSubject } from "../../message/subject.ts";
import { partBytes, toParts } from "../../runner/parts.ts";

/** Bytes of output that one report carries at most; the rest goes ahead of it in reports of its own. */
const REPORT_BYTES = 64 * 1024;
/** What a report needs beside its output, and the least output that one is made for, bytes. */
const ENVELOPE = 2048;
const LEAST_BYTES = 256;
/** A byte of output becomes at most so many in JSON. */
const INFLATION = 6;
/** Characters of a reason that is cut because its report is too large. */
const REASON = 500;

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
    for (const output of this.#split(parts)) {
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
    const parts = outcome.output === undefined ? [] : this.#split(outcome.output);
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
    const text = encodeItem(event);
    const bytes = Buffer.byteLength(text);
    if (bytes <= this.#maxPayload() - ENVELOPE / 2) this.#journal.outbox.enqueue([event], false, [text]);
    else this.#journal.outbox.enqueue([{ ...event, data: this.#cut(report, bytes) }], false);
    this.#wake(event.subject, Number.POSITIVE_INFINITY);
  }

  #split(parts: readonly OutputPart[]): OutputPart[][] {
    const room = Math.floor((this.#maxPayload() - ENVELOPE) / INFLATION);
    return split(parts, Math.min(REPORT_BYTES, Math.max(LEAST_BYTES, room)));
  }

  /** An end that is too large for the broker would keep all that follow it from their origin: it goes without its result. */
  #cut(report: Report, bytes: number): Json {
    if (!("result" in report) && !("reason" in report)) return report as unknown as Json;
    const room = this.#maxPayload() - ENVELOPE / 2;
    const { result, reason = "", ...rest } = report;
    const cut =
      result === undefined ? "" : `its result is left out: the report has ${bytes} bytes, the broker takes ${room}`;
    const said = [reason.slice(0, REASON), cut].filter((text) => text !== "").join("; ");
    return { ...rest, reason: said } as unknown as Json;
  }
}

/** Groups parts into reports of at most so many bytes. */
function split(parts: readonly OutputPart[], most: number): OutputPart[][] {
  const groups: OutputPart[][] = [];
  let bytes = 0;
  const pieces = parts.flatMap((part) =>
    part.text.length <= most ? [part] : toParts(part.stream, part.offset, partBytes(part), most),
  );
  for (const part of pieces) {
    const group = groups.at(-1);
    if (group === undefined || bytes + part.text.length > most) {
      groups.push([part]);
      bytes = part.text.length;
    } else {
      group.push(part);
      bytes += part.text.length;
    }
  }
  return groups;
}
