import type { Config } from "../../config/config.ts";
import type { InRecord } from "../../journal/records.ts";
import type { Clock } from "../../message/clock.ts";
import type { Json } from "../../message/message.ts";
import type { OutputPart } from "../../message/report.ts";
import type { CommandContext } from "../../methods/define.ts";
import type { Spawner } from "../../methods/spawner.ts";
import type { Logger } from "../../platform/logger.ts";
import type { Cancellation } from "./cancellation.ts";
import { type TimeLimit, timeLimit } from "./time-limit.ts";

/** The parts that all commands of one subject share. */
export interface CommandSurroundings {
  readonly node: string;
  readonly domain: string;
  readonly config: () => Config;
  readonly stopping: AbortSignal;
  readonly clock: Clock;
  readonly spawner: Spawner;
  readonly log: Logger;
  readonly waits: (record: InRecord, reason: string | undefined) => void;
  readonly progress: (record: InRecord, startedAt: number, parts: readonly OutputPart[]) => void;
}

/** One command as its method sees it. Getters make the parts, for most methods read few of them. */
export class RunningCommand implements CommandContext {
  readonly #around: CommandSurroundings;
  readonly #record: InRecord;
  readonly #cancellation: Cancellation;
  #limit: TimeLimit | undefined;
  readonly #startedAt: number;
  readonly #startBy: number;

  /** `startBy`: monotonic time by which the command must have begun. */
  constructor(
    around: CommandSurroundings,
    record: InRecord,
    startedAt: number,
    cancellation: Cancellation,
    startBy = Number.POSITIVE_INFINITY,
  ) {
    this.#startBy = startBy;
    this.#around = around;
    this.#record = record;
    this.#startedAt = startedAt;
    this.#cancellation = cancellation;
  }

  get id(): string {
    return this.#record.message.id;
  }

  get node(): string {
    return this.#around.node;
  }

  get subject(): string {
    return this.#record.message.subject;
  }

  get domain(): string {
    return this.#around.domain;
  }

  get origin(): string {
    return this.#record.message.origin;
  }

  get data(): Json {
    return this.#record.message.data;
  }

  get waits(): (reason: string | undefined) => void {
    return (reason) => this.#around.waits(this.#record, reason);
  }

  get stopping(): AbortSignal {
    return this.#around.stopping;
  }

  get timeout(): number {
    return this.#timeLimit.ms;
  }

  get timeoutSetBy(): string | undefined {
    return this.#timeLimit.setBy;
  }

  /** The limit is read once: a reload does not change it for a running command. */
  get #timeLimit(): TimeLimit {
    this.#limit ??= timeLimit(this.#record.message.timeout, this.#around.config());
    return this.#limit;
  }

  get startWithin(): number | undefined {
    const { clock } = this.#around;
    return this.#startBy === Number.POSITIVE_INFINITY ? undefined : Math.max(0, this.#startBy - clock.monotonic());
  }

  get cancelled(): AbortSignal {
    return this.#cancellation.signal;
  }

  get output(): (parts: readonly OutputPart[]) => void {
    return (parts) => this.#around.progress(this.#record, this.#startedAt, parts);
  }

  get clock(): Clock {
    return this.#around.clock;
  }

  get spawner(): Spawner {
    return this.#around.spawner;
  }

  get log(): Logger {
    return this.#around.log;
  }
}
