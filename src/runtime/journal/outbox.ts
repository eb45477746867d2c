import { StewardError } from "../../message/errors.ts";
import { type Ack, itemBytes } from "../../message/frame.ts";
import { type Assertion, fold, isFinalState, type Life, lifeOf, type State } from "../../message/lifecycle.ts";
import type { Message } from "../../message/message.ts";
import type { OutputPart, Report } from "../../message/report.ts";
import { kindOf, receiverOf } from "../../message/subject.ts";
import { Milestones } from "./milestones.ts";
import { Recent } from "./recent.ts";
import type { DeadRecord, OutLane, OutRecord, Reported } from "./records.ts";
import type { Entry, Store } from "./store.ts";

/** Records that are at hand without a read. */
const HOT = 2048;

/**
 * What this node owes to others: its lanes and the messages on them, until each is final.
 *
 * Invariants: a sequence number is given once, in the turn that journals the message. `acked <= sent < next`. The state
 * of a message that nobody has reported on is read off its lane's watermarks, so that an ACK costs one write, whatever
 * number of messages it covers.
 */
export class Outbox {
  readonly #store: Store;
  readonly #node: string;
  readonly #lanes = new Map<string, OutLane>();
  readonly #byNumber = new Map<number, OutLane>();
  /** Commands that a receiver has and that have no outcome. */
  readonly #open = new Map<string, { lane: OutLane; seq: number }>();
  readonly #openByNode = new Map<string, Set<string>>();
  /** The latest records, so that the road of a message needs no reads; bounded. */
  readonly #hot = new Recent<OutRecord>(HOT);
  readonly #changed = new Set<OutLane>();
  readonly #milestones = new Milestones();

  constructor(store: Store, node: string) {
    this.#store = store;
    this.#node = node;
    for (const { value } of store.range("lanes", {})) {
      const lane = value as OutLane;
      this.#lanes.set(lane.subject, lane);
      this.#byNumber.set(lane.no, lane);
      this.#restore(lane);
    }
  }

  /** Finds the commands that are open on a lane, and how far everything is final. */
  #restore(lane: OutLane): void {
    let contiguous = true;
    for (const { value } of this.#store.range("out", { from: [lane.no, lane.open], to: [lane.no, lane.acked + 1] })) {
      const record = value as OutRecord;
      if (isFinalState(this.stateOf(lane, record)) || isEvent(record)) {
        if (contiguous) lane.open = record.seq + 1;
        continue;
      }
      contiguous = false;
      this.#opened(lane, record);
    }
  }

  get lanes(): ReadonlyMap<string, OutLane> {
    return this.#lanes;
  }

  /** Gives each message its place on its lane. Durable with the store's next flush. */
  enqueue(messages: readonly Message[], keep: boolean): OutRecord[] {
    const touched = new Set<OutLane>();
    const records = messages.map((message) => {
      const lane = this.#lanes.get(message.subject) ?? this.#newLane(message.subject);
      const record: OutRecord = { v: 1, message, seq: lane.next++, bytes: itemBytes(message.data), keep };
      touched.add(lane);
      this.#write(lane, record, true);
      if (keep) this.#store.put("ids", message.id, [lane.no, record.seq], true);
      return record;
    });
    for (const lane of touched) this.#writeLane(lane);
    return records;
  }

  /** The next records of a lane from `from` on, in order, within the bounds; at least one if there is any. */
  take(
    subject: string,
    from: number,
    bounds: { count: number; bytes: number; sizeOf: (record: OutRecord) => number },
  ): OutRecord[] {
    const lane = this.#lanes.get(subject);
    const taken: OutRecord[] = [];
    if (lane === undefined) return taken;
    let bytes = 0;
    for (let seq = from; seq < lane.next && taken.length < bounds.count; seq++) {
      const record = this.#read(lane, seq);
      if (record === undefined) {
        throw new StewardError("journal-failed", { path: subject, fault: `number ${seq} of the lane is missing` });
      }
      bytes += bounds.sizeOf(record);
      if (taken.length > 0 && bytes > bounds.bytes) break;
      taken.push(record);
    }
    return taken;
  }

  /** These are about to be on the wire: from now on only the receiver can say what became of them. */
  sending(subject: string, records: readonly OutRecord[], at: number): void {
    const lane = this.#lanes.get(subject);
    const last = records.at(-1);
    if (lane === undefined || last === undefined) return;
    for (const { message, keep, skip } of records) {
      if (!keep || skip !== undefined) continue;
      this.#milestones.sent(message.id, at);
    }
    if (last.seq <= lane.sent) return;
    lane.sent = last.seq;
    this.#writeLane(lane);
  }

  /** The broker had nobody to hand the latest of these to: they were not sent after all. */
  unsent(subject: string, sentBefore: number): void {
    const lane = this.#lanes.get(subject);
    if (lane === undefined || lane.sent <= sentBefore) return;
    const sent = Math.max(sentBefore, lane.acked);
    for (let seq = sent + 1; seq <= lane.sent; seq++) this.#milestones.forget(this.#read(lane, seq)?.message.id ?? "");
    lane.sent = sent;
    this.#writeLane(lane);
  }

  /** Applies the receiver's word. Returns the records whose state it changed. */
  acknowledge(subject: string, ack: Ack, at: number): { received: OutRecord[]; decided: OutRecord[] } {
    const received: OutRecord[] = [];
    const decided: OutRecord[] = [];
    const lane = this.#lanes.get(subject);
    if (lane === undefined) return { received, decided };
    const last = Math.min(ack.last, lane.sent);
    const started = Math.max(lane.started, Math.min(ack.started, last));
    const changed = last > lane.acked || started > lane.started || lane.receiverEpoch !== ack.receiverEpoch;
    const verdicts = new Map(ack.verdicts.map((verdict) => [verdict.seq, verdict]));
    for (let seq = lane.acked + 1; seq <= last; seq++) {
      const record = this.#read(lane, seq);
      if (record === undefined) continue;
      received.push(record);
      if (verdicts.has(seq)) continue;
      if (isEvent(record)) this.#delivered(lane, record, ack.node, at);
      else if (record.skip === undefined && !isFinalState(record.life?.state ?? "queued")) {
        this.#opened(lane, record);
        this.#milestones.received(record.message.id, ack.sentAt, seq <= started);
      }
    }
    for (const verdict of verdicts.values()) {
      const record = verdict.seq <= last ? this.#read(lane, verdict.seq) : undefined;
      if (record === undefined || isFinalState(record.life?.state ?? "queued")) continue;
      if (!record.keep) {
        this.#refused(lane, record, verdict.reason, at);
        decided.push(record);
        continue;
      }
      const life = this.#fold(record, { state: verdict.state, at, by: ack.node, reason: verdict.reason });
      decided.push(this.#end(lane, { ...record, life, outcome: { state: verdict.state, at, reason: verdict.reason } }));
    }
    if (changed) {
      lane.acked = Math.max(lane.acked, last);
      lane.started = started;
      lane.receiverEpoch = ack.receiverEpoch;
      this.#store.putSoon("lanes", subject, { ...lane });
    }
    return { received, decided };
  }

  /** Folds a node's report on a command. `undefined`: no such command of ours, or not that node's to report on. */
  report(id: string, from: string, report: Report, heard = report.at): Reported | undefined {
    const place = this.#place(id);
    const record = place && this.#read(place.lane, place.seq);
    if (place === undefined || record === undefined || receiverOf(record.message.subject) !== from) return undefined;
    for (const part of report.output ?? []) this.#store.put("output", [id, part.stream, part.offset], part);
    if (report.state === "running") {
      this.#milestones.started(id, report.startedAt);
      if (record.life !== undefined) return { record, changed: false, conflict: false };
      const running = { ...record, life: this.#fold(record, { state: "running", at: report.startedAt, by: from }) };
      this.#write(place.lane, running);
      return { record: running, changed: true, conflict: false };
    }
    const { output: _carried, ...outcome } = report;
    const assertion = {
      state: report.state,
      at: report.at,
      by: from,
      ...(report.reason === undefined ? {} : { reason: report.reason }),
    };
    if (report.startedAt !== undefined) this.#milestones.started(id, report.startedAt);
    const life = this.#fold(record, assertion);
    // The outcome shown is that of the assertion that stands, in whichever order they came.
    const standing = life.history.find((a) => isFinalState(a.state));
    const stands = standing?.state === report.state && standing.at === report.at && standing.by === from;
    const shown = stands ? outcome : (record.outcome ?? outcome);
    const ended = this.#end(place.lane, { ...record, life, outcome: shown, heardAt: record.heardAt ?? heard });
    return { record: ended, changed: life.state !== record.life?.state, conflict: life.conflict !== undefined };
  }

  /** Ends a message that was never on the wire. False: it was, and only its node can tell. */
  withdraw(id: string, state: "expired" | "cancelled", at: number, reason: string): OutRecord | undefined {
    const place = this.#place(id);
    const record = place && this.#read(place.lane, place.seq);
    if (place === undefined || record === undefined || record.seq <= place.lane.sent) return undefined;
    if (record.skip !== undefined) return record;
    const life = this.#fold(record, { state, at, by: this.#node, reason });
    return this.#end(place.lane, { ...record, life, skip: state, outcome: { state, at, reason } });
  }

  cancelRequested(id: string, asked: { cancelRequestedAt: number; cancelId: string }): void {
    const place = this.#place(id);
    const record = place && this.#read(place.lane, place.seq);
    if (place !== undefined && record !== undefined) this.#write(place.lane, { ...record, ...asked });
  }

  find(id: string): { lane: OutLane; record: OutRecord } | undefined {
    const place = this.#place(id);
    const record = place && this.#read(place.lane, place.seq);
    return place === undefined || record === undefined ? undefined : { lane: place.lane, record };
  }

  /** Newest first. */
  *newest(prefix = ""): Iterable<{ lane: OutLane; record: OutRecord }> {
    const bounds = prefix === "" ? {} : { from: prefix, to: `${prefix}~` };
    for (const { value } of this.#store.range("ids", { ...bounds, reverse: true })) {
      const [no, seq] = value as [number, number];
      const lane = this.#byNumber.get(no);
      const record = lane && this.#read(lane, seq);
      if (lane !== undefined && record !== undefined) yield { lane, record };
    }
  }

  /** Commands that a node has and that have no outcome yet. */
  *openOn(node: string): Iterable<{ lane: OutLane; record: OutRecord }> {
    for (const id of this.#openByNode.get(node) ?? []) {
      const place = this.#open.get(id);
      const record = place && this.#read(place.lane, place.seq);
      if (place !== undefined && record !== undefined) yield { lane: place.lane, record };
    }
  }

  openCount(node: string): number {
    return this.#openByNode.get(node)?.size ?? 0;
  }

  /** All output known of a command, each stream in order of offset. */
  output(id: string): OutputPart[] {
    return [...this.#outputRows(id)].map(({ value }) => value as OutputPart);
  }

  #outputRows(id: string): Iterable<Entry> {
    return this.#store.range("output", { from: [id], to: [id, "\uffff"] });
  }

  stateOf(lane: OutLane, record: OutRecord): State {
    const asserted = record.life?.state;
    if (asserted !== undefined && isFinalState(asserted)) return asserted;
    if (record.seq <= lane.acked && isEvent(record)) return "received";
    if (asserted === "running" || record.seq <= lane.started) return "running";
    if (record.seq <= lane.acked) return "received";
    return record.seq <= lane.sent ? "sent" : "queued";
  }

  /** Every assertion known of a message, oldest first. */
  history(lane: OutLane, record: OutRecord): Life {
    const assertions = this.#milestones.assertions(record.message, this.#node);
    const known = record.life;
    let life = assertions
      .slice(1)
      .reduce((l, a) => fold(l, a, this.#node), { state: "queued", history: assertions.slice(0, 1) } as Life);
    for (const assertion of [...(known?.history ?? []), ...(known?.conflict ? [known.conflict] : [])]) {
      life = fold(life, assertion, this.#node);
    }
    return { ...life, state: this.stateOf(lane, record) };
  }

  attempts(record: OutRecord): number {
    return this.#milestones.attempts(record.message.id) ?? record.attempts ?? 0;
  }

  /** Forgets what ended before `before`; at most `limit` of them. Never what is still owed. Returns how many. */
  sweep(before: number, limit: number): number {
    let removed = 0;
    for (const { key, value } of this.#store.range("ids", {})) {
      if (removed >= limit) break;
      const [no, seq] = value as [number, number];
      const lane = this.#byNumber.get(no);
      const record = lane && this.#read(lane, seq);
      if (record !== undefined && record.message.createdAt >= before) break;
      if (lane !== undefined && record !== undefined) {
        const state = this.stateOf(lane, record);
        if (seq > lane.acked || !(isFinalState(state) || isEvent(record))) continue;
        for (const row of this.#outputRows(String(key))) this.#store.remove("output", row.key);
        this.#store.remove("out", [no, seq]);
        this.#hot.delete(`${no}/${seq}`);
      }
      this.#store.remove("ids", key);
      removed++;
    }
    return removed;
  }

  #fold(record: OutRecord, next: Assertion): Life {
    if (record.life !== undefined) return fold(record.life, next, this.#node);
    const passed = this.#milestones.assertions(record.message, this.#node);
    return lifeOf(passed.at(-1)?.state === next.state ? passed : [...passed, next]);
  }

  /** An event is at its end when its receiver has it. */
  #delivered(lane: OutLane, record: OutRecord, by: string, at: number): void {
    if (record.keep) this.#end(lane, { ...record, life: this.#fold(record, { state: "received", at, by }) });
    else {
      this.#store.removeSoon("out", [lane.no, record.seq]);
      this.#hot.delete(`${lane.no}/${record.seq}`);
    }
  }

  /** What nobody waits for by id and its receiver refuses is kept as a dead letter. */
  #refused(lane: OutLane, record: OutRecord, reason: string, at: number): void {
    const { message, seq } = record;
    const dead: DeadRecord = {
      v: 1,
      message,
      epoch: "",
      seq,
      receivedAt: message.createdAt,
      at,
      reason,
      attempts: this.attempts(record),
    };
    this.#store.put("dead", message.id, dead);
    this.#store.remove("out", [lane.no, seq]);
    this.#hot.delete(`${lane.no}/${seq}`);
  }

  #opened(lane: OutLane, record: OutRecord): void {
    const { id } = record.message;
    const node = receiverOf(lane.subject);
    this.#open.set(id, { lane, seq: record.seq });
    const ids = this.#openByNode.get(node);
    if (ids === undefined) this.#openByNode.set(node, new Set([id]));
    else ids.add(id);
  }

  #end(lane: OutLane, record: OutRecord): OutRecord {
    const { id } = record.message;
    const ended = { ...record, attempts: this.attempts(record) };
    this.#write(lane, ended);
    this.#hot.delete(`${lane.no}/${record.seq}`);
    if (this.#open.delete(id)) this.#openByNode.get(receiverOf(lane.subject))?.delete(id);
    this.#milestones.forget(id);
    if (record.seq === lane.open) lane.open++;
    return ended;
  }

  #newLane(subject: string): OutLane {
    const lane: OutLane = {
      v: 1,
      no: this.#byNumber.size + 1,
      subject,
      next: 1,
      sent: 0,
      acked: 0,
      started: 0,
      open: 1,
    };
    this.#lanes.set(subject, lane);
    this.#byNumber.set(lane.no, lane);
    return lane;
  }

  #place(id: string): { lane: OutLane; seq: number } | undefined {
    const open = this.#open.get(id);
    if (open !== undefined) return open;
    const place = this.#store.get("ids", id) as [number, number] | undefined;
    const lane = place && this.#byNumber.get(place[0]);
    return place === undefined || lane === undefined ? undefined : { lane, seq: place[1] };
  }

  #read(lane: OutLane, seq: number): OutRecord | undefined {
    return this.#hot.get(`${lane.no}/${seq}`) ?? (this.#store.get("out", [lane.no, seq]) as OutRecord | undefined);
  }

  #write(lane: OutLane, record: OutRecord, fresh = false): void {
    this.#store.put("out", [lane.no, record.seq], record, fresh);
    const key = `${lane.no}/${record.seq}`;
    this.#hot.set(key, record);
  }

  /** A lane that changes often in one turn is written once. */
  #writeLane(lane: OutLane): void {
    if (this.#changed.size === 0) {
      this.#store.atTurnEnd(() => {
        for (const changed of this.#changed) this.#store.put("lanes", changed.subject, { ...changed });
        this.#changed.clear();
      });
    }
    this.#changed.add(lane);
  }
}

function isEvent(record: OutRecord): boolean {
  return kindOf(record.message.subject) === "event";
}
