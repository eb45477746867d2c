import { idTime } from "../message/id.ts";
import type { FinalState } from "../message/lifecycle.ts";
import { type Outcome, withoutOutput } from "../message/report.ts";
import { kindOf } from "../message/subject.ts";
import { type Frame, type FrameItem, messageOf, type Verdict, type WholeItem } from "../message/wire/frame.ts";
import type { DeadLetters } from "./dead-letters.ts";
import { IdRows } from "./id-rows.ts";
import { type InFrame, InFrames } from "./lanes/in-frames.ts";
import { InLanes } from "./lanes/in-lanes.ts";
import type { DeadRecord, DoneRecord, InLane, InRecord } from "./records.ts";
import type { Store } from "./store/store.ts";

/** Gaps that are remembered of a lane, the latest; each stands for a lost journal of this node. */
const MOST_LOST = 100;

/** The decision on one new message. */
export type Judgement =
  /** Take the message; `start`: the command runs at once, so `running` is recorded in the same commit. */
  | { readonly kind: "take"; readonly deadline: number | null; readonly start: boolean }
  /** Take its number and answer with a final state. */
  | { readonly kind: "verdict"; readonly state: FinalState; readonly reason: string }
  /** Take its number; the caller has journalled the message's effect in this same turn. */
  | { readonly kind: "folded" }
  /** Take its number: the command came before, from an earlier journal of its origin. `done`: its outcome is owed once more. */
  | { readonly kind: "known"; readonly done: DoneRecord | undefined };

interface Placed {
  readonly frame: Frame;
  readonly subject: string;
  readonly lane: InLane;
  /** The first frame ever seen of this epoch, of an origin that was known by another one. */
  readonly newEpoch: boolean;
  /** Number of messages of the frame that this node had already. */
  readonly duplicates: number;
  /** Numbers, from and to, that another journal of this node took and this one never saw. */
  readonly lost?: readonly [from: number, to: number] | undefined;
}

/** A frame that continues its lane. */
export interface PlacedNew extends Placed {
  readonly kind: "new";
  /** The number of the first new message. */
  readonly from: number;
  /** The numbers of messages whose id stands in the frame before them. */
  readonly repeated: ReadonlySet<number> | undefined;
  /** True: the origin had another journal before, from which a command with a new number may have come already. */
  readonly reborn: boolean;
}

/** The place of a frame in its lane. */
export type Place =
  | PlacedNew
  /** This node had every message of the frame already. */
  | (Placed & { readonly kind: "duplicate" })
  /** Numbers before the frame are missing, from `expected` on. */
  | (Placed & { readonly kind: "gap"; readonly expected: number })
  /** The origin used numbers again: its journal was restored from an earlier state. */
  | (Placed & { readonly kind: "wentBack" });

export interface Taken {
  /** Highest number of the lane that this node has. */
  readonly last: number;
  readonly taken: readonly InRecord[];
  /** Verdicts that the origin may not know yet. */
  readonly verdicts: readonly Verdict[];
}

/**
 * The messages that this node took from others: one number for each lane, and the messages that are not finished.
 *
 * Invariants: a number is taken once; `last` never goes down; a record is `running` on disk before its side effects
 * begin, and leaves `pending` in the turn that journals its outcome.
 */
export class Inbox {
  readonly #store: Store;
  /** Lanes of origins that used numbers again. */
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

  /** The sequence check, before any message is taken. */
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
    if (first > lane.last + 1 && acked <= lane.last)
      return { frame, subject, lane, newEpoch, duplicates: 0, kind: "gap", expected: lane.last + 1 };
    const overlapping = items[lane.last - first];
    const differs = lane.lastId !== undefined && overlapping !== undefined && overlapping.id !== lane.lastId;
    if (differs) this.#wentBack.add(lane);
    // The origin renews its journal and sends everything again from there, so the rest of this lane is refused.
    if (this.#wentBack.has(lane)) return { frame, subject, lane, newEpoch: false, duplicates: 0, kind: "wentBack" };
    // The origin never sends acknowledged numbers again, so `acked` moves on a lane that this journal has forgotten.
    const last = Math.max(lane.last, acked);
    const lost = last > lane.last ? ([lane.last + 1, last] as const) : undefined;
    if (first > last + 1)
      return { frame, subject, lane, newEpoch, duplicates: 0, lost, kind: "gap", expected: last + 1 };
    const from = Math.max(first, last + 1);
    const duplicates = Math.min(items.length, from - first);
    if (duplicates === items.length) return { frame, subject, lane, newEpoch, duplicates, lost, kind: "duplicate" };
    const reborn = epochs.size > (known === undefined ? 0 : 1);
    const repeated = repeatedIn(frame);
    return { frame, subject, lane, newEpoch, duplicates, lost, kind: "new", from, reborn, repeated };
  }

  /** The decision on a new message by its id alone; `undefined`: its content decides. */
  known({ frame, subject, reborn, repeated }: PlacedNew, item: FrameItem, seq: number): Judgement | undefined {
    const earlier = reborn ? this.#before(item, frame.origin, subject) : undefined;
    if (earlier !== undefined) return { kind: "known", done: "outcome" in earlier ? earlier : undefined };
    // Records are found by id: a second message of the same id would take the place of the first.
    return repeated?.has(seq) === true || this.#pending.get(item.id) !== undefined
      ? { kind: "verdict", state: "rejected", reason: "another message here has its id" }
      : undefined;
  }

  /** Writes the decisions on the new messages of a frame, in order; messages without a decision must be sent again. */
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
    const verdicts = lane.verdicts.length === 0 ? [] : lane.verdicts.filter((verdict) => verdict.seq > frame.acked);
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

  /** The record of a command that came before, from an earlier journal of its origin. */
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

  /** Unfinished messages, oldest first; of one subject if named. */
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

  /** True when this journal, of epoch `own`, acknowledged numbers that it does not know: its disk was put back. */
  isBehind({ origin, epoch, acked, base = 0, receiverEpoch }: Frame, subject: string, own: string): boolean {
    return receiverEpoch === own && acked > base && acked > (this.lane(origin, epoch, subject)?.last ?? base);
  }

  lanesOf(origin: string, epoch: string): InLane[] {
    return [...(this.#lanes.epochs(origin).get(epoch)?.values() ?? [])];
  }

  /** Marks pending messages, all or those named, as perhaps run since this journal was copied. */
  doubt(ids: Iterable<string> = this.pending().map(({ message }) => message.id)): void {
    for (const id of ids) {
      const record = this.find(id);
      if (record !== undefined) this.#pending.replace({ ...record, doubtful: true });
    }
  }

  /** Number of remembered lanes: all, or of all epochs of one origin. */
  laneCount(origin?: string): number {
    return this.#lanes.count(origin);
  }

  /** The lanes of each epoch that an origin was known by. */
  epochs(origin: string): ReadonlyMap<string, ReadonlyMap<string, InLane>> {
    return this.#lanes.epochs(origin);
  }

  /** Forgets the lanes of origins' replaced journals once they are old; about `limit` lanes at most. */
  sweepDeadEpochs(isOld: (at: number) => boolean, limit: number): number {
    let owed: Set<string> | undefined;
    const needed = (origin: string, epoch: string): boolean => {
      owed ??= new Set(this.pending().map((record) => `${record.message.origin} ${record.epoch}`));
      return owed.has(`${origin} ${epoch}`);
    };
    return this.#lanes.sweep(isOld, needed, limit);
  }

  /** Records `running`. Side effects may begin once this record is durable. */
  start(id: string, at: number): InRecord | undefined {
    const record = this.#pending.get(id);
    return record && this.#pending.replace({ ...record, state: "running", startedAt: record.startedAt ?? at });
  }

  /** Takes `running` back from a command that was recorded as running and has not begun. */
  notStarted(id: string): InRecord | undefined {
    const record = this.#pending.get(id);
    if (record === undefined) return undefined;
    const { startedAt: _never, ...rest } = record;
    return this.#pending.replace({ ...rest, state: "received" });
  }

  /** Counts one more attempt in which a message's process failed. */
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

  /** The name under which a command was cancelled before it came. The answer is forgotten with the call: a command comes once. */
  cancelledEarly(id: string): string | undefined {
    const by = this.#cancelledEarly.get(id);
    if (by !== undefined) this.#forgetCancelled(id);
    return by;
  }

  #forgetCancelled(id: string): void {
    this.#cancelledEarly.delete(id);
    this.#store.remove("cancelled", id);
  }

  /** Ends a message. A command leaves a record of its outcome behind, an event nothing. False: it is not pending. */
  finish(id: string, outcome: Outcome, summary: string): boolean {
    const record = this.#pending.remove(id);
    if (record === undefined) return false;
    const { message } = record;
    if (kindOf(message.subject) === "event") return true;
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
      ...(message.operator === undefined ? {} : { operator: message.operator.name }),
    };
    if (this.#doneNow.size === 0) this.#store.atTurnEnd(() => this.#writeDone());
    this.#doneNow.set(id, done);
    return true;
  }

  #writeDone(): void {
    this.#done.put(this.#doneNow);
    this.#doneNow = new Map();
  }

  done(id: string): DoneRecord | undefined {
    return this.#doneNow.get(id) ?? this.#done.find(id);
  }

  /** Ended commands whose id begins with `prefix` and is lower than `before`, newest first. */
  *newestDone(prefix = "", before?: string): Iterable<DoneRecord> {
    this.#writeDone();
    for (const [, record] of this.#done.newest(prefix, before)) yield record;
  }

  /** Makes a dead letter of a message that could not be handled. */
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

  dead(limit?: number, after?: string): DeadRecord[] {
    return this.#dead.all(limit, after);
  }

  deadLetter(id: string): DeadRecord | undefined {
    return this.#dead.get(id);
  }

  dropDead(id: string): boolean {
    return this.#dead.remove(id) !== undefined;
  }

  /** Forgets ended commands that came before `before`, except for spared times; at most `limit`. Returns their number. */
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
    // Early cancels are owed to commands that may still come, so they go by age, never to make room (an infinite `before`).
    for (const id of before === Number.POSITIVE_INFINITY ? [] : this.#cancelledEarly.keys()) {
      const at = idTime(id);
      if (at < before && !spared(at)) this.#forgetCancelled(id);
    }
    return removed;
  }
}

/** The numbers of messages whose id stands in the frame before them. Rising ids, the rule, cannot repeat. */
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
