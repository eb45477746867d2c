import type { Config } from "../config/config.ts";
import type { Journal } from "../journal/journal.ts";
import type { InRecord, OutRecord } from "../journal/records.ts";
import type { Clock } from "../message/clock.ts";
import type { Ack } from "../message/frame.ts";
import type { MessageHappening } from "../message/happening.ts";
import { type FinalState, isFinalState, type State } from "../message/lifecycle.ts";
import type { Message } from "../message/message.ts";
import { type Report, readReport } from "../message/report.ts";
import { kindOf, receiverOf } from "../message/subject.ts";
import type { Logger } from "../platform/logger.ts";
import type { Fleet } from "../runtime/fleet/fleet.ts";
import type { Route } from "../runtime/receive/routes.ts";
import type { Counters } from "./counters.ts";
import type { Happenings } from "./happenings.ts";

/** What happens to messages on the main road, told to the counters, to the fleet and to those who watch. */
export interface AnnounceOptions {
  readonly journal: Journal;
  readonly fleet: Fleet;
  readonly counters: Counters;
  readonly happenings: Happenings;
  readonly clock: Clock;
  readonly log: Logger;
  readonly config: () => Config;
  readonly fail: (code: string, text: string) => void;
}

type Told = { -readonly [K in keyof MessageHappening]: MessageHappening[K] };

export class Announcer {
  readonly #journal: Journal;
  readonly #fleet: Fleet;
  readonly #around: AnnounceOptions;
  readonly #fail: (code: string, text: string) => void;

  constructor(options: AnnounceOptions) {
    this.#journal = options.journal;
    this.#fleet = options.fleet;
    this.#around = options;
    this.#fail = options.fail;
  }

  /** Tells the log and those who watch what the loss or return of a node means for the commands that it has. */
  openCommands(node: string, state: State | undefined, cause: string): void {
    const { happenings, log } = this.#around;
    const commands = this.#journal.outbox.openCount(node);
    if (commands > 0) {
      const text =
        state === "unknown" ? "what became of its commands is unknown" : "its commands are no longer unknown";
      log.warn({ node, commands, cause }, `${node}: ${text}`);
    }
    if (!happenings.watched) return;
    for (const { lane, record } of this.#journal.outbox.openOn(node)) {
      this.#tell(record, state ?? this.#journal.outbox.stateOf(lane, record), this.#around.config().node, cause);
    }
  }

  queued(records: readonly OutRecord[]): void {
    const { counters, config } = this.#around;
    for (const record of records) {
      counters.submitted[kindOf(record.message.subject)]++;
      // A node that is written to is shown, also before it was ever seen.
      this.#fleet.expect(receiverOf(record.message.subject));
      this.#tell(record, "queued", config().node);
    }
  }

  received(node: string, records: readonly OutRecord[], ack: Ack): void {
    this.#fleet.work(node, this.#journal.outbox.openCount(node));
    if (!this.#around.happenings.watched) return;
    for (const record of records) {
      if (record.keep && (record.asserted === undefined || record.asserted === "received"))
        this.#tell(record, record.seq <= ack.started ? "running" : "received", node);
    }
  }

  /** Messages that ended here before their first sending. */
  withdrawn(records: readonly OutRecord[]): void {
    const { config } = this.#around;
    for (const record of records) {
      const { outcome } = record;
      if (outcome === undefined) continue;
      this.#count(record, outcome.state, config().node, outcome.reason);
      this.#tell(record, outcome.state, config().node, outcome.reason);
    }
  }

  /** Final states that came with an ACK. */
  decided(records: readonly OutRecord[]): void {
    const { counters } = this.#around;
    for (const record of records) {
      const state = record.life?.state;
      if (state !== undefined && isFinalState(state)) {
        const node = receiverOf(record.message.subject);
        this.#count(record, state, node, record.outcome?.reason);
        this.#tell(record, state, node, record.outcome?.reason);
      } else {
        counters.deadLetters++;
        this.#fail("refused", `${record.message.subject} was refused by its receiver: see \`steward dead\``);
      }
    }
  }

  /** @throws StewardError `data-invalid` */
  report(id: string, from: string, claimed: Report, told: (() => void)[]): boolean {
    const { counters, happenings, clock } = this.#around;
    const report = readReport(claimed);
    const folded = this.#journal.outbox.report(id, from, report, clock.now());
    if (folded === undefined) return false;
    const { record, changed, conflict } = folded;
    const { output } = report;
    if (output !== undefined && happenings.watched) {
      told.push(() =>
        happenings.emit({ type: "output", at: clock.now(), id, subject: record.message.subject, parts: output }),
      );
    }
    if (conflict) this.#fail("conflict", `${from} reported a second, different end of ${id}: ${report.state}`);
    if (changed && isFinalState(report.state)) {
      this.#count(record, report.state, from, "reason" in report ? report.reason : undefined);
      if ("startedAt" in report && report.startedAt !== undefined)
        counters.runSeconds.observe(Math.max(0, report.at - report.startedAt) / 1000);
      this.#fleet.work(from, this.#journal.outbox.openCount(from));
      told.push(() => this.#tell(record, report.state, from, "reason" in report ? report.reason : undefined));
    } else if (changed) told.push(() => this.#tell(record, "running", from));
    return true;
  }

  /** Messages of others, and the state that they are in on this node now. */
  taken(records: readonly { readonly message: Message; readonly state: State }[]): void {
    const { happenings, clock, config } = this.#around;
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

  /** A message of another node is at its end here. A crash could take back what is not durable. */
  ended(message: Message, state: FinalState): void {
    if (!this.#around.happenings.watched) return;
    this.#journal.flushed().then(
      () => this.taken([{ message, state }]),
      // It ends anew from what is on disk.
      () => undefined,
    );
  }

  /** What an event recorded, for those who watch live. */
  tellLines({ message }: InRecord, { config, method }: Route): void {
    const lines = method.event?.lines?.(message) ?? [];
    if (lines.length === 0) return;
    this.#around.happenings.emit({
      type: "log",
      at: this.#around.clock.now(),
      node: message.origin,
      method: method.name,
      domain: config.domain,
      lines,
    });
  }

  #count({ message: { id, subject } }: OutRecord, state: FinalState, by: string, reason: string | undefined): void {
    const { counters } = this.#around;
    // The usual case costs one addition.
    if (state === "succeeded") counters.outcomes.succeeded++;
    else counters.end(state, { id, subject, by, ...(reason === undefined ? {} : { reason }) });
  }

  #tell(record: OutRecord, state: State, by: string, reason?: string): void {
    const { happenings, clock } = this.#around;
    if (!happenings.watched) return;
    const { id, subject } = record.message;
    const happening: Told = { type: "message", at: clock.now(), id, subject, state, by };
    if (reason !== undefined) happening.reason = reason;
    if (record.outcome !== undefined) happening.outcome = record.outcome;
    happenings.emit(happening);
  }
}
