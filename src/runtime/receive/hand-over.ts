import type { Journal } from "../../journal/journal.ts";
import type { InRecord } from "../../journal/records.ts";
import type { Announcer } from "../../observe/announce.ts";
import type { Routes } from "./routes.ts";

export interface HandOverOptions {
  readonly journal: Journal;
  readonly routes: Routes;
  readonly announce: Pick<Announcer, "taken">;
}

/** Hears of packets that were taken and cannot be handed over. */
export interface Refuser {
  refused(error: unknown, subject: string): void;
}

/** Messages handed over in one turn. */
const A_TURN = 256;

/** Messages of one frame, and when they were taken by monotonic time. */
interface Batch {
  readonly records: InRecord[];
  readonly takenAt: number;
}

/** Messages that were taken and wait for their turn to be handed to their process, in order. */
export class HandOver {
  readonly #options: HandOverOptions;
  readonly #refuser: Refuser;
  /** By subject. */
  readonly #waiting = new Map<string, Batch[]>();

  constructor(options: HandOverOptions, refuser: Refuser) {
    this.#options = options;
    this.#refuser = refuser;
  }

  /** Hands over a few in each turn, in order, so that the first outcomes are on the way while other commands still run. */
  add(subject: string, records: InRecord[], takenAt: number, now = false): void {
    if (records.length === 0) return;
    const batch: Batch = { records, takenAt };
    const queue = this.#waiting.get(subject);
    if (queue !== undefined) {
      queue.push(batch);
      return;
    }
    this.#waiting.set(subject, [batch]);
    if (now) this.#some(subject);
    else setImmediate(() => this.#some(subject));
  }

  #some(subject: string): void {
    const queue = this.#waiting.get(subject) ?? [];
    let room = A_TURN;
    for (let batch = queue[0]; batch !== undefined && room > 0; batch = queue[0]) {
      const some = batch.records.splice(0, room);
      room -= some.length;
      if (batch.records.length === 0) {
        queue.shift();
        this.#options.routes.get(subject)?.inHand.end(batch.records);
      }
      this.#hand(subject, some, batch.takenAt);
    }
    if (queue.length === 0) this.#waiting.delete(subject);
    else setImmediate(() => this.#some(subject));
  }

  #hand(subject: string, some: readonly InRecord[], takenAt: number): void {
    const { routes, journal, announce } = this.#options;
    const route = routes.get(subject);
    try {
      announce.taken(some);
      if (route?.process !== undefined) route.process.feed(some, takenAt);
      // The process that kept a place for the command is gone: the next one finds it in the journal, not started.
      else for (const { message, state } of some) if (state === "running") journal.inbox.notStarted(message.id);
    } catch (error) {
      this.#refuser.refused(error, subject);
    }
  }
}
