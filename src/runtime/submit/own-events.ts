import type { Config } from "../../config/config.ts";
import type { Journal } from "../../journal/journal.ts";
import type { Clock } from "../../message/clock.ts";
import type { DraftTaker } from "../../message/draft.ts";
import type { NewId } from "../../message/id.ts";
import type { Json } from "../../message/message.ts";
import { parseSubject } from "../../message/subject.ts";
import type { MethodFacts } from "../../methods/define.ts";
import type { Failures } from "../../observe/alerting/failures.ts";
import type { Counters } from "../../observe/metrics/counters.ts";
import type { BrokerLimit } from "./broker-limit.ts";
import { ENVELOPE } from "./submit.ts";

export interface OwnEventsOptions {
  readonly config: () => Config;
  readonly journal: Journal;
  readonly methods: ReadonlyMap<string, MethodFacts>;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly submitter: DraftTaker;
  readonly brokerLimit: Pick<BrokerLimit, "bytes">;
  readonly counters: Pick<Counters, "deadLetters">;
  readonly failures: Pick<Failures, "report">;
}

/** Bytes that a message needs beside its data. */
const HEAD = 128;
/** The most bytes of one event of a source, even where the configuration and the broker allow more. */
const MOST = 500 * 1024;
/** The most bytes of an event until a broker has told its limit: small enough for nearly all brokers. */
const CAUTIOUS = 14 * 1024;
/** The share of a frame on a slow link, which is one that deflates: an urgent message waits there for the event under way. */
const OF_A_FRAME = 1 / 8;

/** The way of events of this node's own sources: a source cannot hear a refusal, so an event that is too large is divided. */
export class OwnEvents {
  readonly #options: OwnEventsOptions;

  constructor(options: OwnEventsOptions) {
    this.#options = options;
  }

  /**
   * Journals one event of a source, in as many messages as the broker and `limits.messageBytes` ask for, all in this turn.
   * A part that is too large and cannot be divided becomes a dead letter: on its lane it would hold up all that follow.
   *
   * @throws StewardError when the journal has no room for now; then no part is journalled.
   */
  submit(subject: string, data: Json): void {
    const { config, methods, submitter, brokerLimit } = this.#options;
    const { limits, link } = config();
    const broker = brokerLimit.bytes;
    const room = Math.min(MOST, limits.messageBytes - HEAD, (broker ?? MOST) - ENVELOPE - HEAD);
    const split = methods.get(parseSubject(subject).method)?.event?.split;
    const small = link.compressFrom === null ? MOST : link.frameBytes * OF_A_FRAME;
    const cut = Math.min(room, small, broker === undefined ? CAUTIOUS : MOST);
    const parts = split === undefined || jsonBytes(data) <= cut ? [data] : split(data, cut);
    const fits = parts.filter((part) => jsonBytes(part) <= room);
    submitter.submit(
      fits.map((part) => ({ subject, data: part, deliverBy: null })),
      { keep: false, own: true },
    );
    for (const part of parts) if (!fits.includes(part)) this.#putAside(subject, part, room);
  }

  #putAside(subject: string, data: Json, room: number): void {
    const { config, journal, clock, newId, counters, failures } = this.#options;
    const reason = `it has ${jsonBytes(data)} bytes and cannot be divided; limits.messageBytes and the broker take ${room}`;
    const now = clock.now();
    const { node: origin } = config();
    const message = { id: newId(), subject, origin, createdAt: now, deliverBy: null, timeout: null, data };
    journal.outbox.putAside(message, reason, now);
    counters.deadLetters++;
    failures.report("dead-letter", `an event for ${subject} was put aside: ${reason}`);
  }
}

function jsonBytes(data: Json): number {
  return Buffer.byteLength(JSON.stringify(data));
}
