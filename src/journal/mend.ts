import type { NodeHoldRecord } from "../message/care/node-hold.ts";
import { idTime } from "../message/id.ts";
import { isFinalState } from "../message/lifecycle.ts";
import { type IdEntry, IdRows } from "./id-rows.ts";
import { HeldGroup } from "./jobs/held-group.ts";
import type {
  HeldEnd,
  HeldGroupRecord,
  HeldMembers,
  HeldStand,
  InRecord,
  OutBatch,
  OutLane,
  OutState,
} from "./records.ts";
import { type Key, keyText, type SetAside, type Store, type Table } from "./store/store.ts";

/**
 * The consequences of rows that were set aside, before the others are used. Rules: no command starts of which a row was
 * damaged, and none that may have been withdrawn or may have begun; each number of a lane stays filled, so that the
 * lane goes on; each id stays known. Where others have to say what they know, this journal goes on as another one.
 *
 *   lanes      made anew from the list of subjects and their batches; all messages count as sent
 *   out        skip markers, under their ids where `ids` has them
 *   ids        made anew from `out`
 *   learned    a message of that batch that its node has not acknowledged is withdrawn: perhaps it had been
 *   pending    forgotten: its origin asks, and hears that this node has lost its record
 *   progress   the unfinished messages of that frame are in doubt, and never begun
 *   held       the members of that group that are in no lane are cancelled
 *   checkpoints   a node that was held for maintenance stays held, until somebody releases it
 *   taken      a file stays taken; its ids are not known
 *   cancelled  a command stays cancelled; by whom is not known
 */
export interface MendOptions {
  readonly node: string;
  readonly now: number;
  readonly newId: () => string;
  /** Rows are missing without a trace. */
  readonly lost: boolean;
}

export interface Mending {
  readonly rows: readonly SetAside[];
  /** The reason why this journal has to go on as another one. */
  readonly renew: string | undefined;
}

/** Messages in one row. */
const MOST = 64;
const REASON = "its record in the journal was damaged";

type Place = readonly [lane: number, seq: number];

interface AsideRow extends SetAside {
  readonly v: 1;
  readonly text: string;
  readonly open: boolean;
}

export function mend(store: Store, options: MendOptions): Mending {
  const found = [...store.range("aside", {})]
    .map(({ key, value }) => ({ at: key, row: value as AsideRow }))
    .filter(({ row }) => row.open);
  if (found.length === 0 && !options.lost) return { rows: [], renew: undefined };
  const rows = found.map(({ row }) => row);
  const work = new Mend(store, options, rows);
  const renew = work.all();
  for (const { at, row } of found) store.put("aside", at, { ...row, open: false });
  return { rows: rows.map(({ table, key, fault }) => ({ table, key, fault })), renew };
}

class Mend {
  readonly #store: Store;
  readonly #options: MendOptions;
  readonly #rows: readonly SetAside[];
  readonly #lanes = new Map<number, OutLane>();
  #renew: string | undefined;

  constructor(store: Store, options: MendOptions, rows: readonly SetAside[]) {
    this.#store = store;
    this.#options = options;
    this.#rows = rows;
  }

  /** Mends all tables. Returns the reason why this journal has to go on as another one. */
  all(): string | undefined {
    for (const { value } of this.#store.range("lanes", {})) {
      const lane = value as OutLane;
      this.#lanes.set(lane.no, { ...lane });
    }
    if (this.#hit("lanes")) this.#lanesAnew();
    if (this.#hit("out", "ids", "lanes")) this.#fillGaps();
    if (this.#hit("out", "ids")) this.#idsAnew();
    if (this.#hit("learned")) this.#learned();
    if (this.#hit("pending", "progress")) this.#frames();
    if (this.#hit("held")) this.#held();
    for (const table of ["sources", "pending"] as const)
      if (this.#hit(table)) this.#renewed(`a row of ${table} was damaged`);
    for (const { table, key } of this.#rows) {
      if (table === "checkpoints" && String(key).startsWith("hold "))
        this.#store.put("checkpoints", key, this.#heldOn());
      if (table === "taken") this.#store.put("taken", key, []);
      if (table === "cancelled") this.#store.put("cancelled", key, this.#options.node);
      if (table === "meta" && (key === "epoch" || key === "version" || key === "node"))
        this.#renewed(`the row ${key} of meta was damaged`);
    }
    return this.#renew;
  }

  /** The hold of a node of which the row was damaged: its end is not known. */
  #heldOn(): NodeHoldRecord {
    const { now, node } = this.#options;
    return { v: 1, since: now, endsAt: null, by: node, note: REASON };
  }

  #hit(...tables: readonly Table[]): boolean {
    return this.#options.lost || this.#rows.some(({ table }) => tables.includes(table));
  }

  #renewed(why: string): void {
    this.#renew ??= why;
  }

  #lanesAnew(): void {
    this.#renewed("a row of lanes was damaged");
    for (const { key, value } of this.#store.range("subjects", {})) {
      const no = Number(key);
      if (this.#lanes.has(no)) continue;
      let last = 0;
      let owed: number | undefined;
      for (const { first, batch, states } of this.#batches(no)) {
        last = Math.max(last, first + batch.m.length - 1);
        batch.m.forEach((item, i) => {
          if (item !== null && !ended(states.get(first + i))) owed = Math.min(owed ?? first + i, first + i);
        });
      }
      for (const [, [lane, seq]] of this.#idEntries()) if (lane === no) last = Math.max(last, seq);
      const lane: OutLane = {
        ...{ v: 1, no, subject: String(value), next: last + 1, sent: last, acked: (owed ?? last + 1) - 1 },
        ...{ started: 0, open: 1, receiverEpoch: undefined },
      };
      this.#lanes.set(no, lane);
      this.#store.put("lanes", lane.subject, lane);
    }
  }

  /** Each number that should be there and is not gets a message that says nothing and is never begun. */
  #fillGaps(): void {
    const known = new Map<number, Map<number, string>>();
    for (const [id, [no, seq]] of this.#idEntries()) {
      const ids = known.get(no) ?? new Map<number, string>();
      known.set(no, ids.set(seq, id));
    }
    for (const lane of this.#lanes.values()) {
      const there = new Set<number>();
      for (const { first, batch } of this.#batches(lane.no)) for (const i of batch.m.keys()) there.add(first + i);
      const ids = known.get(lane.no) ?? new Map<number, string>();
      const missing = [...ids.keys()].filter((seq) => !there.has(seq) && seq < lane.next);
      for (let seq = lane.acked + 1; seq < lane.next; seq++) if (!there.has(seq) && !ids.has(seq)) missing.push(seq);
      this.#fill(
        lane,
        missing.sort((a, b) => a - b),
        ids,
      );
    }
  }

  #fill(lane: OutLane, missing: readonly number[], ids: ReadonlyMap<number, string>): void {
    /** First numbers of batches with `learned` rows: a batch whose own row is gone keeps these rows. */
    const starts = new Set<number>();
    for (const { key } of this.#store.range("learned", { from: [lane.no], to: [lane.no + 1] }))
      starts.add((key as number[])[1] ?? 0);
    let run: number[] = [];
    const put = (): void => {
      const [first] = run;
      if (first !== undefined) this.#putStubs(lane, first, run, ids);
      run = [];
    };
    for (const seq of missing) {
      const before = run.at(-1);
      const joins = before === seq - 1 && ids.has(before) === ids.has(seq) && !starts.has(seq) && run.length < MOST;
      if (!joins) put();
      run.push(seq);
    }
    put();
  }

  #putStubs(lane: OutLane, first: number, run: readonly number[], ids: ReadonlyMap<number, string>): void {
    const { newId } = this.#options;
    const isKept = ids.has(first);
    if (!isKept && lane.subject.includes(".event.")) this.#renewed("answers that others wait for were damaged");
    const items = run.map((seq) => ids.get(seq) ?? newId());
    const batch: OutBatch = { v: 1, k: isKept ? 1 : 0, m: items.map((i) => ({ i, c: idTime(i), d: null })) };
    const learned = this.#statesOf(lane.no, first);
    this.#store.put("out", [lane.no, first], batch);
    const rows: [number, OutState][] = run
      .filter((seq) => !ended(learned.states.get(seq)) && seq > lane.acked)
      .map((seq) => [seq, this.#undone(lane, seq, learned.states.get(seq))]);
    if (rows.length > 0) this.#store.put("learned", [lane.no, first, learned.next], rows);
  }

  /**
   * The end of a message that was on the wire is for its node to tell: it gets a skip marker, unless it has the message
   * already.
   */
  #undone(lane: OutLane, seq: number, known: OutState = UNTOLD): OutState {
    const { node, now: at } = this.#options;
    const state = "cancelled";
    if (seq <= lane.sent) return { ...known, n: Math.max(1, known.n), x: state };
    return { ...UNTOLD, e: { state, at, by: node, reason: REASON }, o: { state, at, reason: REASON }, x: state };
  }

  #idsAnew(): void {
    const listed = new Set([...this.#idEntries()].map(([id]) => id));
    const missing: [string, Place][] = [];
    for (const lane of this.#lanes.values())
      for (const { first, batch } of this.#batches(lane.no))
        if (batch.k === 1)
          batch.m.forEach((item, i) => {
            if (item !== null && !listed.has(item.i)) missing.push([item.i, [lane.no, first + i]]);
          });
    if (missing.length > 0) new IdRows<Place>(this.#store, "ids").put(missing);
  }

  #learned(): void {
    const hit = this.#rows
      .filter(({ table, key }) => table === "learned" && isKey(key, 3))
      .map(({ key }) => key as number[]);
    for (const key of hit) this.#store.put("learned", key, []);
    for (const lane of this.#lanes.values()) {
      let open = lane.open;
      for (const { first, batch, states, holes, next } of this.#batches(lane.no)) {
        const isHit = hit.some(([no, from]) => no === lane.no && from === first);
        for (const n of holes) this.#store.put("learned", [lane.no, first, n], []);
        if (!isHit && holes.length === 0 && !this.#options.lost) continue;
        open = Math.min(open, first);
        const rows: [number, OutState][] = [];
        batch.m.forEach((item, i) => {
          const seq = first + i;
          const known = states.get(seq);
          if (item !== null && seq > lane.acked && !ended(known)) rows.push([seq, this.#undone(lane, seq, known)]);
        });
        if (rows.length > 0) this.#store.put("learned", [lane.no, first, next], rows);
      }
      if (open < lane.open) this.#store.put("lanes", lane.subject, Object.assign(lane, { open }));
    }
  }

  #frames(): void {
    const hit = this.#rows
      .filter(({ table, key }) => table === "progress" && isKey(key, 2))
      .map(({ key }) => key as number[]);
    const frames = new Map<number, InRecord[]>();
    for (const { key, value } of this.#store.range("pending", {})) frames.set(Number(key), value as InRecord[]);
    for (const { key } of [...this.#store.range("progress", {})])
      if (!frames.has((key as number[])[0] ?? 0)) this.#store.remove("progress", key);
    const done = new IdRows(this.#store, "done");
    for (const [no, brought] of frames) {
      const records: (InRecord | undefined)[] = [...brought];
      let next = 0;
      let isHit = this.#options.lost;
      for (const [frame, n] of hit)
        if (frame === no) {
          this.#store.put("progress", [no, n ?? 0], []);
          isHit = true;
        }
      for (const { key, value } of [...this.#store.range("progress", { from: [no], to: [no + 1] })]) {
        const n = (key as number[])[1] ?? 0;
        for (; next < n; next++) {
          this.#store.put("progress", [no, next], []);
          isHit = true;
        }
        next = n + 1;
        for (const [place, now] of value as [number, InRecord | 0][]) records[place] = now === 0 ? undefined : now;
      }
      if (!isHit) continue;
      const changes = records.flatMap((record, place): [number, InRecord | 0][] => {
        if (record === undefined) return [];
        return [[place, done.find(record.message.id) === undefined ? { ...record, doubtful: true } : 0]];
      });
      if (changes.length > 0) this.#store.put("progress", [no, next], changes);
    }
  }

  /** A group of which a row is gone is held no longer: some of its messages may have been withdrawn, or released. */
  #held(): void {
    const { node, now: at } = this.#options;
    const keys = this.#rows.filter(({ table }) => table === "held").map(({ key }) => key);
    const hit = new Set(keys.filter(Array.isArray).map(([group]) => String(group)));
    // A key that cannot be read may be of any group.
    const isAnyHit = this.#options.lost || keys.some((key) => !Array.isArray(key));
    const rows = new Map<string, Map<number | string, unknown>>();
    for (const { key, value } of this.#store.range("held", {})) {
      const [group, part] = key as [string, number | string];
      if (isAnyHit || hit.has(group)) rows.set(group, (rows.get(group) ?? new Map()).set(part, value));
    }
    for (const group of hit) if (!rows.has(group)) rows.set(group, new Map());
    for (const [group, parts] of rows) {
      const members = [...parts].flatMap(([part, value]) =>
        typeof part === "number" && part > 0 ? [[part, value as HeldMembers] as const] : [],
      );
      const record = (parts.get(0) ?? recordOf(group, members, at)) as HeldGroupRecord;
      const stand = new HeldGroup(group, record);
      const known = new HeldGroup(group, record);
      if (parts.has("stand")) known.restore(parts.get("stand") as HeldStand);
      const placed: number[] = [];
      const others: number[] = [];
      const ended: number[] = [];
      for (let index = 0; index < record.count; index++) {
        const part = 1 + Math.floor(index / HELD_CHUNK);
        const id = (parts.get(part) as HeldMembers | undefined)?.[index % HELD_CHUNK]?.[0];
        const isPlaced = id !== undefined && this.#ids.find(id) !== undefined;
        if (typeof known.at(index) === "object") ended.push(index);
        else (isPlaced ? placed : others).push(index);
      }
      stand.set(placed, 1);
      for (const index of ended) stand.set([index], known.at(index) as HeldEnd);
      stand.set(others, { state: "cancelled", at, reason: `${node}: ${REASON}` });
      this.#store.put("held", [group, 0], record);
      for (let part = 1; (part - 1) * HELD_CHUNK < record.count; part++)
        if (!parts.has(part)) this.#store.put("held", [group, part], []);
      this.#store.put("held", [group, "stand"], stand.stand);
    }
  }

  get #ids(): IdRows<Place> {
    return new IdRows<Place>(this.#store, "ids");
  }

  *#idEntries(): Generator<IdEntry<Place>> {
    for (const { value } of this.#store.range("ids", {})) yield* value as IdEntry<Place>[];
  }

  *#batches(no: number) {
    for (const { key, value } of [...this.#store.range("out", { from: [no], to: [no + 1] })]) {
      const first = (key as number[])[1] ?? 0;
      yield { first, batch: value as OutBatch, ...this.#statesOf(no, first) };
    }
  }

  /** The `learned` rows of a batch: the states in them, the rows that are missing, and the number of the next one. */
  #statesOf(no: number, first: number) {
    const states = new Map<number, OutState>();
    const holes: number[] = [];
    let next = 0;
    for (const { key, value } of this.#store.range("learned", { from: [no, first], to: [no, first + 1] })) {
      const n = (key as number[])[2] ?? 0;
      for (; next < n; next++) holes.push(next);
      next = n + 1;
      for (const [seq, state] of value as [number, OutState][]) states.set(seq, state);
    }
    return { states, holes, next };
  }
}

/** Members of a row of `held`. */
const HELD_CHUNK = 256;

/** The record of a group whose own is gone: what its messages were is not known any more. */
function recordOf(group: string, members: readonly (readonly [number, HeldMembers])[], at: number): HeldGroupRecord {
  const count = Math.max(1, ...members.map(([part, row]) => (part - 1) * HELD_CHUNK + row.length));
  const last = members.at(-1)?.[1].at(-1)?.[0] ?? group;
  const content = { subject: "command.unknown.unknown", data: null, timeout: null, wait: null, until: at };
  return { v: 1, ...content, at: idTime(group), count, last, owner: group };
}

const UNTOLD: OutState = {
  ...{ n: 0, p: [0, 0, 0], e: undefined, l: undefined, o: undefined },
  ...{ c: undefined, i: undefined, h: undefined, x: undefined },
};

function ended(state: OutState | undefined): boolean {
  return state?.e !== undefined || (state?.l !== undefined && isFinalState(state.l.state));
}

function isKey(key: Key, length: number): boolean {
  return Array.isArray(key) && key.length === length && key.every((part) => Number.isSafeInteger(part));
}

/** The rows in words. */
export function namesOf(rows: readonly SetAside[], most = 10): string {
  const names = rows
    .slice(0, most)
    .map(({ table, key, fault }) => `${table} ${keyText(key).replaceAll("\0", " ")} (${fault})`);
  return [...names, ...(rows.length > most ? [`and ${rows.length - most} more`] : [])].join(", ");
}
