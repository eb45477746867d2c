import type { Errand } from "../message/care/errand.ts";
import type { Clock, Random, Timer } from "../message/clock.ts";
import { faultText } from "../message/errors.ts";
import type { Logger } from "../platform/logger.ts";
import type { ErrandRows } from "./errand-rows.ts";

/**
 * Errands outside of steward: central brings alerts and outcomes to their destinations, at least once, and tries again
 * after growing pauses until it succeeds or an operator gives up.
 *
 *   waits ──its time──▶ under way ──done──▶ gone
 *     ▲                      └──failed──▶ waits, twice as long as before
 *     └── retry (an operator)                 drop (an operator) ──▶ gone
 *
 * Invariants: an errand is in the journal before it is tried, and until it is done; one destination does one errand at a time;
 * the number of errands is bounded.
 */
export interface ErrandsOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly rows: ErrandRows;
  readonly newId: () => string;
  readonly log: Logger;
  readonly courier: Courier;
  /** Counts errands for which there was no room. */
  readonly counters: { drop(reason: string, count: number, fields?: object): void };
}

export interface EndedTerms {
  readonly about?: "outcome" | "job";
  readonly key?: string;
}

/** Takes one errand to its destination; rejects with the reason when it did not arrive. */
export interface Courier {
  carry(errand: Errand): Promise<void>;
}

/** Pauses between two attempts, ms. */
const SHORTEST = 5_000;
const LONGEST = 3_600_000;
/** Alerts that wait at most; further ones are dropped. Outcomes are bounded where their messages and jobs are accepted. */
const MOST_ALERTS = 1_000;
/** Outcomes that wait, and replies that were asked for and may become such, at most. */
const MOST_REPLIES = 20_000;
const LONGEST_FAULT = 500;

export class Errands {
  readonly #options: ErrandsOptions;
  readonly #errands = new Map<string, Errand>();
  /** Destinations of the outcomes of messages and jobs that have not ended. */
  readonly #replies = new Map<string, readonly string[]>();
  readonly #busy = new Set<string>();
  #timer: Timer | undefined;
  #begun = false;

  constructor(options: ErrandsOptions) {
    this.#options = options;
    for (const errand of options.rows.errands()) this.#errands.set(errand.id, errand);
    for (const [message, to] of options.rows.replies()) this.#replies.set(message, to);
  }

  begin(): void {
    this.#begun = true;
    this.#look();
  }

  end(): void {
    this.#begun = false;
    this.#options.clock.clearTimeout(this.#timer);
  }

  /** The errands that wait, the oldest first. */
  list(): readonly Errand[] {
    return [...this.#errands.values()].sort((a, b) => a.madeAt - b.madeAt || (a.id < b.id ? -1 : 1));
  }

  /** Brings something to a destination; durable with the journal. */
  add(to: string, about: Errand["about"], body: Errand["body"], id = this.#options.newId()): void {
    const { clock, rows, counters } = this.#options;
    const alerts = [...this.#errands.values()].filter((errand) => errand.about === "alert").length;
    if (about === "alert" && alerts >= MOST_ALERTS) {
      counters.drop("too many alerts wait for their destinations", 1, { to });
      return;
    }
    // A job that begins again and again is accepted once, and ends often.
    if (about === "job" && !this.hasRoomFor(1)) {
      counters.drop("too many outcomes wait for their destinations", 1, { to });
      return;
    }
    const now = clock.now();
    const errand: Errand = { v: 1, id, to, about, body, madeAt: now, attempts: 0, dueAt: now };
    this.#errands.set(id, errand);
    rows.setErrand(errand);
    this.#arm();
  }

  /** True if so many more messages may ask for replies. */
  hasRoomFor(replies: number): boolean {
    return this.#replies.size + this.#errands.size + replies <= MOST_REPLIES;
  }

  /** Notes where the outcome of a message or a job goes; durable with the journal. */
  expect(id: string, to: readonly string[]): void {
    this.#replies.set(id, to);
    this.#options.rows.setReply(id, to);
  }

  /** The destinations of the outcome of a message or a job that has not ended; `undefined`: none was asked for. */
  expected(id: string): readonly string[] | undefined {
    return this.#replies.get(id);
  }

  /**
   * A message or a job has ended: its replies become errands in this turn, with the outcome in one transaction. `key` begins the
   * keys of these errands.
   */
  ended(id: string, body: () => Errand["body"], { about = "outcome", key = id }: EndedTerms = {}): void {
    if (this.#replies.size === 0) return;
    const to = this.#replies.get(id);
    if (to === undefined) return;
    this.#replies.delete(id);
    this.#options.rows.setReply(id, undefined);
    for (const destination of to) this.add(destination, about, body(), `${key}-${destination}`);
  }

  /** Tries an errand at once. False: there is none of this id. */
  retry(id: string): boolean {
    const errand = this.#errands.get(id);
    if (errand === undefined) return false;
    this.#put({ ...errand, dueAt: this.#options.clock.now() });
    this.#arm();
    return true;
  }

  /** Gives an errand up, for an operator. */
  drop(id: string): boolean {
    if (!this.#errands.delete(id)) return false;
    this.#options.rows.dropErrand(id);
    return true;
  }

  #put(errand: Errand): void {
    this.#errands.set(errand.id, errand);
    this.#options.rows.setErrand(errand);
  }

  #arm(): void {
    const { clock } = this.#options;
    clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    if (!this.#begun) return;
    let due = Number.POSITIVE_INFINITY;
    for (const { to, dueAt } of this.#errands.values()) if (!this.#busy.has(to)) due = Math.min(due, dueAt);
    if (!Number.isFinite(due)) return;
    // A wall clock that goes back lengthens a pause by no more than the longest one.
    this.#timer = clock.setTimeout(() => this.#look(), Math.min(LONGEST, Math.max(0, due - clock.now())));
  }

  #look(): void {
    const now = this.#options.clock.now();
    for (const errand of this.list()) {
      if (this.#busy.has(errand.to)) continue;
      if (errand.dueAt > now && errand.dueAt - now <= LONGEST) continue;
      this.#busy.add(errand.to);
      void this.#carry(errand);
    }
    this.#arm();
  }

  /** Never rejects. */
  async #carry(errand: Errand): Promise<void> {
    const { courier, log } = this.#options;
    const { id, to, about } = errand;
    let fault: string | undefined;
    try {
      await courier.carry(errand);
    } catch (error) {
      fault = faultText(error).slice(0, LONGEST_FAULT);
    }
    this.#busy.delete(to);
    if (!this.#begun) return;
    // An operator may have given it up meanwhile.
    const known = this.#errands.get(id);
    if (known !== undefined && fault === undefined) {
      this.drop(id);
      log.info({ errand: id, to, about, attempts: known.attempts + 1 }, `${about} delivered to ${to}`);
    } else if (known !== undefined && fault !== undefined) {
      const attempts = known.attempts + 1;
      const pause = this.#pauseAfter(attempts);
      log.warn({ errand: id, to, about, attempts, pause }, `${about} not delivered to ${to}: ${fault}`);
      this.#put({ ...known, attempts, fault, dueAt: this.#options.clock.now() + pause });
    }
    this.#arm();
  }

  #pauseAfter(attempts: number): number {
    const pause = Math.min(LONGEST, SHORTEST * 2 ** Math.min(attempts - 1, 20));
    return Math.round(pause * (0.5 + this.#options.random.next() / 2));
  }
}
