import type { Journal } from "../../../journal/journal.ts";
import type { HistoryEntry, HistoryRecord } from "../../../journal/records.ts";
import type { Clock, Timer } from "../../../message/clock.ts";
import type { NodeChange, NodeDescription } from "../known-node.ts";
import { StateSpans } from "./state-spans.ts";

/**
 * The states that nodes were in, kept in rows of the journal. A row says from when to when this daemon was there, and which
 * changes it saw meanwhile; the time between two rows is not known.
 *
 *   row   current (written again as it grows) ──full, or an hour old──▶ closed ──out of `retention.history`──▶ gone
 *
 * Changes are written together, a second after the first of them. `work` changes with every command: a minute's changes of it
 * count as one. The last state of each region outlives its row, for a node that never changes is known too.
 */
export interface NodeHistoryOptions {
  readonly journal: Pick<Journal, "notes">;
  readonly clock: Clock;
  readonly keep: () => { readonly age: number; readonly bytes: number };
  /** A time at which the life before was there for certain, for it may have been killed, ms. */
  readonly aliveAt: number;
}

export interface HistoryQuestion {
  readonly since: number;
  readonly until: number;
  /** Absent: all nodes. */
  readonly node?: string;
  /** Absent: all regions. */
  readonly region?: string;
  /** Nodes, by name, after this one. */
  readonly after?: string;
  readonly limit: number;
}

export interface HistoryAnswer {
  readonly keptSince: number;
  /** Spans in which this daemon was not there, within those that were asked for. */
  readonly unknown: readonly (readonly [from: number, to: number])[];
  readonly nodes: readonly {
    readonly name: string;
    /** By region: since when it was in which state, and why; the first began before the span that was asked for, or in it. */
    readonly regions: Readonly<Record<string, readonly (readonly [at: number, state: string, cause: string])[]>>;
  }[];
}

interface Row {
  readonly no: number;
  readonly from: number;
  until: number;
  bytes: number;
}

const WRITE_AFTER = 1_000;
/** A row that nothing changes is written that often, ms, to say that the daemon is still there. */
const TICK = 600_000;
const WORK_EVERY = 60_000;
const ROW = { entries: 64, age: 3_600_000 } as const;
/** Rows that are let go at once. */
const MOST_SWEPT = 500;
const REGIONS = ["link", "session", "work", "trust", "storage"] as const;
const WORK = "work";

export class NodeHistory {
  readonly #options: NodeHistoryOptions;
  readonly #spans = new StateSpans();
  readonly #rows: Row[] = [];
  readonly #work = new Map<string, NodeChange>();
  #entries: HistoryEntry[] = [];
  #bytes = 0;
  #isKnown: (node: string) => boolean = () => true;
  #writing: Timer | undefined;
  #ticking: Timer | undefined;
  #working: Timer | undefined;

  constructor(options: NodeHistoryOptions) {
    this.#options = options;
    for (const [no, { from, until, entries }] of options.journal.notes.history()) {
      const bytes = entries.reduce((sum, entry) => sum + sizeOf(entry), 0);
      this.#rows.push({ no, from, until, bytes });
      this.#bytes += bytes;
      for (const entry of entries) this.#spans.add(entry);
    }
    const last = this.#rows.at(-1);
    if (last !== undefined) last.until = Math.max(last.until, Math.min(options.aliveAt, options.clock.now()));
    this.#begin(options.clock.now());
  }

  /** Notes the states in which the nodes are found at the start. */
  open(nodes: Iterable<NodeDescription>, isKnown: (node: string) => boolean): void {
    const now = this.#options.clock.now();
    this.#isKnown = isKnown;
    for (const node of nodes) {
      for (const region of REGIONS) {
        const state = node[region];
        const known = this.#spans.last(node.name, region);
        if (known === state) continue;
        const at = known === undefined ? this.#since(node, region, now) : now;
        this.#add([at, node.name, region, state, region === "link" ? node.cause : "found so at the start"]);
      }
    }
    this.#tick();
  }

  /** The time from which on a region that has no record was as it is: each change is recorded, so it has been as it began. */
  #since({ name, linkSince }: NodeDescription, region: string, now: number): number {
    return Math.min(now, region === "link" ? linkSince : (this.#spans.first(name) ?? now));
  }

  changed(change: NodeChange): void {
    if (change.region === WORK) {
      this.#work.set(change.name, change);
      this.#working ??= this.#options.clock.setTimeout(() => this.#takeWork(), WORK_EVERY);
    } else this.#add([change.at, change.name, change.region, change.to, change.cause]);
  }

  read({ since, until, node, region, after, limit }: HistoryQuestion): HistoryAnswer {
    const now = this.#options.clock.now();
    const current = this.#rows.at(-1);
    if (current !== undefined) current.until = Math.max(current.until, now);
    const names = node === undefined ? this.#spans.names(after, limit) : [node];
    const nodes = names.map((name) => ({ name, regions: this.#spans.of(name, since, until, region) }));
    return { keptSince: this.#rows[0]?.from ?? now, unknown: this.#unknown(since, Math.min(until, now)), nodes };
  }

  end(): void {
    const { clock } = this.#options;
    clock.clearTimeout(this.#ticking);
    clock.clearTimeout(this.#writing);
    this.#takeWork();
    this.#write();
  }

  #unknown(since: number, until: number): (readonly [number, number])[] {
    const gaps: (readonly [number, number])[] = [];
    let known = since;
    for (const row of this.#rows) {
      if (row.until <= since) continue;
      if (row.from >= until) break;
      if (row.from > known) gaps.push([known, row.from]);
      known = Math.max(known, row.until);
    }
    if (known < until) gaps.push([known, until]);
    return gaps;
  }

  #add(entry: HistoryEntry): void {
    const current = this.#rows.at(-1);
    if (this.#entries.length >= ROW.entries || (current !== undefined && entry[0] - current.from > ROW.age)) {
      this.#write();
      this.#begin(this.#options.clock.now());
    }
    this.#spans.add(entry);
    this.#take(entry);
    this.#writing ??= this.#options.clock.setTimeout(() => this.#write(), WRITE_AFTER);
  }

  #take(entry: HistoryEntry): void {
    this.#entries.push(entry);
    const row = this.#rows.at(-1);
    if (row !== undefined) row.bytes += sizeOf(entry);
    this.#bytes += sizeOf(entry);
  }

  #begin(from: number): void {
    this.#rows.push({ no: (this.#rows.at(-1)?.no ?? 0) + 1, from, until: from, bytes: 0 });
    this.#entries = [];
  }

  #write(): void {
    const { clock, journal } = this.#options;
    clock.clearTimeout(this.#writing);
    this.#writing = undefined;
    const row = this.#rows.at(-1);
    if (row === undefined) return;
    row.until = Math.max(row.until, clock.now());
    const record: HistoryRecord = { v: 1, from: row.from, until: row.until, entries: [...this.#entries] };
    journal.notes.setHistory(row.no, record);
  }

  #tick(): void {
    this.#write();
    this.#sweep();
    this.#ticking = this.#options.clock.setTimeout(() => this.#tick(), TICK);
  }

  #takeWork(): void {
    this.#options.clock.clearTimeout(this.#working);
    this.#working = undefined;
    for (const { at, name, to, cause } of this.#work.values())
      if (this.#spans.last(name, WORK) !== to) this.#add([at, name, WORK, to, cause]);
    this.#work.clear();
  }

  #sweep(): void {
    const { clock, journal, keep } = this.#options;
    const { age, bytes } = keep();
    const before = clock.now() - age;
    const closed = this.#rows.slice(0, Math.min(this.#rows.length - 1, MOST_SWEPT));
    for (const row of closed) {
      if (row.until >= before && this.#bytes <= bytes) break;
      const kept = journal.notes.historyOf(row.no);
      journal.notes.dropHistory(row.no);
      this.#rows.shift();
      this.#bytes -= row.bytes;
      for (const entry of kept?.entries ?? [])
        if (this.#spans.drop(entry, this.#isKnown(entry[1])) === "last") this.#carry(entry);
    }
  }

  /** Takes the last state of a region along into the current row, under the time since which it holds. */
  #carry(entry: HistoryEntry): void {
    if (this.#entries.length >= ROW.entries) {
      this.#write();
      this.#begin(this.#options.clock.now());
    }
    this.#take(entry);
    this.#writing ??= this.#options.clock.setTimeout(() => this.#write(), WRITE_AFTER);
  }
}

function sizeOf([, node, region, state, cause]: HistoryEntry): number {
  return 24 + node.length + region.length + state.length + cause.length;
}
