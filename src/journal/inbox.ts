import { idTime } from "../message/id.ts";
import type { FinalState } from "../message/lifecycle.ts";
import { type Outcome, withoutOutput } from "../message/report.ts";
import { kindOf } from "../message/subject.ts";
import { type Frame, type FrameItem, messageOf, type Verdict, type WholeItem } from "../message/wire/frame.ts";
import type { DeadLetters } from "./dead-letters.ts";
import { IdRows } from "./id-rows.ts";
import { type InFrame, InFrames } from "./in-frames.ts";
import { InLanes } from "./in-lanes.ts";
import type { DeadRecord, DoneRecord, InLane, InRecord } from "./records.ts";
import type { Store } from "./store/store.ts";

/** Gaps that are remembered of a lane; who loses more journals than that has other worries. */
const MOST_LOST = 100;

/** The decision on one new message. */
export type Judgement =
  /** Take it; `start`: it will run at once, so it is recorded `running` in the same commit. */
  | { readonly kind: "take"; readonly deadline: number | null; readonly start: boolean }
  /** Take its number and answer with a final state. */
  | { readonly kind: "verdict"; readonly state: FinalState; readonly reason: string }
  /** Take its number; the caller has journalled what it means in this same turn. */
  | { readonly kind: "folded" }
  /** Take its number: the command came before, from an earlier journal of its origin. `done`: its outcome is owed once more. */
  | { readonly kind: "known"; readonly done: DoneRecord | undefined };

interface Placed {
  readonly frame: Frame;
  readonly subject: string;
  readonly lane: InLane;
  /** The first frame ever seen of this epoch, of an origin that was known by another one. */
  readonly newEpoch: boolean;
  /** Messages of the frame that were here before. */
  readonly duplicates: number;
  /** Numbers, from and to, that another journal of this node took, and this one never saw. */
  readonly lost?: readonly [from: number, to: number];
}

/** Messages of the frame are next. */
export interface PlacedNew extends Placed {
  readonly kind: "new";
  /** The number of the first that is new. */
  readonly from: number;
  /** The numbers of those with an id that stands in the frame before them. */
  readonly repeated: ReadonlySet<number> | undefined;
  /** The origin had another journal before: what is new by its number may have come from that one. */
  readonly reborn: boolean;
}

/** The place of a frame in its lane. */
export type Place =
  | PlacedNew
  /** All of it was here before. */
  | (Placed & { readonly kind: "duplicate" })
  /** Numbers before it are missing, from this one on. */
  | (Placed & { readonly kind: "gap"; readonly expected: number })
  /** The origin gives numbers again that it gave before: its journal was restored from an earlier state. */
  | (Placed & { readonly kind: "wentBack" });

export interface Taken {
  /** Highest number of the lane that this node has. */
  readonly last: number;
  readonly taken: readonly InRecord[];
  /** Those that the origin does not know yet. */
  readonly verdicts: readonly Verdict[];
}

/**
 * What this node took from others: one number for each lane, and the messages that are not finished.
 *
 * Invariants: a number is taken once; `last` never goes down; a record is `running` on disk before its side effects
 * begin; it leaves `pending` in the turn that journals its outcome.
 */
export class Inbox {
  readonly #store: Store;
  /** Lanes of origins that gave numbers again. */
  readonly #wentBack = new WeakSet<InLane>();
  readonly #lanes: InLanes;
  readonly #pending: InFrames;
  readonly #dead: DeadLetters;
  readonly #done: IdRows<DoneRecord>;
  /** Ended in this turn. */
  #doneNow = new Map<string, DoneRecord>();
  /** Commands that were cancelled before they came, and by whom. */
  readonly #cancelledEarly = new Map<string, string>();

  constructor(store: Store, dead: DeadLetters) {
    this.#store = store;
    this.#dead = dead;
    this.#lanes = new InLanes(store);
    this.#pending = new InFrames(store);
    this.#done = new IdRows(store, "done");
    for (const { key, value } of store.range("cancelled", {})) this.#cancelledEarly.set(String(key), String(value));
  }

  /** The sequence check. Nothing is taken yet. */
  place(frame: Frame, subject: string): Place {
    const { origin, epoch, first, acked, base = 0, items } = frame;
    const known = this.#lanes.get(origin, epoch, subject);
    const epochs = this.#lanes.epochs(origin);
    const newEpoch = epochs.size > 0 && !epochs.has(epoch);
    const lane: InLane = known ?? {
      v: 1,
      origin,
      epoch,
      subject,
      last: base,
      lastId: undefined,
      verdicts: [],
      lost: [],
      at: 0,
    };
    const placed = { frame, subject, lane, newEpoch, duplicates: 0 };
    if (first > lane.last + 1 && acked <= lane.last) return { ...placed, kind: "gap", expected: lane.last + 1 };
    const overlapping = items[lane.last - first];
    const differs = lane.lastId !== undefined && overlapping !== undefined && overlapping.id !== lane.lastId;
    if (differs) this.#wentBack.add(lane);
    // Nothing more of it counts: all comes again from another journal.
    if (this.#wentBack.has(lane)) return { ...placed, kind: "wentBack", newEpoch: false };
    // What the origin holds an ACK for, it never sends again: its word moves a lane on that this node knows nothing of.
    const last = Math.max(lane.last, acked);
    const lost = last > lane.last ? { lost: [lane.last + 1, last] as const } : undefined;
    if (first > last + 1) return { ...placed, ...lost, kind: "gap", expected: last + 1 };
    const from = Math.max(first, last + 1);
    const duplicates = Math.min(items.length, from - first);
    if (duplicates === items.length) return { ...placed, ...lost, kind: "duplicate", duplicates };
    const reborn = epochs.size > (known === undefined ? 0 : 1);
    return { ...placed, ...lost, kind: "new", from, duplicates, reborn, repeated: repeatedIn(frame) };
  }

  /** The decision on a new message that does not depend on what it says; `undefined`: there is none. */
  known({ frame, subject, reborn, repeated }: PlacedNew, item: FrameItem, seq: number): Judgement | undefined {
    const earlier = reborn ? this.#before(item, frame.origin, subject) : undefined;
    if (earlier !== undefined) return { kind: "known", done: "outcome" in earlier ? earlier : undefined };
    // Records are found by id: a second message of the same id would take the place of the first.
    return repeated?.has(seq) === true || this.#pending.get(item.id) !== undefined
      ? { kind: "verdict", state: "rejected", reason: "another message here has its id" }
      : undefined;
  }

  /** Writes what was decided of the new messages of a frame, in order; those without a decision must come again. */
  take(place: Place, decisions: readonly Judgement[], at: number): Taken {
    const { frame, subject, lane, lost } = place;
    const taken: InRecord[] = [];
    if (place.kind === "wentBack" || (place.kind === "gap" && lost === undefined))
      return { last: lane.last, taken, verdicts: lane.verdicts };
    const before = lane.last;
    if (lost !== undefined) {
      lane.lost = [...lane.lost, lost].slice(-MOST_LOST);
      [, lane.last] = lost;
      lane.lastId = undefined;
    }
    const verdicts = lane.verdicts.filter((verdict) => verdict.seq > frame.acked);
    let into: InFrame | undefined;
    let seq = place.kind === "new" ? place.from : frame.first;
    for (const judged of decisions) {
      const item = frame.items[seq - frame.first];
      if (item === undefined) break;
      lane.last = seq;
      lane.lastId = item.id === "" ? undefined : item.id;
      if (judged.kind === "verdict") verdicts.push({ seq, state: judged.state, reason: judged.reason });
      if (judged.kind === "take" && "data" in item) {
        into ??= this.#pending.begin();
        taken.push(this.#take(into, frame, subject, seq, item, at, judged));
      }
      seq++;
    }
    const isNew = this.#lanes.get(lane.origin, lane.epoch, subject) === undefined;
    if (isNew || lane.last !== before || verdicts.length !== lane.verdicts.length) {
      lane.verdicts = verdicts;
      lane.at = at;
      this.#lanes.put(lane);
    }
    return { last: lane.last, taken, verdicts };
  }

  /** The same command, taken from an earlier journal of its origin. */
  #before(item: FrameItem, origin: string, subject: string): InRecord | DoneRecord | undefined {
    if (kindOf(subject) === "event") return undefined;
    const pending = this.find(item.id);
    if (pending?.message.subject === subject && pending.message.origin === origin) return pending;
    const done = this.done(item.id);
    return done?.subject === subject && done.origin === origin ? done : undefined;
  }

  #take(
    into: InFrame,
    frame: Frame,
    subject: string,
    seq: number,
    item: WholeItem,
    at: number,
    judged: { deadline: number | null; start: boolean },
  ): InRecord {
    const received: InRecord = {
      v: 1,
      message: messageOf(item, subject, frame.origin),
      epoch: frame.epoch,
      seq,
      receivedAt: at,
      deadline: judged.deadline,
      state: "received",
      attempts: 0,
    };
    const record: InRecord = judged.start ? { ...received, state: "running", startedAt: at } : received;
    this.#pending.add(into, record);
    return record;
  }

  /** Everything that is not finished, oldest first; of one subject if named. */
  pending(subject?: string): InRecord[] {
    const all = this.#pending.all();
    return subject === undefined ? all : all.filter((record) => record.message.subject === subject);
  }

  find(id: string): InRecord | undefined {
    return this.#pending.get(id);
  }

  lane(origin: string, epoch: string, subject: string): InLane | undefined {
    return this.#lanes.get(origin, epoch, subject);
  }

  /** Whether this journal, of that epoch, acknowledged what it does not know: then it is an earlier state of itself. */
  isBehind({ origin, epoch, acked, base = 0, receiverEpoch }: Frame, subject: string, own: string): boolean {
    return receiverEpoch === own && acked > base && acked > (this.lane(origin, epoch, subject)?.last ?? base);
  }

  /** Those of one journal of an origin. */
  lanesOf(origin: string, epoch: string): InLane[] {
    return [...(this.#lanes.epochs(origin).get(epoch)?.values() ?? [])];
  }

  /** What is pending may have run since this journal was copied; only those, if named. */
  doubt(ids: Iterable<string> = this.pending().map(({ message }) => message.id)): void {
    for (const id of ids) {
      const record = this.find(id);
      if (record !== undefined) this.#pending.replace({ ...record, doubtful: true });
    }
  }

  /** How many lanes are remembered: all, or of one origin, over all its epochs. */
  laneCount(origin?: string): number {
    return this.#lanes.count(origin);
  }

  /** The lanes of each epoch that an origin was known by. */
  epochs(origin: string): ReadonlyMap<string, ReadonlyMap<string, InLane>> {
    return this.#lanes.epochs(origin);
  }

  /** Forgets what is known of journals of origins that were replaced so long ago; at most `limit` lanes or so. */
  sweepDeadEpochs(isOld: (at: number) => boolean, limit: number): number {
    let owed: Set<string> | undefined;
    const needed = (origin: string, epoch: string): boolean => {
      owed ??= new Set(this.pending().map((record) => `${record.message.origin} ${record.epoch}`));
      return owed.has(`${origin} ${epoch}`);
    };
    return this.#lanes.sweep(isOld, needed, limit);
  }

  /** Side effects may begin once this is durable. */
  start(id: string, at: number): InRecord | undefined {
    const record = this.#pending.get(id);
    return record && this.#pending.replace({ ...record, state: "running", startedAt: record.startedAt ?? at });
  }

  /** It was to run at once, and nothing of it has begun. */
  notStarted(id: string): InRecord | undefined {
    const record = this.#pending.get(id);
    if (record === undefined) return undefined;
    const { startedAt: _never, ...rest } = record;
    return this.#pending.replace({ ...rest, state: "received" });
  }

  /** It failed its process once more. */
  failedOnce(id: string): InRecord | undefined {
    const record = this.#pending.get(id);
    return record && this.#pending.replace({ ...record, attempts: record.attempts + 1 });
  }

  cancelRequested(id: string, by: string): InRecord | undefined {
    const record = this.#pending.get(id);
    return record && this.#pending.replace({ ...record, cancelRequestedBy: by });
  }

  /** A cancel that overtook its command: the command will not start when it comes. */
  cancelEarly(id: string, by: string): void {
    this.#cancelledEarly.set(id, by);
    this.#store.put("cancelled", id, by);
  }

  get earlyCancels(): number {
    return this.#cancelledEarly.size;
  }

  /** Who cancelled a command before it came; asked once, when it comes. */
  cancelledEarly(id: string): string | undefined {
    const by = this.#cancelledEarly.get(id);
    if (by !== undefined) this.#forgetCancelled(id);
    return by;
  }

  #forgetCancelled(id: string): void {
    this.#cancelledEarly.delete(id);
    this.#store.remove("cancelled", id);
  }

  /** Ends a message. A command leaves a record of its outcome behind, an event nothing. */
  finish(id: string, outcome: Outcome, summary: string): void {
    const record = this.#pending.remove(id);
    if (record === undefined) return;
    const { message } = record;
    if (kindOf(message.subject) === "event") return;
    const done: DoneRecord = {
      v: 1,
      id,
      subject: message.subject,
      origin: message.origin,
      createdAt: message.createdAt,
      receivedAt: record.receivedAt,
      state: outcome.state,
      outcome: withoutOutput(outcome),
      summary,
    };
    if (this.#doneNow.size === 0) this.#store.atTurnEnd(() => this.#writeDone());
    this.#doneNow.set(id, done);
  }

  #writeDone(): void {
    this.#done.put(this.#doneNow);
    this.#doneNow = new Map();
  }

  done(id: string): DoneRecord | undefined {
    return this.#doneNow.get(id) ?? this.#done.find(id);
  }

  /** Newest first. */
  *newestDone(prefix = ""): Iterable<DoneRecord> {
    this.#writeDone();
    for (const [, record] of this.#done.newest(prefix)) yield record;
  }

  /** Puts a message aside that could not be handled. */
  bury(id: string, reason: string, at: number): DeadRecord | undefined {
    const record = this.#pending.remove(id);
    if (record === undefined) return undefined;
    const { message, epoch, seq, receivedAt, attempts } = record;
    const dead: DeadRecord = { v: 1, message, epoch, seq, receivedAt, at, reason, attempts };
    this.#dead.add(dead);
    return dead;
  }

  /** Takes a dead letter back among the pending, as if it had just come. */
  exhume(id: string, at: number): InRecord | undefined {
    const dead = this.#dead.remove(id);
    if (dead === undefined) return undefined;
    const record: InRecord = {
      v: 1,
      message: dead.message,
      epoch: dead.epoch,
      seq: dead.seq,
      receivedAt: at,
      deadline: null,
      state: "received",
      attempts: 0,
    };
    this.#pending.add(this.#pending.begin(), record);
    return record;
  }

  dead(): DeadRecord[] {
    return this.#dead.all();
  }

  dropDead(id: string): boolean {
    return this.#dead.remove(id) !== undefined;
  }

  /** Forgets commands that ended and came before `before`, but for what is spared; at most `limit`. Returns how many. */
  sweep(before: number, limit: number, spared: (at: number) => boolean = () => false): number {
    this.#writeDone();
    let removed = 0;
    for (const { key, entries } of this.#done.rows()) {
      const left = entries.filter(
        ([, { receivedAt: at }]) => removed >= limit || at >= before || spared(at) || removed++ < 0,
      );
      if (left.length < entries.length) this.#done.replace(key, left);
      if (removed >= limit || entries.every(([, { receivedAt }]) => receivedAt >= before)) break;
    }
    // They are owed to commands that may still come: their age alone ends them, never the bytes of others.
    for (const id of before === Number.POSITIVE_INFINITY ? [] : this.#cancelledEarly.keys()) {
      const at = idTime(id);
      if (at < before && !spared(at)) this.#forgetCancelled(id);
    }
    return removed;
  }
}

/** The numbers of those with an id that stands in the frame before them. Ids rise, as a rule: then there are none. */
function repeatedIn({ first, items }: Frame): ReadonlySet<number> | undefined {
  let rises = true;
  for (let i = 1; i < items.length && rises; i++) rises = (items[i - 1]?.id ?? "") < (items[i]?.id ?? "");
  if (rises) return undefined;
  const ids = new Set<string>();
  const repeated = new Set<number>();
  for (const [i, { id }] of items.entries()) {
    if (ids.has(id)) repeated.add(first + i);
    ids.add(id);
  }
  return repeated;
}
