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
export interface NodeOfJob {
  readonly node: string;
  readonly id: string;
  readonly attempt: number;
  readonly kind: keyof JobCounts;
}

/**
 * The nodes of a job, each with its latest message and what became of that: derived from the messages, and read again from
 * them whenever one of them changes. Places are those of the first attempt, which has all nodes.
 */
export class JobNodes {
  readonly size: number;
  readonly #journal: Journal;
  readonly #link: (node: string) => LinkState;
  readonly #groups: readonly HeldGroup[];
  /** The attempt that each group is part of. */
  readonly #attemptOf: readonly number[];
  /** The number of the first group of the latest attempt. */
  readonly #latest: number;
  /** The latest group of each place, and the index in it. */
  readonly #groupNo: Uint16Array;
  readonly #index: Uint32Array;
  /** The place of each member of each group, and what became of it. */
  readonly #places: Uint32Array[] = [];
  readonly #kinds: Uint8Array[] = [];
  /** Numbers of the latest messages by kind. */
  readonly #totals = new Uint32Array(KINDS.length);
  /** Places whose latest message is in a lane and has not ended. */
  readonly #open = new Set<number>();

  constructor(journal: Journal, { attempts }: Pick<JobStand, "attempts">, link: (node: string) => LinkState) {
    this.#journal = journal;
    this.#link = link;
    const groups = attempts.flatMap(({ group, later = [] }, attempt) =>
      [group, ...later].flatMap((id) => {
        const found = journal.held.group(id);
        return found === undefined ? [] : [{ found, attempt }];
      }),
    );
    this.#groups = groups.map(({ found }) => found);
    this.#attemptOf = groups.map(({ attempt }) => attempt);
    this.#latest = this.#attemptOf.indexOf(this.#attemptOf.at(-1) ?? 0);
    const [first] = this.#groups;
    this.size = first?.record.count ?? 0;
    this.#groupNo = new Uint16Array(this.size);
    this.#index = new Uint32Array(this.size);
    let placeOf: Map<string, number> | undefined;
    for (const [no, group] of this.#groups.entries()) {
      const members = journal.held.members(group);
      const places = new Uint32Array(members.length);
      this.#places.push(places);
      this.#kinds.push(new Uint8Array(members.length));
      if (no > 0) placeOf ??= new Map(journal.held.members(first ?? group).map(([, node], i) => [node, i]));
      for (const [index, [, node]] of members.entries()) {
        const place = no === 0 ? index : (placeOf?.get(node) ?? 0);
        places[index] = place;
        this.#groupNo[place] = no;
        this.#index[place] = index;
      }
    }
    for (let place = 0; place < this.size; place++) {
      const kind = this.#read(place);
      this.#kinds[this.#groupNo[place] ?? 0]?.fill(kind, this.#index[place], (this.#index[place] ?? 0) + 1);
      this.#totals[kind] = (this.#totals[kind] ?? 0) + 1;
      if (isOpen(kind)) this.#open.add(place);
    }
  }

  /** The group of the latest attempt. */
  get group(): HeldGroup | undefined {
    return this.#groups[this.#latest];
  }

  /** All groups of the latest attempt: behind its own those that wait for another window. */
  get groups(): readonly HeldGroup[] {
    return this.#groups.slice(this.#latest);
  }

  /** The number of messages of the latest attempt that are held. */
  get heldCount(): number {
    return this.groups.reduce((sum, { heldCount }) => sum + heldCount, 0);
  }

  /** Messages of the latest attempt that expired on their lanes, or on their nodes. */
  *expired(): Generator<{ readonly id: string; readonly node: string }> {
    if ((this.#totals[KINDS.indexOf("expired")] ?? 0) === 0) return;
    for (let place = 0; place < this.size; place++) {
      const no = this.#groupNo[place] ?? 0;
      if (no < this.#latest || KINDS[this.#kindAt(place)] !== "expired") continue;
      if (this.#groups[no]?.at(this.#index[place] ?? 0) !== 1) continue;
      const [id, node] = this.#member(place);
      yield { id, node };
    }
  }

  has(group: HeldGroup): boolean {
    return this.#groups.includes(group);
  }

  /** Reads again what became of a message. Returns true when it is told differently from before. */
  look(group: HeldGroup, index: number): boolean {
    const no = this.#groups.indexOf(group);
    const place = this.#places[no]?.[index];
    if (place === undefined || this.#groupNo[place] !== no || this.#index[place] !== index) return false;
    const kinds = this.#kinds[no];
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
      const group = this.#groups[this.#groupNo[place] ?? 0];
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
    const places = this.#places[this.#latest] ?? new Uint32Array();
    const part = { size: to - from, held: 0, open: 0, away: 0, succeeded: 0, skipped: 0 };
    for (let index = from; index < to; index++) {
      const place = places[index] ?? 0;
      const kind = this.#kindAt(place);
      if (kind === HELD) part.held++;
      else if (kind === SUCCEEDED) part.succeeded++;
      else if (KINDS[kind] === "cancelled") part.skipped++;
      else if (isOpen(kind)) {
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

  *entries(): Generator<NodeOfJob> {
    for (let place = 0; place < this.size; place++) yield this.entry(place);
  }

  entry(place: number): NodeOfJob {
    const attempt = this.#attemptOf[this.#groupNo[place] ?? 0] ?? 0;
    const [id, node] = this.#member(place);
    const kind = this.#isUnknown(place) ? "unknown" : (KINDS[this.#kindAt(place)] ?? "held");
    return { node, id, attempt, kind };
  }

  #kindAt(place: number): number {
    return this.#kinds[this.#groupNo[place] ?? 0]?.[this.#index[place] ?? 0] ?? 0;
  }

  #member(place: number): readonly [id: string, node: string] {
    const group = this.#groups[this.#groupNo[place] ?? 0];
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
    const group = this.#groups[this.#groupNo[place] ?? 0];
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
