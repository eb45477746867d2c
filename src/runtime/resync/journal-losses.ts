import type { Journal } from "../../journal/journal.ts";
import type { InLane, OutLane } from "../../journal/records.ts";
import type { Json } from "../../message/message.ts";
import { kindOf, parseSubject } from "../../message/subject.ts";
import type { MethodFacts } from "../../methods/define.ts";
import type { Failures } from "../../observe/alerts.ts";
import type { JournalIdentities, SettledWatcher } from "./journal-identities.ts";
import type { Word } from "./vouch-method.ts";

/**
 * Tells the events that are lost with a journal that is gone or was rolled back. On the sending side, each lane with ACKs of
 * that journal asks the present one how much of the lane it has, and the receiver says which numbers it lacks. On the
 * receiving side, the sender's present journal names the earlier ones that it descends from, and the numbers that they gave.
 *
 * Invariants: a loss is told once, also across restarts of this node, and only once it is settled which journal the node
 * has; until then it is journalled as untold, in the turn in which it was noticed. Commands and their outcomes are left
 * out: `compare-ask.ts` settles each of them.
 */
export interface JournalLossesOptions {
  readonly node: string;
  readonly journal: Journal;
  readonly failures: Pick<Failures, "report">;
  readonly identities: Pick<JournalIdentities, "ask" | "heard" | "watch">;
  readonly methods: ReadonlyMap<string, MethodFacts>;
  readonly publishers: LaneAsker;
}

/** Asks the receiver of a lane how much of it its present journal has: `deliver/publishers.ts`. */
export interface LaneAsker {
  ask(subject: string): void;
}

/** Journals of a node whose losses were told: the one that it had then, and those before it. */
interface Told {
  readonly epoch: string;
  readonly dead?: readonly string[];
}

/** Events of a lane that another journal of this node acknowledged: `count` of them, from the first to the last. */
interface Missing {
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

/** The missing events of an origin, by subject. */
type MissingLanes = Readonly<Record<string, Missing>>;

/** The journal key of the origins with untold missing events. */
const MISSING = "missing events";
/** The most lanes, or nodes, that one alert names. */
const SOME = 10;

export class JournalLosses implements SettledWatcher {
  readonly #options: JournalLossesOptions;
  /** The journal of each node, as last heard in this life. */
  readonly #heard = new Map<string, string>();
  /** Untold missing events, by origin. */
  readonly #missing = new Map<string, MissingLanes>();

  constructor(options: JournalLossesOptions) {
    this.#options = options;
    const { node, journal, identities } = options;
    identities.watch(this);
    for (const origin of (journal.checkpoint(MISSING) ?? []) as string[])
      this.#missing.set(origin, (journal.checkpoint(missingFrom(origin)) ?? {}) as unknown as MissingLanes);
    if (this.#missing.size > 0) identities.ask(node);
  }

  heard(node: string, epoch: string): void {
    const { node: self, identities } = this.#options;
    identities.heard(node, epoch);
    const before = this.#heard.get(node);
    if (node === self || before === epoch) return;
    this.#heard.set(node, epoch);
    if (this.#acknowledgedByOther(node, epoch).length > 0 || this.#gone(node, epoch).length > 0) identities.ask(node);
  }

  /** Notes numbers that this journal never saw although their origin holds ACKs for them. */
  missing(origin: string, subject: string, from: number, to: number): void {
    const { node, identities } = this.#options;
    if (kindOf(subject) === "command" || this.#carriesOutcomes(subject)) return;
    const isFirst = !this.#missing.has(origin);
    const lanes = this.#missing.get(origin) ?? {};
    const known = lanes[subject] ?? { from, to, count: 0 };
    const more: Missing = { from: known.from, to, count: known.count + to - from + 1 };
    this.#missing.set(origin, { ...lanes, [subject]: more });
    this.#note(missingFrom(origin), this.#missing.get(origin) as unknown as Json);
    if (isFirst) this.#note(MISSING, [...this.#missing.keys()]);
    identities.ask(node);
  }

  settled(node: string, word: Word | undefined): void {
    if (node === this.#options.node) this.#tellMissing();
    else if (word !== undefined) {
      for (const { subject } of this.#acknowledgedByOther(node, word.epoch)) this.#options.publishers.ask(subject);
      this.#tellGone(node, word);
    }
  }

  /** The event lanes to a node with ACKs of another journal than this one. */
  #acknowledgedByOther(node: string, epoch: string): OutLane[] {
    return this.#options.journal.outbox
      .lanesTo(node)
      .filter(
        ({ subject, receiverEpoch = epoch, acked }) =>
          kindOf(subject) === "event" && receiverEpoch !== epoch && acked > 0,
      );
  }

  #note(key: string, value: Json): void {
    this.#options.journal.setCheckpoint({ key, value });
  }

  /** True if the events of a subject are outcomes of commands. */
  #carriesOutcomes(subject: string): boolean {
    return this.#options.methods.get(parseSubject(subject).method)?.command !== undefined;
  }

  #tellMissing(): void {
    const all = [...this.#missing];
    if (all.length <= SOME) for (const [origin, lanes] of all) this.#tellMissingFrom(origin, lanes);
    else this.#tellMissingFromMany(all);
    this.#missing.clear();
    this.#note(MISSING, []);
    for (const [origin] of all) this.#note(missingFrom(origin), null);
  }

  #tellMissingFrom(origin: string, lanes: MissingLanes): void {
    const count = countOf(lanes);
    const named = some(Object.entries(lanes).map(([subject, lane]) => `${subject} ${numbers(lane)}`));
    const [were, are] = count === 1 ? ["1 event was", "is"] : [`${count} events were`, "are"];
    const text = `${were} acknowledged to ${origin} by a journal of this node that is gone, and ${are} not here: ${named}`;
    const remedy = `${origin} does not send them again: look for them where they came from.`;
    this.#options.failures.report("journal-lost", `${text}. ${remedy}`, `journal-lost ${origin} ${named}`);
  }

  /** One alert for several nodes: a central that was rolled back lacks events of each of its nodes. */
  #tellMissingFromMany(all: readonly (readonly [origin: string, lanes: MissingLanes])[]): void {
    const counts = all.map(([origin, lanes]) => ({ origin, count: countOf(lanes) }));
    const sum = counts.reduce((before, { count }) => before + count, 0);
    const most = [...counts].sort((a, b) => b.count - a.count).map(({ origin, count }) => `${origin} ${count}`);
    const text = `${sum} events of ${all.length} nodes were acknowledged by a journal of this node that is gone, and are not here`;
    const remedy = "They are not sent again: look for them where they came from.";
    this.#options.failures.report("journal-lost", `${text}: ${some(most, "nodes")}. ${remedy}`, `journal-lost ${sum}`);
  }

  #tellGone(node: string, { epoch, was = [] }: Word): void {
    const { journal, failures } = this.#options;
    const epochs = journal.inbox.epochs(node);
    const descent = new Map(was.map(([earlier, given]) => [earlier, new Map(given)]));
    const unsent: string[] = [];
    const forgotten: string[] = [];
    for (const gone of this.#gone(node, epoch)) {
      const lanes = [...(epochs.get(gone)?.values() ?? [])];
      const given = descent.get(gone);
      if (given === undefined) unsent.push(...lanes.map(({ subject, last }) => `${subject} after ${last}`));
      else forgotten.push(...lanes.flatMap((lane) => this.#forgottenOf(lane, given.get(lane.subject) ?? 0)));
    }
    const dead = [...epochs.keys()].filter((each) => each !== epoch);
    this.#note(keyOf(node), { epoch, dead });
    if (unsent.length > 0) {
      const text = `${node} has a new journal (${epoch}): a lost disk, a restored backup or a clone`;
      failures.report("new-epoch", `${text}; what it had not sent may be lost: ${some(unsent)}`, `new-epoch ${node}`);
    }
    if (forgotten.length > 0) {
      const text = `${node} goes on with an earlier state of its journal (${epoch}): what it accepted since then and had not`;
      const all = `${text} sent is lost, and it has forgotten ${some(forgotten)}, which came here`;
      failures.report("new-epoch", all, `new-epoch ${node} ${epoch}`);
    }
  }

  #forgottenOf({ subject, last }: InLane, given: number): string[] {
    if (last <= given || (kindOf(subject) === "event" && this.#carriesOutcomes(subject))) return [];
    return [`${subject} ${numbers({ from: given + 1, to: last, count: last - given })}`];
  }

  /** Replaced journals of a node whose losses are still to be told. */
  #gone(node: string, epoch: string): string[] {
    const { journal } = this.#options;
    const dead = [...journal.inbox.epochs(node).keys()].filter((each) => each !== epoch);
    if (dead.length === 0) return dead;
    const told = journal.checkpoint(keyOf(node)) as Told | undefined;
    if (told === undefined) return dead;
    return dead.filter((each) => (told.dead === undefined ? each === told.epoch : !told.dead.includes(each)));
  }
}

function keyOf(node: string): string {
  return `losses ${node}`;
}

function numbers({ from, to, count }: Missing): string {
  if (from === to) return `${from}`;
  return count === to - from + 1 ? `${from} to ${to}` : `${count} of ${from} to ${to}`;
}

function missingFrom(origin: string): string {
  return `missing events ${origin}`;
}

function countOf(lanes: MissingLanes): number {
  return Object.values(lanes).reduce((sum, { count }) => sum + count, 0);
}

function some(named: readonly string[], what = "lanes"): string {
  const rest = named.length > SOME ? `, and ${named.length - SOME} ${what} more` : "";
  return `${named.slice(0, SOME).join(", ")}${rest}`;
}
