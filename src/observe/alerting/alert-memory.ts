import type { AlertView } from "../../message/care/alert.ts";
import type { Clock } from "../../message/clock.ts";
import type { Json } from "../../message/message.ts";

/**
 * The alerts of this node, and at central of all nodes, across restarts: one entry for each node, code and matter, with
 * when it was first and last raised and how often.
 *
 *   raised ⇄ over (its cause is gone)        cleared: from either, by an operator; or the oldest, when there are too many
 *
 * Invariants: the number of entries is bounded, those that are over go first; what is told twice within a moment is counted
 * at once and written with the next that is told.
 */
type Entry = Omit<AlertView, "firstAt" | "lastAt"> & {
  readonly first: number;
  readonly last: number;
  readonly matter: string;
  readonly slot: number;
};

/** Where the entries are kept: a journal's checkpoints. */
export interface AlertStore {
  checkpoint(key: string): Json | undefined;
  setCheckpoint(checkpoint: { readonly key: string; readonly value: Json }): void;
}

/** Entries that are kept, and characters of each text. */
const MOST = 200;
const LONGEST = 1_000;

export class AlertMemory {
  readonly #journal: AlertStore;
  readonly #clock: Clock;
  /** By node and matter. */
  readonly #entries = new Map<string, Entry>();
  #next = 1;

  constructor(journal: AlertStore, clock: Clock) {
    this.#journal = journal;
    this.#clock = clock;
    for (let slot = 0; slot < MOST; slot++) {
      const entry = journal.checkpoint(keyOf(slot)) as unknown as Entry | null | undefined;
      if (entry === undefined || entry === null) continue;
      this.#entries.set(nameOf(entry.node, entry.matter), entry);
      this.#next = Math.max(this.#next, entry.no + 1);
    }
  }

  /** `matter`: the key by which alerts are the same one. `write`: the alert is told now, so it is written. */
  raise(node: string, code: string, text: string, matter: string, write: boolean): void {
    const at = this.#clock.now();
    const known = this.#entries.get(nameOf(node, matter));
    const again = { last: at, text: text.slice(0, LONGEST) };
    if (known === undefined) {
      const slot = this.#freeSlot();
      this.#put({ no: this.#next++, node, code, first: at, count: 1, state: "raised", matter, slot, ...again }, true);
    } else {
      const { overAt: _gone, ...rest } = known;
      this.#put({ ...rest, ...again, state: "raised", count: known.count + 1 }, write || known.state === "over");
    }
  }

  /** Notes that the cause is gone. False: there was no such alert. */
  over(node: string, matter: string): boolean {
    const known = this.#entries.get(nameOf(node, matter));
    if (known === undefined || known.state === "over") return false;
    this.#put({ ...known, state: "over", overAt: this.#clock.now() }, true);
    return true;
  }

  /** The latest first. */
  all(): AlertView[] {
    return [...this.#entries.values()]
      .sort((a, b) => b.last - a.last || b.no - a.no)
      .map(({ matter: _matter, slot: _slot, first: firstAt, last: lastAt, ...view }) => ({ ...view, firstAt, lastAt }));
  }

  /** Removes the alert of this number, for an operator. False: there is none. */
  clear(no: number): boolean {
    const found = [...this.#entries.values()].find((entry) => entry.no === no);
    if (found === undefined) return false;
    this.#drop(found);
    return true;
  }

  #put(entry: Entry, write: boolean): void {
    this.#entries.set(nameOf(entry.node, entry.matter), entry);
    if (write) this.#journal.setCheckpoint({ key: keyOf(entry.slot), value: entry as unknown as Json });
  }

  #drop(entry: Entry): void {
    this.#entries.delete(nameOf(entry.node, entry.matter));
    this.#journal.setCheckpoint({ key: keyOf(entry.slot), value: null });
  }

  #freeSlot(): number {
    const held = [...this.#entries.values()];
    if (held.length >= MOST) {
      const [oldest] = held.sort(
        (a, b) => Number(a.state === "raised") - Number(b.state === "raised") || a.last - b.last,
      );
      if (oldest !== undefined) this.#drop(oldest);
    }
    const used = new Set([...this.#entries.values()].map(({ slot }) => slot));
    let slot = 0;
    while (used.has(slot)) slot++;
    return slot;
  }
}

function keyOf(slot: number): string {
  return `alert ${slot}`;
}

function nameOf(node: string, matter: string): string {
  return `${node} ${matter}`;
}
