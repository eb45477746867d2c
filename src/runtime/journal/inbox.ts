import type { Frame, FrameItem, Verdict } from "../../message/frame.ts";
import { idTime } from "../../message/id.ts";
import type { FinalState } from "../../message/lifecycle.ts";
import type { Message } from "../../message/message.ts";
import type { Outcome } from "../../message/report.ts";
import { kindOf } from "../../message/subject.ts";
import type { DeadRecord, DoneRecord, InLane, InRecord } from "./records.ts";
import type { Store } from "./store.ts";

/** What the door decided of one new message. */
export type Judgement =
  /** Take it; `start`: it will run at once, so it is recorded `running` in the same commit. */
  | { readonly kind: "take"; readonly deadline: number | null; readonly start: boolean }
  /** Take its number and answer with a final state. */
  | { readonly kind: "verdict"; readonly state: FinalState; readonly reason: string }
  /** Take its number; the caller has journalled what it means in this same turn. */
  | { readonly kind: "folded" }
  /** No room: this one and what follows must come again. */
  | { readonly kind: "full" };

export interface Accepted {
  /** Highest number of the lane that this node has. */
  readonly last: number;
  readonly taken: readonly InRecord[];
  readonly duplicates: number;
  /** The number that was expected, when the frame began after it. */
  readonly gap?: number;
  readonly verdicts: readonly Verdict[];
  /** The first frame ever seen of this epoch, of an origin that was known by another one. */
  readonly newEpoch: boolean;
}

/**
 * What this node took from others: one number for each lane, and the messages that are not finished.
 *
 * Invariants: a number is taken once; `last` never goes down; a record is `running` on disk before its side effects
 * begin; it leaves `pending` in the turn that journals its outcome.
 */
export class Inbox {
  readonly #store: Store;
  readonly #lanes = new Map<string, InLane>();
  readonly #pending = new Map<string, InRecord>();
  readonly #origins = new Map<string, Set<string>>();
  readonly #laneCounts = new Map<string, number>();
  /** Commands that were cancelled before they came, and by whom. */
  readonly #cancelledEarly = new Map<string, string>();

  constructor(store: Store) {
    this.#store = store;
    for (const { value } of store.range("sources", {})) this.#remember(value as InLane);
    const records = [...store.range("pending", {})].map(({ value }) => value as InRecord);
    for (const record of inOrder(records)) this.#pending.set(record.message.id, record);
    for (const { key, value } of store.range("cancelled", {})) this.#cancelledEarly.set(String(key), String(value));
  }

  /** The sequence check and what follows from it, in one turn; durable with the store's next flush. */
  accept(frame: Frame, subject: string, at: number, judge: (item: FrameItem, seq: number) => Judgement): Accepted {
    const { origin, epoch, first, acked, items } = frame;
    const key = laneKey(origin, epoch, subject);
    const known = this.#lanes.get(key);
    const newEpoch = known === undefined && this.#origins.has(origin) && !this.#origins.get(origin)?.has(epoch);
    // What the origin holds an ACK for, it never sends again: its word moves a lane on that this node knows nothing of.
    const lane: InLane = known ?? { v: 1, origin, epoch, subject, last: acked, verdicts: [], at };
    const before = lane.last;
    if (first > lane.last + 1 && acked <= lane.last) {
      return { last: lane.last, taken: [], duplicates: 0, gap: lane.last + 1, verdicts: lane.verdicts, newEpoch };
    }
    lane.last = Math.max(lane.last, acked);
    const verdicts = lane.verdicts.filter((verdict) => verdict.seq > acked);
    const taken: InRecord[] = [];
    let duplicates = 0;
    let gap: number | undefined;
    for (let i = 0; i < items.length; i++) {
      const seq = first + i;
      const item = items[i];
      if (item === undefined || seq <= lane.last) {
        duplicates++;
        continue;
      }
      if (seq > lane.last + 1) {
        gap = lane.last + 1;
        break;
      }
      const judged = this.#early(item) ?? judge(item, seq);
      if (judged.kind === "full") break;
      lane.last = seq;
      if (judged.kind === "verdict") verdicts.push({ seq, state: judged.state, reason: judged.reason });
      if (judged.kind === "take" && !("skip" in item)) taken.push(this.#take(frame, subject, seq, item, at, judged));
    }
    if (known === undefined || lane.last !== before || verdicts.length !== lane.verdicts.length) {
      lane.verdicts = verdicts;
      lane.at = at;
      this.#remember(lane);
      this.#store.put("sources", key, { ...lane });
    }
    return { last: lane.last, taken, duplicates, ...(gap === undefined ? {} : { gap }), verdicts, newEpoch };
  }

  /** What is decided whatever the message says. */
  #early(item: FrameItem): Judgement | undefined {
    if ("skip" in item) return { kind: "verdict", state: item.skip, reason: "it ended at its origin" };
    // Records are found by id: a second message of the same id would take the place of the first.
    return this.#pending.has(item.id)
      ? { kind: "verdict", state: "rejected", reason: "another message here has its id" }
      : undefined;
  }

  #take(
    frame: Frame,
    subject: string,
    seq: number,
    item: Exclude<FrameItem, { skip: string }>,
    at: number,
    judged: { deadline: number | null; start: boolean },
  ): InRecord {
    const message: Message = {
      id: item.id,
      subject,
      origin: frame.origin,
      createdAt: item.createdAt,
      deliverBy: item.deliverBy,
      timeout: item.timeout,
      data: item.data,
      ...(item.inReplyTo === undefined ? {} : { inReplyTo: item.inReplyTo }),
    };
    const record: InRecord = {
      v: 1,
      message,
      epoch: frame.epoch,
      seq,
      receivedAt: at,
      deadline: judged.deadline,
      attempts: 0,
      ...(judged.start ? { state: "running", startedAt: at } : { state: "received" }),
    };
    this.#write(record, true);
    return record;
  }

  /** Everything that is not finished, oldest first; of one subject if named. */
  pending(subject?: string): InRecord[] {
    const all = [...this.#pending.values()];
    return subject === undefined ? all : all.filter((record) => record.message.subject === subject);
  }

  find(id: string): InRecord | undefined {
    return this.#pending.get(id);
  }

  lane(origin: string, epoch: string, subject: string): InLane | undefined {
    return this.#lanes.get(laneKey(origin, epoch, subject));
  }

  /** How many lanes are remembered: all, or of one origin, over all its epochs. None is ever forgotten. */
  laneCount(origin?: string): number {
    return origin === undefined ? this.#lanes.size : (this.#laneCounts.get(origin) ?? 0);
  }

  /** Side effects may begin once this is durable. */
  start(id: string, at: number): InRecord | undefined {
    return this.#change(id, (record) => ({ ...record, state: "running", startedAt: record.startedAt ?? at }));
  }

  /** It was to run at once, and nothing of it has begun. */
  notStarted(id: string): InRecord | undefined {
    return this.#change(id, ({ startedAt: _never, ...record }) => ({ ...record, state: "received" }));
  }

  /** It failed its process once more. */
  failedOnce(id: string): InRecord | undefined {
    return this.#change(id, (record) => ({ ...record, attempts: record.attempts + 1 }));
  }

  cancelRequested(id: string, by: string): InRecord | undefined {
    return this.#change(id, (record) => ({ ...record, cancelRequestedBy: by }));
  }

  /** A cancel that overtook its command: the command will not start when it comes. */
  cancelEarly(id: string, by: string): void {
    this.#cancelledEarly.set(id, by);
    this.#store.put("cancelled", id, by);
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
    const record = this.#pending.get(id);
    if (record === undefined) return;
    this.#pending.delete(id);
    this.#store.remove("pending", id);
    const { message } = record;
    if (kindOf(message.subject) === "event") return;
    const { output: _sent, ...kept } = outcome;
    const done: DoneRecord = {
      v: 1,
      id,
      subject: message.subject,
      origin: message.origin,
      createdAt: message.createdAt,
      receivedAt: record.receivedAt,
      state: outcome.state,
      outcome: kept,
      summary,
    };
    this.#store.put("done", id, done);
  }

  done(id: string): DoneRecord | undefined {
    return this.#store.get("done", id) as DoneRecord | undefined;
  }

  /** Newest first. */
  *newestDone(prefix = ""): Iterable<DoneRecord> {
    const bounds = prefix === "" ? {} : { from: prefix, to: `${prefix}~` };
    for (const { value } of this.#store.range("done", { ...bounds, reverse: true })) yield value as DoneRecord;
  }

  /** Puts a message aside that could not be handled. */
  bury(id: string, reason: string, at: number): DeadRecord | undefined {
    const record = this.#pending.get(id);
    if (record === undefined) return undefined;
    this.#pending.delete(id);
    this.#store.remove("pending", id);
    const { message, epoch, seq, receivedAt, attempts } = record;
    const dead: DeadRecord = { v: 1, message, epoch, seq, receivedAt, at, reason, attempts };
    this.#store.put("dead", id, dead);
    return dead;
  }

  /** Takes a dead letter back among the pending, as if it had just come. */
  exhume(id: string, at: number): InRecord | undefined {
    const dead = this.#store.get("dead", id) as DeadRecord | undefined;
    if (dead === undefined) return undefined;
    this.#store.remove("dead", id);
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
    this.#write(record);
    return record;
  }

  dead(): DeadRecord[] {
    return [...this.#store.range("dead", {})].map(({ value }) => value as DeadRecord);
  }

  dropDead(id: string): boolean {
    if (this.#store.get("dead", id) === undefined) return false;
    this.#store.remove("dead", id);
    return true;
  }

  /** Forgets commands that ended before `before`; at most `limit`. Returns how many. */
  sweep(before: number, limit: number): number {
    let removed = 0;
    for (const { key, value } of this.#store.range("done", {})) {
      if (removed >= limit || (value as DoneRecord).receivedAt >= before) break;
      this.#store.remove("done", key);
      removed++;
    }
    for (const id of this.#cancelledEarly.keys()) if (idTime(id) < before) this.#forgetCancelled(id);
    return removed;
  }

  #change(id: string, change: (record: InRecord) => InRecord): InRecord | undefined {
    const record = this.#pending.get(id);
    if (record === undefined) return undefined;
    const changed = change(record);
    this.#write(changed);
    return changed;
  }

  #write(record: InRecord, fresh = false): void {
    this.#pending.set(record.message.id, record);
    this.#store.put("pending", record.message.id, record, fresh);
  }

  #remember(lane: InLane): void {
    const key = laneKey(lane.origin, lane.epoch, lane.subject);
    if (!this.#lanes.has(key)) this.#laneCounts.set(lane.origin, this.laneCount(lane.origin) + 1);
    this.#lanes.set(key, lane);
    const epochs = this.#origins.get(lane.origin);
    if (epochs === undefined) this.#origins.set(lane.origin, new Set([lane.epoch]));
    else epochs.add(lane.epoch);
  }
}

/** By time of receipt, but never against the order of a lane: the clock may have jumped in between. */
function inOrder(records: InRecord[]): InRecord[] {
  const reached = new Map<string, number>();
  const placed = records
    .sort((a, b) => a.seq - b.seq)
    .map((record) => {
      const lane = laneKey(record.message.origin, record.epoch, record.message.subject);
      const at = Math.max(record.receivedAt, reached.get(lane) ?? 0);
      reached.set(lane, at);
      return { record, at };
    });
  return placed.sort((a, b) => a.at - b.at || a.record.seq - b.record.seq).map(({ record }) => record);
}

function laneKey(origin: string, epoch: string, subject: string): string {
  return `${origin} ${epoch} ${subject}`;
}
