import { TransientSender } from "../../broker/transient.ts";
import type { Transport } from "../../broker/transport.ts";
import type { Journal } from "../../journal/journal.ts";
import type { InRecord } from "../../journal/records.ts";
import type { Clock, Timer } from "../../message/clock.ts";
import type { NewId } from "../../message/id.ts";
import type { Json } from "../../message/message.ts";
import { CONTROL_DOMAIN, kindOf } from "../../message/subject.ts";
import type { Envelope } from "../../message/wire/envelope.ts";
import type { Renewal } from "./restored.ts";
import { contradiction, wordFor } from "./vouch-answer.ts";
import { VOUCH, type Vouch, type Word } from "./vouch-method.ts";

/**
 * Asks the origins of the commands that lay in the inbox when the daemon started. The disk may have been rolled back, and
 * the commands may have run since: this host cannot tell, but their origin knows the reports that it got. So before such a
 * command begins, or ends without having begun, its origin is asked, once in each life of the daemon for all its commands.
 * A command that comes in this life and was on its way in an earlier one waits for the same answer.
 *
 *   unasked ─▶ asked (again and again, while the broker is there) ─▶ vouched: they go on
 *                                                                └─▶ behind: the journal is renewed, they are interrupted
 *
 * A command of this node to itself needs no word, and an idempotent one needs none to begin. If the host was not booted
 * since the journal was last opened, the host was not rolled back: after a while without an answer all goes on. A disk that
 * was rolled back under a running host shows when the origin is in reach, and only then.
 *
 * Invariants: a word counts only for the life of the daemon that asked for it. Questions are not journalled: each is
 * repeated until there is an answer.
 */
export interface VouchingOptions {
  readonly node: string;
  readonly journal: Journal;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly envelope: Pick<Envelope, "seal" | "knows" | "session">;
  /** Identifies this life of the daemon, in questions to other nodes and in frames that they send here. */
  readonly life: string;
  readonly renewal: Pick<Renewal, "renew">;
}

/** Commands in one question, and the shortest and the longest wait for its answer, ms. */
const AT_ONCE = 500;
const SOON = 2_000;
const LATE = 60_000;

/** How long the answer is waited for on a host that was not booted, ms. */
const PATIENCE = 60_000;

/** Questions and answers that are sealed again if their receiver has begun another life. */
const KEPT = 8;

interface Asked {
  readonly ids: Set<string>;
  readonly tell: (() => void)[];
}

export class Vouching {
  readonly #options: VouchingOptions;
  readonly life: string;
  readonly #sender: TransientSender;
  readonly #open = new Map<string, Asked>();
  /** Origins that have answered in this life: their further commands need no word. */
  readonly #met = new Set<string>();
  #timer: Timer | undefined;
  #patience: Timer | undefined;
  #wait = SOON;
  #up = false;
  #behind = false;

  constructor(options: VouchingOptions) {
    const { node, journal, clock, life } = options;
    this.#options = options;
    this.life = life;
    this.#sender = new TransientSender(() => ({ ...options, epoch: journal.epoch }), options.transport, KEPT);
    this.#met.add(node);
    this.add(journal.inbox.pending().filter(({ message }) => kindOf(message.subject) === "command"));
    if (journal.sameBoot && this.#open.size > 0) this.#patience = clock.setTimeout(() => this.#goOn(), PATIENCE);
  }

  #goOn(): void {
    if (!this.#behind) for (const origin of [...this.#open.keys()]) this.#close(origin);
  }

  /** True if a command that this origin sends again may have run in an earlier life: the origin has not answered in this one. */
  isUnproved(origin: string): boolean {
    return !this.#met.has(origin);
  }

  /** Holds commands back until their origin has vouched for them. */
  add(records: readonly InRecord[]): void {
    let more = false;
    for (const { message, doubtful } of records) {
      const { id, origin } = message;
      if (doubtful === true || this.#met.has(origin)) continue;
      const asked = this.#open.get(origin) ?? { ids: new Set(), tell: [] };
      more ||= !this.#open.has(origin);
      this.#open.set(origin, asked);
      asked.ids.add(id);
    }
    if (more && this.#up) this.linked(true);
  }

  /** True until the origin has answered: the command must neither start nor be reported as expired or cancelled. */
  isOpen({ message: { id, origin } }: InRecord): boolean {
    return this.#open.get(origin)?.ids.has(id) ?? false;
  }

  /** Calls `tell` once an origin has vouched for all its commands of earlier lives. */
  onceVouched(origin: string, tell: () => void): void {
    const asked = this.#open.get(origin);
    if (asked === undefined) tell();
    else asked.tell.push(tell);
  }

  /** Resolves once the origin has vouched for a command, or when the signal comes. */
  vouched(record: InRecord, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted || !this.isOpen(record)) return resolve();
      signal.addEventListener("abort", () => resolve(), { once: true });
      this.onceVouched(record.message.origin, resolve);
    });
  }

  linked(up: boolean): void {
    this.#rest();
    this.#up = up;
    this.#wait = SOON;
    if (up && !this.#behind) this.#ask();
  }

  /** A node is there again: an open question goes to it at once. */
  back(origin: string): void {
    if (this.#timer !== undefined && this.#open.has(origin)) this.linked(true);
  }

  end(): void {
    this.#options.clock.clearTimeout(this.#patience);
    this.#rest();
  }

  #rest(): void {
    this.#options.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  heard(origin: string, vouch: Vouch): void {
    if ("word" in vouch) this.#judge(origin, vouch.life, vouch.word);
    else this.#send(origin, { life: vouch.life, word: wordFor(this.#options.journal, origin, vouch.epoch, vouch.ids) });
  }

  /** Asks a node which journal it has; each host that has its name answers. `question`: names the question in the answer. */
  question(node: string, question: string): void {
    this.#send(node, { life: question, epoch: this.#options.journal.epoch, ids: [] });
  }

  /** A node did not open what was sent on this subject: it was sealed for another life of its daemon. */
  sealAgain(subject: string): void {
    this.#sender.sealAgain(subject);
  }

  #ask(): void {
    const { journal, clock } = this.#options;
    for (const [origin, { ids }] of this.#open) {
      // A command that has ended meanwhile needs no word.
      for (const id of ids) if (journal.inbox.find(id) === undefined) ids.delete(id);
      if (ids.size === 0) this.#close(origin);
      else this.#send(origin, { life: this.life, epoch: journal.epoch, ids: [...ids].slice(0, AT_ONCE) });
    }
    if (this.#open.size === 0) return;
    this.#timer = clock.setTimeout(() => this.#ask(), this.#wait);
    this.#wait = Math.min(LATE, this.#wait * 2);
  }

  #judge(origin: string, life: string, word: Word): void {
    const { journal, renewal } = this.#options;
    const asked = this.#open.get(origin);
    if (life !== this.life || asked === undefined || this.#behind) return;
    const proof = contradiction(journal, origin, word);
    if (proof !== undefined) {
      // The questions end here: in the next life this journal is another one.
      this.end();
      this.#behind = true;
      renewal.renew(proof);
      return;
    }
    // An origin that disowns a command cannot say that it has not run.
    journal.inbox.doubt(word.disowned.filter((id) => asked.ids.has(id)));
    for (const id of word.ids) asked.ids.delete(id);
    if (asked.ids.size === 0) {
      this.#met.add(origin);
      this.#close(origin);
    } else this.linked(true);
  }

  #close(origin: string): void {
    const asked = this.#open.get(origin);
    this.#open.delete(origin);
    for (const tell of asked?.tell ?? []) tell();
  }

  #send(to: string, vouch: Vouch): void {
    this.#sender.send(`${to}.event.${VOUCH}.${CONTROL_DOMAIN}`, vouch as unknown as Json);
  }
}
