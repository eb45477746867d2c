import type { Clock } from "../message/clock.ts";
import type { NewId } from "../message/id.ts";
import type { Json, Message } from "../message/message.ts";
import { replySubject } from "../message/message.ts";
import type { Outcome, OutputPart, Report } from "../message/report.ts";
import { kindOf, parseSubject } from "../message/subject.ts";
import type { Journal } from "./journal/journal.ts";
import type { InRecord } from "./journal/records.ts";

/** Bytes of output that one report carries at most; the rest goes ahead of it in reports of its own. */
const REPORT_BYTES = 64 * 1024;

/**
 * Ends what was taken: the outcome and the event that carries it home are journalled in one turn, so that one never
 * exists without the other.
 */
export class Respond {
  readonly #journal: Journal;
  readonly #node: string;
  readonly #newId: NewId;
  readonly #clock: Clock;
  readonly #wake: (subject: string, deadline: number) => void;
  readonly #ended: (record: InRecord, outcome: Outcome | undefined) => void;

  constructor(options: {
    journal: Journal;
    node: string;
    newId: NewId;
    clock: Clock;
    /** There is something to publish on this subject. */
    wake: (subject: string, deadline: number) => void;
    /** A message has left the pending ones; `undefined`: an event was handled. */
    ended: (record: InRecord, outcome: Outcome | undefined) => void;
  }) {
    this.#journal = options.journal;
    this.#node = options.node;
    this.#newId = options.newId;
    this.#clock = options.clock;
    this.#wake = options.wake;
    this.#ended = options.ended;
  }

  /** Output of a command that goes on. */
  progress(record: InRecord, startedAt: number, parts: readonly OutputPart[]): void {
    for (const output of split(parts)) {
      this.#send(record, { state: "running", at: this.#clock.now(), startedAt, output });
    }
  }

  outcome(record: InRecord, outcome: Outcome, summary: string): void {
    if (this.#journal.inbox.find(record.message.id) === undefined) return;
    const parts = split(outcome.output ?? []);
    const last = parts.pop();
    for (const output of parts) {
      this.#send(record, { state: "running", at: outcome.at, startedAt: outcome.startedAt ?? outcome.at, output });
    }
    const { output: _split, ...rest } = outcome;
    this.#journal.inbox.finish(record.message.id, outcome, summary);
    this.#send(record, last === undefined ? rest : { ...rest, output: last });
    this.#ended(record, outcome);
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

  #send(record: InRecord, report: Report): void {
    const { id, subject, origin } = record.message;
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
    this.#journal.outbox.enqueue([event], false);
    this.#wake(event.subject, Number.POSITIVE_INFINITY);
  }
}

/** Groups parts into reports of bounded size. */
function split(parts: readonly OutputPart[]): OutputPart[][] {
  const groups: OutputPart[][] = [];
  let bytes = 0;
  for (const part of parts) {
    const group = groups.at(-1);
    if (group === undefined || bytes + part.text.length > REPORT_BYTES) {
      groups.push([part]);
      bytes = part.text.length;
    } else {
      group.push(part);
      bytes += part.text.length;
    }
  }
  return groups;
}
