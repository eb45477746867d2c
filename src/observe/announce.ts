import type { Clock } from "../message/clock.ts";
import type { MessageHappening } from "../message/happening.ts";
import { type FinalState, isFinalState, type State } from "../message/lifecycle.ts";
import type { Message } from "../message/message.ts";
import type { Outcome, OutputPart } from "../message/report.ts";
import { kindOf, receiverOf } from "../message/subject.ts";
import type { Happenings } from "./happenings.ts";
import type { Counters } from "./metrics/counters.ts";

/** A message that this node sends, as far as it is told of. */
export interface SentMessage {
  readonly message: Message;
  readonly seq: number;
  /** Its record stays after its end. */
  readonly keep: boolean;
  readonly asserted?: State | undefined;
  readonly life?: { readonly state: State } | undefined;
  readonly outcome?: Outcome | undefined;
}

export interface AnnouncerOptions {
  readonly counters: Counters;
  readonly happenings: Happenings;
  readonly clock: Clock;
  readonly config: () => { readonly node: string };
}

type Told = { -readonly [K in keyof MessageHappening]: MessageHappening[K] };

/** The progress of messages on the road, told to the counters and to those who watch. */
export class Announcer {
  readonly #options: AnnouncerOptions;

  constructor(options: AnnouncerOptions) {
    this.#options = options;
  }

  /** Whether anybody looks on; what is dear to find out for them need not be otherwise. */
  get watched(): boolean {
    return this.#options.happenings.watched;
  }

  queued(records: readonly SentMessage[]): void {
    const { counters, config } = this.#options;
    for (const record of records) {
      counters.submitted[kindOf(record.message.subject)]++;
      this.tell(record, "queued", config().node);
    }
  }

  /** @param started highest number on the lane of which the node says that it has begun */
  received(node: string, records: readonly SentMessage[], started: number): void {
    if (!this.#options.happenings.watched) return;
    for (const record of records) {
      if (record.keep && (record.asserted === undefined || record.asserted === "received"))
        this.tell(record, record.seq <= started ? "running" : "received", node);
    }
  }

  /** Messages that ended here before their first sending. */
  withdrawn(records: readonly SentMessage[]): void {
    const { config } = this.#options;
    for (const record of records) {
      const { outcome } = record;
      if (outcome === undefined) continue;
      this.count(record, outcome.state, config().node, outcome.reason);
      this.tell(record, outcome.state, config().node, outcome.reason);
    }
  }

  /** Final states that came with an ACK. Returns the events that their receiver refused: they are dead letters now. */
  decided<T extends SentMessage>(records: readonly T[]): T[] {
    const { counters } = this.#options;
    const refused: T[] = [];
    for (const record of records) {
      const state = record.life?.state;
      if (state !== undefined && isFinalState(state)) {
        const node = receiverOf(record.message.subject);
        this.count(record, state, node, record.outcome?.reason);
        this.tell(record, state, node, record.outcome?.reason);
      } else {
        counters.deadLetters++;
        refused.push(record);
      }
    }
    return refused;
  }

  output({ id, subject }: Message, parts: readonly OutputPart[]): void {
    const { happenings, clock } = this.#options;
    if (happenings.watched) happenings.emit({ type: "output", at: clock.now(), id, subject, parts });
  }

  /** Messages of others, and the state that they are in on this node now. */
  taken(records: readonly { readonly message: Message; readonly state: State }[]): void {
    const { happenings, clock, config } = this.#options;
    if (!happenings.watched) return;
    for (const { message, state } of records) {
      happenings.emit({
        type: "message",
        at: clock.now(),
        id: message.id,
        subject: message.subject,
        state,
        by: config().node,
      });
    }
  }

  /** Lines that an event recorded, for those who watch live. */
  lines({ origin }: Message, method: string, domain: string, lines: readonly string[]): void {
    const { happenings, clock } = this.#options;
    if (lines.length > 0) happenings.emit({ type: "log", at: clock.now(), node: origin, method, domain, lines });
  }

  /** A message of this node has ended. */
  count({ message: { id, subject } }: SentMessage, state: FinalState, by: string, reason: string | undefined): void {
    const { counters } = this.#options;
    // The usual case costs one addition.
    if (state === "succeeded") counters.outcomes.succeeded++;
    else counters.end(state, { id, subject, by, ...(reason === undefined ? {} : { reason }) });
  }

  tell(record: SentMessage, state: State, by: string, reason?: string): void {
    const { happenings, clock } = this.#options;
    if (!happenings.watched) return;
    const { id, subject } = record.message;
    const happening: Told = { type: "message", at: clock.now(), id, subject, state, by };
    if (reason !== undefined) happening.reason = reason;
    if (record.outcome !== undefined) happening.outcome = record.outcome;
    happenings.emit(happening);
  }
}
