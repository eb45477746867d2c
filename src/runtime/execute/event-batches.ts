import { mkdir } from "node:fs/promises";
import type { Journal } from "../../journal/journal.ts";
import type { InRecord } from "../../journal/records.ts";
import type { Clock } from "../../message/clock.ts";
import { faultText, normalise } from "../../message/errors.ts";
import type { EventHandler } from "../../methods/define.ts";
import { waitForRoom } from "../../methods/wait-for-room.ts";
import type { Logger } from "../../platform/logger.ts";
import type { Route } from "../receive/route.ts";
import type { ProcessWatcher } from "../submit/process-watcher.ts";
import type { Respond } from "./respond.ts";

export interface EventBatchOptions {
  readonly route: Route;
  readonly node: string;
  /** The directory in which event handlers of this method keep their files. */
  readonly directory: string;
  readonly journal: Journal;
  readonly respond: Respond;
  readonly clock: Clock;
  readonly log: Logger;
  readonly watcher: ProcessWatcher;
}

/** Failures after which a message becomes a dead letter. */
export const POISONED = 3;
/** Events that one call of a handler takes. */
const EVENT_BATCH = 256;

/** Batches of the events of one subject, in the order in which they were taken; a batch has one origin. */
export class EventBatches {
  readonly #options: EventBatchOptions;
  readonly #stopping: AbortSignal;
  readonly #waiting: InRecord[] = [];
  /** True once the directory of the handler is there. */
  #made = false;

  constructor(options: EventBatchOptions, stopping: AbortSignal) {
    this.#options = options;
    this.#stopping = stopping;
  }

  add(records: readonly InRecord[]): void {
    this.#waiting.push(...records);
  }

  /** Handles the next batch. True: more events wait. @throws the handler's error, once each event has counted it */
  async handle(): Promise<boolean> {
    const { batch, handler } = this.#admitted(this.#next());
    const [first] = batch;
    if (first === undefined || handler === undefined) return this.#waiting.length > 0;
    const { node, route, directory, journal, respond, clock, log, watcher } = this.#options;
    const { origin } = first.message;
    const key = `sink ${route.subject} ${origin}`;
    try {
      const input = batch.map(({ message }) => ({ id: message.id, createdAt: message.createdAt, data: message.data }));
      const context = {
        node,
        origin,
        domain: route.config.domain,
        checkpoint: journal.checkpoint(key),
        directory,
        clock,
        log,
        stopping: this.#stopping,
        blocked: (fault: string | undefined) => watcher.block("subscriber", route.subject, fault),
      };
      if (!this.#made && handler.transient !== true)
        await waitForRoom(context, directory, () => mkdir(directory, { recursive: true }));
      this.#made = true;
      const value = await handler.handle(input, context);
      respond.handled(batch, value === undefined ? undefined : { key, value });
      return this.#waiting.length > 0;
    } catch (error) {
      // A handler that was told to stop while it waited: its events have not failed, and come again.
      if (this.#stopping.aborted) return false;
      this.#failed(batch, normalise(error).message);
      throw error;
    }
  }

  /** Events that may still be handled. One that was taken before its permission was withdrawn becomes a dead letter. */
  #admitted(events: readonly InRecord[]): { batch: readonly InRecord[]; handler: EventHandler | undefined } {
    const { route, respond } = this.#options;
    let handler: EventHandler | undefined;
    const batch = events.filter((record) => {
      try {
        handler = route.admit(route.senderOf(record.message), record.message.data).event;
        return true;
      } catch (error) {
        respond.dead(record, faultText(error));
        return false;
      }
    });
    return { batch, handler };
  }

  /** The next events of one origin; an event that failed before is alone, so that a bad one spoils no other. */
  #next(): InRecord[] {
    const [first] = this.#waiting;
    let count = 1;
    if (first?.attempts === 0) {
      const { origin } = first.message;
      while (
        count < EVENT_BATCH &&
        this.#waiting[count]?.message.origin === origin &&
        this.#waiting[count]?.attempts === 0
      )
        count++;
    }
    return this.#waiting.splice(0, count);
  }

  #failed(batch: readonly InRecord[], reason: string): void {
    const { journal, respond } = this.#options;
    for (const { message } of batch) {
      const failed = journal.inbox.failedOnce(message.id);
      if (failed !== undefined && failed.attempts >= POISONED) respond.dead(failed, reason);
    }
  }
}
