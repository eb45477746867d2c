import type { Journal } from "../../journal/journal.ts";
import type { Clock } from "../../message/clock.ts";
import type { DraftTaker } from "../../message/draft.ts";
import type { Json } from "../../message/message.ts";
import type { Outcome, Report } from "../../message/report.ts";
import { CONTROL_DOMAIN, receiverOf } from "../../message/subject.ts";
import type { Logger } from "../../platform/logger.ts";
import type { Fleet } from "../fleet/fleet.ts";
import { COMPARE, type Compared } from "./compare-method.ts";
import type { JournalIdentities, SettledWatcher } from "./journal-identities.ts";
import type { Word } from "./vouch-method.ts";

/**
 * Two nodes compare their records of the same commands when they meet again. The origin lists its open commands; the node
 * names those that have ended, and those without a record because its journal was lost or restored: the latter become
 * `interrupted`, for whether they ran cannot be proved. Until a node has answered its session is `resyncing`.
 *
 * Each life of this daemon asks each node once in any case: this node's own journal may have been rolled back, and then
 * lacks outcomes that it once had.
 */
export interface RepairOptions {
  readonly journal: Journal;
  readonly clock: Clock;
  readonly log: Logger;
  readonly submitter: DraftTaker;
  readonly identities: Pick<JournalIdentities, "ask" | "watch">;
  readonly fleet: Pick<Fleet, "isResyncing" | "agreed">;
  /** True at central: nodes say hello to it, so it need not ask first. */
  readonly heardByHello: boolean;
  readonly reports: ReportFolder;
}

/** Folds a report on a command of ours into its record: `receive/reports.ts`. */
export interface ReportFolder {
  /** `told` gets the announcements to make once the record is durable. False: there is no such command. */
  fold(id: string, from: string, report: Report, told: (() => void)[]): boolean;
}

/** Commands in one question, and how long it may take to reach the node, ms. */
const AT_ONCE = 500;
const WITHIN = 60_000;

export class Repair implements SettledWatcher {
  readonly #options: RepairOptions;
  /** Questions that have no answer yet, by id. */
  readonly #asked = new Map<string, string>();
  /** Ids of these questions, by the node that was asked: many nodes may come back at once. */
  readonly #askedOf = new Map<string, Set<string>>();
  /** Answers that name commands as unknown, with the journal that gave them: two hosts may have the node's name. */
  readonly #unproved = new Map<string, Compared[]>();
  /** Nodes that have answered in this life. */
  readonly #met = new Set<string>();
  /** Nodes that are asked once more when they are heard next. */
  readonly #doubted = new Set<string>();

  constructor(options: RepairOptions) {
    this.#options = options;
    options.identities.watch(this);
  }

  /** A node began anew: open questions to it may be lost. */
  forget(node: string): void {
    for (const id of this.#askedOf.get(node) ?? []) this.#asked.delete(id);
    this.#askedOf.delete(node);
    this.#unproved.delete(node);
  }

  /** Asks all nodes with open commands, once the broker is there. */
  begin(): void {
    if (this.#options.heardByHello) return;
    const { outbox } = this.#options.journal;
    for (const node of new Set([...outbox.lanes.keys()].map(receiverOf)))
      if (outbox.openCount(node) > 0) this.look(node);
  }

  /** The node may have sent ACKs of an earlier journal after the present one was asked. */
  doubt(node: string): void {
    this.#doubted.add(node);
  }

  /** Puts the question to a node that has come back, or whose records still differ from ours. */
  look(node: string): void {
    const { journal, submitter, fleet } = this.#options;
    const isSure = this.#met.has(node) && !fleet.isResyncing(node) && !this.#doubted.has(node);
    if (isSure || this.#isAsked(node)) return;
    this.#doubted.delete(node);
    const open: Json[] = [];
    // Earlier questions are listed like other commands: a node that has lost one does not leave it open for ever.
    for (const { lane, record } of journal.outbox.openOn(node))
      open.push([record.message.id, lane.subject, record.seq]);
    if (open.length === 0) this.#agreed(node);
    for (let i = 0; i < open.length; i += AT_ONCE) {
      const data = { epoch: journal.epoch, open: open.slice(i, i + AT_ONCE) };
      const [asked] = submitter.submit([{ subject: subjectOf(node), data, deliverBy: WITHIN }], { owed: true });
      const id = asked?.message.id ?? "";
      this.#asked.set(id, node);
      this.#askedOf.set(node, (this.#askedOf.get(node) ?? new Set()).add(id));
    }
  }

  /** A command of ours has ended; a question to a node is one too. */
  ended(id: string, report: Pick<Outcome, "state" | "result">): void {
    const node = this.#asked.get(id);
    if (node === undefined) return;
    const { log } = this.#options;
    this.#asked.delete(id);
    const left = this.#askedOf.get(node);
    left?.delete(id);
    if (left?.size === 0) this.#askedOf.delete(node);
    if (report.state === "succeeded") this.#mend(node, report.result as unknown as Compared);
    // A node that does not know the question cannot answer it next time either.
    else if (report.state === "rejected") log.warn({ node }, "this node cannot compare its journal with ours");
    else return;
    if (!this.#isAsked(node)) this.#agreed(node);
  }

  #agreed(node: string): void {
    this.#met.add(node);
    this.#options.fleet.agreed(node);
  }

  #isAsked(node: string): boolean {
    return this.#unproved.has(node) || this.#askedOf.has(node);
  }

  /** Only the answer of the settled journal counts. */
  settled(node: string, word: Pick<Word, "epoch"> | undefined): void {
    if (word === undefined) return;
    const { epoch } = word;
    const said = this.#unproved.get(node);
    if (said === undefined) return;
    this.#unproved.delete(node);
    const reason = `${node} has lost its record of it: whether it ran cannot be proved`;
    const at = this.#options.clock.now();
    for (const { epoch: by = epoch, lost } of said)
      if (by === epoch)
        this.#fold(
          node,
          lost.map((id) => [id, { state: "interrupted", at, reason }]),
        );
    if (said.some(({ epoch: by = epoch }) => by !== epoch)) {
      this.#doubted.add(node);
      this.look(node);
    } else if (!this.#isAsked(node)) this.#agreed(node);
  }

  #mend(node: string, compared: Compared): void {
    const { done, lost } = compared;
    this.#fold(node, done);
    if (lost.length === 0) return;
    this.#unproved.set(node, [...(this.#unproved.get(node) ?? []), compared]);
    this.#options.identities.ask(node);
  }

  #fold(node: string, ended: Compared["done"]): void {
    const { journal, log, reports } = this.#options;
    const { outbox } = journal;
    const told: (() => void)[] = [];
    // The node may name commands that were never sent, or that have ended since the question.
    const open = ended.filter(([id]) => !outbox.isUnsent(id) && outbox.find(id)?.record.outcome === undefined);
    for (const [id, outcome] of open) reports.fold(id, node, outcome, told);
    if (open.length === 0) return;
    journal.flushed().then(
      () => {
        for (const tell of told) tell();
      },
      // The frame that brought the answer waits for the same commit, and tells its failure.
      () => undefined,
    );
    log.warn({ node, ended: open.length }, "commands of this node were ended by its own record of them");
  }
}

function subjectOf(node: string): string {
  return `${node}.command.${COMPARE}.${CONTROL_DOMAIN}`;
}
