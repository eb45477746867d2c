import type { Clock } from "../message/clock.ts";
import type { MessageHappening } from "../message/happening.ts";
import { type Hold, holdText } from "../message/jobs/hold.ts";
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
  /** True: the record stays after the end. */
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

/** Hears of each message of this node that ends, before that is durable. */
export interface EndWatcher {
  messageEnded(id: string): void;
}

/** The progress of messages on the road, told to the counters and to the open streams. */
export class Announcer {
  readonly #options: AnnouncerOptions;
  #watcher: EndWatcher | undefined;

  constructor(options: AnnouncerOptions) {
    this.#options = options;
  }

  /** Sets the one that hears of ends, later than the constructor: it sends messages itself. */
  watchEnds(watcher: EndWatcher): void {
    this.#watcher = watcher;
  }

  /** True while a stream is open; without one, dear details need not be found out. */
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

  /** Messages that are held. */
  held(messages: readonly Message[], hold: Hold): void {
    if (!this.#options.happenings.watched) return;
    for (const message of messages) this.#emit(message, "held", this.#options.config().node, holdText(hold));
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
    const { node } = this.#options.config();
    for (const record of records) {
      const { outcome } = record;
      if (outcome !== undefined) this.#ended(record, outcome.state, node, outcome.reason);
    }
  }

  /** Final states that came with an ACK. Returns the events that their receiver refused: they are dead letters now. */
  decided<T extends SentMessage>(records: readonly T[]): T[] {
    const { counters } = this.#options;
    const refused: T[] = [];
    for (const record of records) {
      const { subject } = record.message;
      const state = record.life?.state;
      if (state !== undefined && isFinalState(state)) {
        this.#ended(record, state, receiverOf(subject), record.outcome?.reason);
      } else {
        counters.deadLetters++;
        refused.push(record);
      }
    }
    return refused;
  }

  #ended(record: SentMessage, state: FinalState, by: string, reason: string | undefined): void {
    this.count(record, state, by, reason);
    this.tell(record, state, by, reason);
  }

  output({ id, subject }: Message, parts: readonly OutputPart[]): void {
    const { happenings, clock } = this.#options;
    if (happenings.watched) happenings.emit({ type: "output", at: clock.now(), id, subject, parts });
  }

  /** Messages of others, and the state that they are in on this node now. */
  taken(records: readonly { readonly message: Message; readonly state: State }[]): void {
    const { happenings, config } = this.#options;
    if (!happenings.watched) return;
    for (const { message, state } of records) this.#emit(message, state, config().node);
  }

  /** Lines that an event recorded, for those who watch live. */
  lines({ origin }: Message, method: string, domain: string, lines: readonly string[]): void {
    const { happenings, clock } = this.#options;
    if (lines.length > 0) happenings.emit({ type: "log", at: clock.now(), node: origin, method, domain, lines });
  }

  /** A message of this node has ended. */
  count({ message: { id, subject } }: SentMessage, state: FinalState, by: string, reason: string | undefined): void {
    const { counters } = this.#options;
    this.#watcher?.messageEnded(id);
    // The usual case costs one addition.
    if (state === "succeeded") counters.outcomes.succeeded++;
    else counters.end(state, { id, subject, by, ...(reason === undefined ? {} : { reason }) });
  }

  tell({ message, outcome }: SentMessage, state: State, by: string, reason?: string): void {
    if (this.#options.happenings.watched) this.#emit(message, state, by, reason, outcome);
  }

  #emit({ id, subject }: Message, state: State, by: string, reason?: string, outcome?: Outcome): void {
    const { happenings, clock } = this.#options;
    let happening: MessageHappening = { type: "message", at: clock.now(), id, subject, state, by };
    if (reason !== undefined) happening = { ...happening, reason };
    if (outcome !== undefined) happening = { ...happening, outcome };
    happenings.emit(happening);
  }
}
