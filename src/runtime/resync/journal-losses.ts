import type { Journal } from "../../journal/journal.ts";
import { kindOf, receiverOf } from "../../message/subject.ts";
import type { Frame } from "../../message/wire/frame.ts";
import type { Failures } from "../../observe/alerts.ts";

/**
 * What can have been lost with the journal of another node. Nobody else tells it of a lane that is not used again: its
 * sender holds ACKs of a journal that is gone, its receiver waits for numbers that nobody has any more.
 *
 * Invariants: a change of a node's journal is told once, also across restarts of this node: what was told is journalled in
 * the same turn. Commands are not spoken of: `compare-ask.ts` settles each of them.
 */
interface Told {
  /** The journal of which the node had got, when it was told last. */
  readonly epoch: string;
  /** Up to where what was sent to it was said to be lost, by subject. */
  readonly sent: Readonly<Record<string, number>>;
}

interface Loss {
  /** What it had for us and had not sent, by lane: after which number. `undefined`: it was told before. */
  readonly unsent: readonly string[] | undefined;
  /** What it had taken from us and may not have dealt with, by lane: from and to. */
  readonly taken: readonly string[];
}

/** Lanes that are named in one line. */
const SOME = 10;

export class JournalLosses {
  readonly #node: string;
  readonly #journal: Journal;
  readonly #failures: Pick<Failures, "report">;
  /** The journal of each node, as last heard in this life. */
  readonly #heard = new Map<string, string>();
  /** The event lanes that were there when this life began, by receiver. */
  readonly #lanes = new Map<string, string[]>();

  constructor(node: string, journal: Journal, failures: Pick<Failures, "report">) {
    this.#node = node;
    this.#journal = journal;
    this.#failures = failures;
    for (const subject of journal.outbox.lanes.keys()) {
      if (kindOf(subject) !== "event") continue;
      const node = receiverOf(subject);
      const lanes = this.#lanes.get(node);
      if (lanes === undefined) this.#lanes.set(node, [subject]);
      else lanes.push(subject);
    }
  }

  /** A node says which journal it has; `fresh`: a lane of this journal began just now. */
  heard(node: string, epoch: string, fresh = false): void {
    if (node === this.#node) return;
    const loss = this.#lossOf(node, epoch, fresh);
    if (loss === undefined) return;
    const { unsent, taken } = loss;
    if (unsent !== undefined) {
      const text = `${node} has a new journal (${epoch}): a lost disk, a restored backup or a clone`;
      this.#failures.report("new-epoch", `${text}; what it had not sent is lost: ${some(unsent)}`, `new-epoch ${node}`);
    }
    if (taken.length > 0) {
      const text = `${node} has a new journal: what the one before had taken and not dealt with is lost`;
      this.#failures.report("journal-lost", `${text}: ${some(taken)}`, `journal-lost ${node}`);
    }
  }

  /** Messages of a lane were acknowledged by a journal of this node that is gone. */
  lost({ origin }: Frame, subject: string, from: number, to: number): void {
    const text = `${origin} sent ${subject} ${from} to ${to} to a journal of this node that is lost: they are not here`;
    this.#failures.report("journal-lost", text, `journal-lost ${origin} ${subject}`);
  }

  /** `undefined`: there is nothing to tell. */
  #lossOf(node: string, epoch: string, fresh: boolean): Loss | undefined {
    const before = this.#heard.get(node);
    if (before === epoch) return undefined;
    this.#heard.set(node, epoch);
    const key = `losses ${node}`;
    const told = this.#journal.checkpoint(key) as Told | undefined;
    const sent: Record<string, number> = { ...told?.sent };
    const taken = this.#taken(node, epoch, before === undefined, sent);
    const unsent = told?.epoch === epoch ? undefined : this.#unsent(node, epoch, fresh, told?.epoch);
    if (taken.length === 0 && unsent === undefined) return undefined;
    this.#journal.setCheckpoint({ key, value: { epoch: unsent === undefined ? (told?.epoch ?? "") : epoch, sent } });
    return { unsent, taken };
  }

  #taken(node: string, epoch: string, first: boolean, sent: Record<string, number>): string[] {
    const { lanes } = this.#journal.outbox;
    const subjects = first
      ? (this.#lanes.get(node) ?? [])
      : [...lanes.keys()].filter((subject) => kindOf(subject) === "event" && receiverOf(subject) === node);
    const taken: string[] = [];
    for (const subject of subjects) {
      const lane = lanes.get(subject);
      if (lane?.receiverEpoch === undefined || lane.receiverEpoch === epoch) continue;
      const from = (sent[subject] ?? 0) + 1;
      // Where more is to come the receiver sees by itself what is missing.
      if (lane.acked < from || lane.acked < lane.next - 1) continue;
      taken.push(from === lane.acked ? `${subject} ${from}` : `${subject} ${from} to ${lane.acked}`);
      sent[subject] = lane.acked;
    }
    return taken;
  }

  #unsent(node: string, epoch: string, fresh: boolean, told: string | undefined): string[] | undefined {
    const epochs = this.#journal.inbox.epochs(node);
    if (epochs.size === 0 || (epochs.has(epoch) && !fresh)) return undefined;
    const dead = [...epochs]
      .filter(([each]) => each !== epoch)
      .map(([each, lanes]) => ({ each, lanes: [...lanes.values()] }));
    const age = (lanes: readonly { at: number }[]): number => Math.max(...lanes.map(({ at }) => at));
    const last = dead.find(({ each }) => each === told) ?? dead.sort((a, b) => age(b.lanes) - age(a.lanes))[0];
    return last === undefined ? undefined : last.lanes.map((lane) => `${lane.subject} after ${lane.last}`);
  }
}

function some(lanes: readonly string[]): string {
  const rest = lanes.length > SOME ? `, and ${lanes.length - SOME} lanes more` : "";
  return `${lanes.slice(0, SOME).join(", ")}${rest}`;
}
