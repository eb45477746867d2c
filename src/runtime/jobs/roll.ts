import type { LinkState } from "../../actors/node.ts";
import type { HeldGroup } from "../../journal/jobs/held-group.ts";
import type { Journal } from "../../journal/journal.ts";
import type { JobStand } from "../../journal/records.ts";
import type { JobCounts } from "../../message/jobs/job.ts";
import type { State } from "../../message/lifecycle.ts";

/** The kinds of nodes that are counted, by what became of their messages. */
const KINDS = [
  "held",
  "queued",
  "received",
  "running",
  "succeeded",
  "failed",
  "rejected",
  "expired",
  "cancelled",
] as const;
type Kind = (typeof KINDS)[number];

const KIND: Readonly<Record<State, number>> = Object.fromEntries(
  Object.entries({
    held: "held",
    queued: "queued",
    sent: "queued",
    received: "received",
    running: "running",
    unknown: "running",
    succeeded: "succeeded",
    failed: "failed",
    timedOut: "failed",
    interrupted: "failed",
    rejected: "rejected",
    expired: "expired",
    cancelled: "cancelled",
  } satisfies Record<State, Kind>).map(([state, kind]) => [state, KINDS.indexOf(kind)]),
) as Record<State, number>;

const HELD = 0;
const QUEUED = 1;
const RECEIVED = 2;
const RUNNING = 3;
const SUCCEEDED = 4;

/** One node of a job, with its latest message. */
export interface RollEntry {
  readonly node: string;
  readonly id: string;
  readonly attempt: number;
  readonly kind: keyof JobCounts;
}

/**
 * The nodes of a job, each with its latest message and what became of that: derived from the messages, and read again from
 * them whenever one of them changes. Places are those of the first attempt, which has all nodes.
 */
export class Roll {
  readonly size: number;
  readonly #journal: Journal;
  readonly #link: (node: string) => LinkState;
  readonly #groups: readonly HeldGroup[];
  /** The attempt of each place, and the index in the group of that. */
  readonly #attempt: Uint16Array;
  readonly #index: Uint32Array;
  /** The place of each member of each attempt, and what became of it. */
  readonly #places: Uint32Array[] = [];
  readonly #kinds: Uint8Array[] = [];
  /** Numbers of the latest messages by kind. */
  readonly #totals = new Uint32Array(KINDS.length);
  /** Places whose latest message is in a lane and has not ended. */
  readonly #open = new Set<number>();

  constructor(journal: Journal, { attempts }: Pick<JobStand, "attempts">, link: (node: string) => LinkState) {
    this.#journal = journal;
    this.#link = link;
    this.#groups = attempts.flatMap(({ group }) => journal.held.group(group) ?? []);
    const [first] = this.#groups;
    this.size = first?.record.count ?? 0;
    this.#attempt = new Uint16Array(this.size);
    this.#index = new Uint32Array(this.size);
    let placeOf: Map<string, number> | undefined;
    for (const [attempt, group] of this.#groups.entries()) {
      const members = journal.held.members(group);
      const places = new Uint32Array(members.length);
      this.#places.push(places);
      this.#kinds.push(new Uint8Array(members.length));
      if (attempt > 0) placeOf ??= new Map(journal.held.members(first ?? group).map(([, node], i) => [node, i]));
      for (const [index, [, node]] of members.entries()) {
        const place = attempt === 0 ? index : (placeOf?.get(node) ?? 0);
        places[index] = place;
        this.#attempt[place] = attempt;
        this.#index[place] = index;
      }
    }
    for (let place = 0; place < this.size; place++) {
      const kind = this.#read(place);
      this.#kinds[this.#attempt[place] ?? 0]?.fill(kind, this.#index[place], (this.#index[place] ?? 0) + 1);
      this.#totals[kind] = (this.#totals[kind] ?? 0) + 1;
      if (isOpen(kind)) this.#open.add(place);
    }
  }

  /** The group of the latest attempt. */
  get group(): HeldGroup | undefined {
    return this.#groups.at(-1);
  }

  has(group: HeldGroup): boolean {
    return this.#groups.includes(group);
  }

  /** Reads again what became of a message. Returns true when it is told differently from before. */
  look(group: HeldGroup, index: number): boolean {
    const attempt = this.#groups.indexOf(group);
    const place = this.#places[attempt]?.[index];
    if (place === undefined || this.#attempt[place] !== attempt || this.#index[place] !== index) return false;
    const kinds = this.#kinds[attempt];
    const before = kinds?.[index] ?? HELD;
    const kind = this.#read(place);
    if (kinds === undefined || kind === before) return false;
    kinds[index] = kind;
    this.#totals[before] = (this.#totals[before] ?? 1) - 1;
    this.#totals[kind] = (this.#totals[kind] ?? 0) + 1;
    if (isOpen(kind)) this.#open.add(place);
    else this.#open.delete(place);
    return true;
  }

  /** Reads all open messages again. */
  lookAtOpen(): void {
    for (const place of [...this.#open]) {
      const group = this.#groups[this.#attempt[place] ?? 0];
      if (group !== undefined) this.look(group, this.#index[place] ?? 0);
    }
  }

  /** True when no message is held and none is open. */
  get allEnded(): boolean {
    return this.#open.size === 0 && (this.#totals[HELD] ?? 0) === 0;
  }

  counts(): JobCounts {
    const of = (kind: Kind): number => this.#totals[KINDS.indexOf(kind)] ?? 0;
    let [received, running, unknown] = [of("received"), of("running"), 0];
    for (const place of this.#open) {
      if (!this.#isUnknown(place)) continue;
      unknown++;
      if (this.#kindAt(place) === RECEIVED) received--;
      else running--;
    }
    const [held, queued, succeeded, failed] = [of("held"), of("queued"), of("succeeded"), of("failed")];
    const others = { rejected: of("rejected"), expired: of("expired"), cancelled: of("cancelled") };
    return { held, queued, received, running, unknown, succeeded, failed, ...others };
  }

  /** The numbers of the members `from` to `to` of the latest attempt. */
  part(from: number, to: number) {
    const attempt = this.#groups.length - 1;
    const kinds = this.#kinds[attempt] ?? new Uint8Array();
    const part = { size: to - from, held: 0, open: 0, away: 0, succeeded: 0, skipped: 0 };
    for (let index = from; index < to; index++) {
      const kind = kinds[index] ?? 0;
      if (kind === HELD) part.held++;
      else if (kind === SUCCEEDED) part.succeeded++;
      else if (KINDS[kind] === "cancelled") part.skipped++;
      else if (isOpen(kind)) {
        const place = this.#places[attempt]?.[index] ?? 0;
        if (kind === QUEUED && this.#isAway(place)) part.away++;
        else part.open++;
      }
    }
    return part;
  }

  /** Messages that were released, have not ended, and whose nodes are in reach. */
  get underWay(): number {
    let count = 0;
    for (const place of this.#open) if (!this.#isAway(place)) count++;
    return count;
  }

  *entries(): Generator<RollEntry> {
    for (let place = 0; place < this.size; place++) yield this.entry(place);
  }

  entry(place: number): RollEntry {
    const attempt = this.#attempt[place] ?? 0;
    const [id, node] = this.#member(place);
    const kind = this.#isUnknown(place) ? "unknown" : (KINDS[this.#kindAt(place)] ?? "held");
    return { node, id, attempt, kind };
  }

  #kindAt(place: number): number {
    return this.#kinds[this.#attempt[place] ?? 0]?.[this.#index[place] ?? 0] ?? 0;
  }

  #member(place: number): readonly [id: string, node: string] {
    const group = this.#groups[this.#attempt[place] ?? 0];
    const [id = "", node = ""] = (group && this.#journal.held.members(group)[this.#index[place] ?? 0]) ?? [];
    return [id, node];
  }

  #isAway(place: number): boolean {
    const link = this.#link(this.#member(place)[1]);
    return link === "offline" || link === "neverSeen";
  }

  /** Contact was lost after the node had the message. */
  #isUnknown(place: number): boolean {
    const kind = this.#kindAt(place);
    return (kind === RECEIVED || kind === RUNNING) && this.#link(this.#member(place)[1]) === "offline";
  }

  #read(place: number): number {
    const group = this.#groups[this.#attempt[place] ?? 0];
    const stand = group?.at(this.#index[place] ?? 0);
    if (stand === 0) return HELD;
    if (typeof stand === "object") return KIND[stand.state];
    const { outbox } = this.#journal;
    const found = outbox.find(this.#member(place)[0]);
    // A record that is gone had ended: the journal was damaged.
    return found === undefined ? KIND.failed : KIND[outbox.stateOf(found.lane, found.record)];
  }
}

function isOpen(kind: number): boolean {
  return kind === QUEUED || kind === RECEIVED || kind === RUNNING;
}
