import type { Clock, Timer } from "../../message/clock.ts";
import type { NewId } from "../../message/id.ts";
import type { Fleet } from "../fleet/fleet.ts";
import type { Vouching } from "./vouch-ask.ts";
import type { Vouch, Word } from "./vouch-method.ts";

/**
 * Finds out which journal a node has. Before a journal is declared gone its node is asked, and each host that has its name
 * answers: the journal may be alive on another host, and a hello or an ACK may be late.
 *
 *   unasked ─▶ asked ─▶ settled (one journal alone was heard since, and has answered)
 *               ▲  └─▶ asked again (no answer, or more than one journal)
 *
 * Invariant: questions are not journalled; the watchers ask again in the next life.
 */
export interface JournalIdentitiesOptions {
  /** This node; the question goes to it as to others, for another host may have its name. */
  readonly node: string;
  readonly vouching: Pick<Vouching, "question">;
  readonly fleet: Pick<Fleet, "isDoubled" | "link">;
  readonly clock: Clock;
  readonly newId: NewId;
}

/** Hears once the journal of a node is known. */
export interface SettledWatcher {
  /** `word`: the answer of the node; absent for this node. */
  settled(node: string, word: Word | undefined): void;
}

/** How long another host may take to answer, and the longest time until the question is put again, ms. */
const SETTLE = 5_000;
const LONGEST = 60_000;
/** This node's own question is settled after so long without an answer, ms: its broker may not let it write to itself. */
const UNANSWERED = 20_000;

interface Question {
  readonly id: string;
  readonly wait: number;
  readonly timer: Timer;
  /** The journals that were heard since the question was put. */
  readonly epochs: Set<string>;
  answer: Word | undefined;
}

export class JournalIdentities {
  readonly #options: JournalIdentitiesOptions;
  readonly #watchers: SettledWatcher[] = [];
  readonly #questions = new Map<string, Question>();

  constructor(options: JournalIdentitiesOptions) {
    this.#options = options;
  }

  watch(watcher: SettledWatcher): void {
    this.#watchers.push(watcher);
  }

  /** Asks until it is settled which journal the node has; the watchers are told. */
  ask(node: string): void {
    if (!this.#questions.has(node)) this.#put(node, SETTLE);
  }

  /** Notes the journal of a hello or an ACK. */
  heard(node: string, epoch: string): void {
    this.#questions.get(node)?.epochs.add(epoch);
  }

  /** True if the vouch answers a question that was put here. */
  answered(node: string, vouch: Vouch): boolean {
    const question = this.#questions.get(node);
    if (question === undefined || !("word" in vouch) || vouch.life !== question.id) return false;
    question.answer = vouch.word;
    question.epochs.add(vouch.word.epoch);
    return true;
  }

  end(): void {
    for (const { timer } of this.#questions.values()) this.#options.clock.clearTimeout(timer);
    this.#questions.clear();
  }

  #put(node: string, wait: number): void {
    const { vouching, clock, newId } = this.#options;
    const id = newId();
    const timer = clock.setTimeout(() => this.#look(node), wait);
    this.#questions.set(node, { id, wait, timer, epochs: new Set(), answer: undefined });
    vouching.question(node, id);
  }

  #look(node: string): void {
    const { node: self, fleet } = this.#options;
    const question = this.#questions.get(node);
    if (question === undefined) return;
    const { answer, epochs, wait } = question;
    this.#questions.delete(node);
    const isLinked = fleet.link(self) === "online";
    const isKnown = answer !== undefined || (node === self && isLinked && wait >= UNANSWERED);
    if (!isKnown || epochs.size > 1 || fleet.isDoubled(node))
      this.#put(node, isLinked ? Math.min(LONGEST, wait * 2) : wait);
    else for (const watcher of this.#watchers) watcher.settled(node, answer);
  }
}
