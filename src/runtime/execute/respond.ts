import type { Transport } from "../../broker/transport.ts";
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
import type { Spawner } from "../../methods/spawner.ts";
import type { Failures } from "../../observe/alerting/failures.ts";
import type { Announcer } from "../../observe/announce.ts";
import type { Counters } from "../../observe/metrics/counters.ts";
import type { Logger } from "../../platform/logger.ts";
import type { Publishers } from "../deliver/publishers.ts";
import { asData, REPORT_ENVELOPE, splitOutput, tooLarge, withoutResult } from "../deliver/report-parts.ts";
import type { Answers } from "../receive/judge.ts";
import type { Routes } from "../receive/routes.ts";

export interface RespondOptions {
  readonly node: string;
  readonly journal: Journal;
  readonly transport: Pick<Transport, "maxPayload">;
  readonly publishers: Pick<Publishers, "wake">;
  readonly routes: Pick<Routes, "finished">;
  readonly failures: Pick<Failures, "report">;
  readonly counters: Pick<Counters, "deadLetters">;
  readonly announce: Pick<Announcer, "watched" | "taken" | "lines">;
  readonly spawner: Pick<Spawner, "forget">;
  readonly newId: NewId;
  readonly clock: Clock;
  readonly log: Logger;
}

/** A command that has ended, and one line of its data. */
export interface Ended {
  readonly record: InRecord;
  readonly outcome: Outcome;
  readonly summary: string;
}

/** The parts of a command that its report needs. */
interface Answered {
  readonly message: Pick<Message, "id" | "subject" | "origin">;
}

/**
 * Ends taken messages: the outcome and the report to the origin are journalled in one turn, so that one never exists
 * without the other.
 */
export class Respond implements Answers {
  readonly #options: RespondOptions;

  constructor(options: RespondOptions) {
    this.#options = options;
  }

  /** Reports output of a command that goes on. */
  progress(record: InRecord, startedAt: number, parts: readonly OutputPart[]): void {
    for (const output of splitOutput(parts, this.#options.transport.maxPayload())) {
      this.#send(record, { state: "running", at: this.#options.clock.now(), startedAt, output });
    }
  }

  /** Reports that a command has begun, when it goes on without output. */
  begun(record: InRecord, startedAt: number): void {
    if (this.#options.journal.inbox.find(record.message.id) === undefined) return;
    this.#send(record, { state: "running", at: this.#options.clock.now(), startedAt });
  }

  /** Ends commands without output, in one step. */
  outcomes(ended: readonly Ended[]): void {
    const events: Event[] = [];
    for (const { record, outcome, summary } of ended) {
      if (!this.#options.journal.inbox.finish(record.message.id, outcome, summary)) continue;
      events.push(this.#event(record, outcome));
      this.#ended(record, outcome);
    }
    this.#enqueue(events);
  }

  outcome(record: InRecord, outcome: Outcome, summary: string): void {
    if (this.#options.journal.inbox.find(record.message.id) === undefined) return;
    const parts = outcome.output === undefined ? [] : splitOutput(outcome.output, this.#options.transport.maxPayload());
    const last = parts.pop();
    for (const output of parts) {
      this.#send(record, { state: "running", at: outcome.at, startedAt: outcome.startedAt ?? outcome.at, output });
    }
    const rest = withoutOutput(outcome);
    this.#options.journal.inbox.finish(record.message.id, outcome, summary);
    this.#send(record, last === undefined ? rest : { ...rest, output: last });
    this.#ended(record, outcome);
  }

  /** Reports an outcome once more, to an origin that has lost it. */
  again({ id, subject, origin, outcome }: DoneRecord): void {
    this.#send({ message: { id, subject, origin } }, outcome);
  }

  /** Ends handled events, together with the new checkpoint of their sink. */
  handled(records: readonly InRecord[], checkpoint: { key: string; value: Json } | undefined): void {
    const at = this.#options.clock.now();
    for (const record of records) this.#options.journal.inbox.finish(record.message.id, { state: "succeeded", at }, "");
    if (checkpoint !== undefined) this.#options.journal.setCheckpoint(checkpoint);
    for (const record of records) this.#handled(record);
  }

  /** Makes a message that fails its process again and again a dead letter; the origin of a command gets an outcome. */
  dead(record: InRecord, reason: string): void {
    const at = this.#options.clock.now();
    if (this.#options.journal.inbox.bury(record.message.id, reason, at) === undefined) return;
    const outcome: Outcome = { state: "failed", at, reason: `dead letter: ${reason}` };
    const { id, subject } = record.message;
    if (kindOf(subject) === "command") this.#send(record, outcome);
    this.#ended(record, outcome);
    this.#options.counters.deadLetters++;
    const text = `${id} on ${subject} failed its process again and again: ${reason}`;
    this.#options.failures.report("dead-letter", text);
  }

  #ended({ message }: InRecord, { state }: Outcome): void {
    const { node, journal, routes, announce, spawner, log } = this.#options;
    const route = routes.finished(message);
    if (message.origin !== node && announce.watched) {
      // A crash could take the outcome back before it is durable.
      journal.flushed().then(
        () => announce.taken([{ message, state }]),
        () => undefined,
      );
    }
    if (route?.method.command?.adopt === undefined) return;
    const { id } = message;
    journal
      .flushed()
      .then(() => spawner.forget(id))
      .catch((error) => log.warn({ err: error, id }, "a run's files stay behind"));
  }

  #handled({ message }: InRecord): void {
    const { routes, announce } = this.#options;
    const route = routes.finished(message);
    if (route === undefined || !announce.watched) return;
    const { method, config } = route;
    announce.lines(message, method.name, config.domain, method.event?.lines?.(message) ?? []);
  }

  #send(answered: Answered, report: Report): void {
    this.#enqueue([this.#event(answered, report)]);
  }

  #event({ message: { id, subject, origin } }: Answered, report: Report): Event {
    const event: Message = {
      id: this.#options.newId(),
      subject: replySubject(parseSubject(subject), origin),
      origin: this.#options.node,
      createdAt: this.#options.clock.now(),
      deliverBy: null,
      timeout: null,
      data: report as unknown as Json,
      inReplyTo: id,
    };
    const fault = messageFault(event);
    if (fault !== undefined) return encoded({ ...event, data: asData(withoutResult(report, fault)) });
    const text = encodeItem(event);
    const bytes = Buffer.byteLength(text);
    const fits = bytes <= Math.min(this.#options.transport.maxPayload(), FRAME_LIMITS.bodyBytes) - REPORT_ENVELOPE / 2;
    if (fits) return { message: event, text };
    // An outcome that is too large for the broker would hold up its lane: it is sent without its result.
    const without = withoutResult(report, tooLarge(bytes, this.#options.transport.maxPayload()));
    return encoded({ ...event, data: asData(without) });
  }

  #enqueue(events: readonly Event[]): void {
    const { journal, publishers } = this.#options;
    const messages = events.map(({ message }) => message);
    const texts = events.map(({ text }) => text);
    journal.outbox.enqueue(messages, false, texts);
    for (const subject of new Set(messages.map((message) => message.subject)))
      publishers.wake(subject, Number.POSITIVE_INFINITY);
  }
}

/** An event that reports, as it travels too. */
interface Event {
  readonly message: Message;
  readonly text: string;
}

function encoded(message: Message): Event {
  return { message, text: encodeItem(message) };
}
