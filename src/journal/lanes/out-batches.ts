import type { Message } from "../../message/message.ts";
import { kindOf, receiverOf } from "../../message/subject.ts";
import { decodeItem, messageOf } from "../../message/wire/frame.ts";
import { ChurnMap } from "../../platform/churn-map.ts";
import { OutMessage } from "../out-message.ts";
import type { OutBatch, OutLane, OutState } from "../records.ts";
import type { Store } from "../store/store.ts";
import { LaneMarks } from "./lane-marks.ts";

/** Most messages that stay in memory: enough for a command to ten thousand nodes. */
const HOT = 16_384;
/** Most messages and bytes of a row. */
const MOST = 128;
const MOST_BYTES = 64 * 1024;

/** A lane, with the batches of it that are in memory. */
export class Lane implements Omit<OutLane, "marks"> {
  readonly v = 1;
  readonly no: number;
  readonly subject: string;
  next = 1;
  sent = 0;
  acked = 0;
  started = 0;
  open = 1;
  receiverEpoch: string | undefined;
  base = 0;
  given: readonly (readonly [epoch: string, upTo: number])[] = [];
  readonly passed = new LaneMarks();
  /** True: ids do not rise along the lane. */
  late = false;
  /** The time in the id of its youngest message that is kept; `undefined`: none was written in this life of the daemon. */
  youngestAt: number | undefined;
  /** Number of skip markers that are not acknowledged. */
  markers = 0;
  /** Bytes of the messages that are neither acknowledged nor skip markers. */
  waitingBytes = 0;
  /** Number of commands of this lane that the receiver runs at once, by its latest ACK. */
  concurrency: number | undefined;
  /** Numbers below this one are acknowledged or skip markers. */
  firstWaiting = 1;
  /** The highest number that was sent in this life of the daemon. */
  reached = 0;
  readonly node: string;
  readonly event: boolean;
  /** Numbers of commands that the receiver has and that have no outcome. */
  readonly openNumbers = new Set<number>();
  /** The batches in memory, in order. */
  batches: Batch[] = [];

  constructor(no: number, subject: string) {
    this.no = no;
    this.subject = subject;
    this.node = receiverOf(subject);
    this.event = kindOf(subject) === "event";
  }

  /** The lane's row, an `OutLane`, as JSON. The row is written at each step of the lane: subjects and epochs need no escapes. */
  get text(): string {
    const { no, subject, next, sent, acked, started, open, receiverEpoch, base, given } = this;
    const [oldest = acked + 1] = this.openNumbers;
    this.passed.forget(Math.min(oldest, acked + 1));
    const marks = this.passed.text;
    let text = `{"v":1,"no":${no},"subject":"${subject}","next":${next},"sent":${sent},"acked":${acked}`;
    text += `,"started":${started},"open":${open}`;
    if (receiverEpoch !== undefined) text += `,"receiverEpoch":"${receiverEpoch}"`;
    if (base !== 0) text += `,"base":${base}`;
    if (given.length > 0) text += `,"given":${JSON.stringify(given)}`;
    if (marks !== undefined) text += `,"marks":${marks}`;
    return this.late ? `${text},"late":true}` : `${text}}`;
  }
}

/** Messages of one lane that were accepted in one turn: one row, and one `learned` row for each later turn that changed them. */
export class Batch {
  readonly lane: Lane;
  readonly first: number;
  readonly keep: boolean;
  /** By number from `first` on; `undefined`: forgotten. */
  readonly messages: (OutMessage | undefined)[] = [];
  bytes = 0;
  /** Number of `learned` rows. */
  learned = 0;
  written = false;
  /** Messages that changed in this turn. */
  changed: OutMessage[] = [];

  constructor(lane: Lane, first: number, keep: boolean) {
    this.lane = lane;
    this.first = first;
    this.keep = keep;
  }

  get last(): number {
    return this.first + this.messages.length - 1;
  }

  /** True when no message of the batch can change any more. */
  get complete(): boolean {
    const { lane, last, messages } = this;
    return last <= lane.acked && (lane.event || messages.every((message) => message?.ended !== false));
  }

  get text(): string {
    const texts = this.messages.map((message) => message?.text ?? "null");
    return `{"v":1,"k":${this.keep ? 1 : 0},"m":[${texts.join(",")}]}`;
  }
}

/**
 * The messages of this node, by lane and number, in memory or in the store.
 *
 *   out      [lane, first number]               the messages of a batch, as they travel
 *   learned  [lane, first number, 0, 1, 2, …]   the changes of one turn: the complete `OutState` of each changed message
 */
export class OutBatches {
  readonly #store: Store;
  readonly #origin: string;
  readonly #byId = new ChurnMap<string, { lane: Lane; message: OutMessage }>();
  /** Batches that were begun in this turn. */
  #building = new Set<Batch>();
  #changed = new Set<Batch>();
  /** The batches in memory, the oldest first, and the number of their messages. */
  readonly #atHand = new ChurnMap<Batch, Batch>();
  #count = 0;

  constructor(store: Store, origin: string) {
    this.#store = store;
    this.#origin = origin;
  }

  append(lane: Lane, message: Message, text: string, keep: boolean): OutMessage {
    let batch = lane.batches.at(-1);
    if (
      batch === undefined ||
      batch.written ||
      batch.keep !== keep ||
      batch.messages.length >= MOST ||
      batch.bytes >= MOST_BYTES
    ) {
      batch = new Batch(lane, lane.next, keep);
      lane.batches.push(batch);
      this.#atHand.set(batch, batch);
      this.#building.add(batch);
    }
    const record = new OutMessage(message, lane.next++, text, keep);
    batch.messages.push(record);
    batch.bytes += record.bytes;
    lane.waitingBytes += record.bytes;
    this.#count++;
    if (keep) this.#byId.set(message.id, { lane, message: record });
    return record;
  }

  at(id: string): { lane: Lane; message: OutMessage } | undefined {
    return this.#byId.get(id);
  }

  /** The batch with this number, from memory or the store. */
  batch(lane: Lane, seq: number): Batch | undefined {
    const { batches } = lane;
    let [low, high] = [0, batches.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((batches[middle] as Batch).first <= seq) low = middle + 1;
      else high = middle;
    }
    const before = batches[low - 1];
    return before !== undefined && before.last >= seq ? before : this.#load(lane, seq);
  }

  message(lane: Lane, seq: number): OutMessage | undefined {
    const batch = this.batch(lane, seq);
    return batch?.messages[seq - batch.first];
  }

  /** Has `write` store the message's present state. */
  learned(lane: Lane, message: OutMessage): void {
    const batch = this.batch(lane, message.seq);
    if (batch === undefined) return;
    if (batch.changed.length === 0) this.#changed.add(batch);
    else if (batch.changed.at(-1) === message || batch.changed.includes(message)) return;
    batch.changed.push(message);
  }

  /** Puts messages into places of a lane in which others of the same kind were. */
  put(lane: Lane, places: ReadonlyMap<number, { readonly message: Message; readonly text: string }>): void {
    const touched = new Set<Batch>();
    for (const [seq, { message, text }] of places) {
      const batch = this.batch(lane, seq);
      const before = batch?.messages[seq - batch.first];
      if (batch === undefined || before === undefined) continue;
      const record = new OutMessage(message, seq, text, before.keep);
      batch.messages[seq - batch.first] = record;
      batch.bytes += record.bytes - before.bytes;
      this.#byId.set(message.id, { lane, message: record });
      touched.add(batch);
    }
    for (const batch of touched) this.#store.putText("out", [lane.no, batch.first], batch.text);
  }

  /** Removes a batch and all its rows. */
  drop(batch: Batch): void {
    if (batch.written) this.#store.removeSoon("out", [batch.lane.no, batch.first]);
    for (let n = 0; n < batch.learned; n++) this.#store.removeSoon("learned", [batch.lane.no, batch.first, n]);
    this.#building.delete(batch);
    this.#changed.delete(batch);
    this.#letGo(batch);
  }

  /** Forgets one kept message. */
  forget(lane: Lane, seq: number): void {
    const batch = this.batch(lane, seq);
    const message = batch?.messages[seq - batch.first];
    if (batch === undefined || message === undefined) return;
    this.#byId.delete(message.message.id);
    batch.messages[seq - batch.first] = undefined;
    if (batch.messages.every((each) => each === undefined)) this.drop(batch);
    else this.#store.putText("out", [lane.no, batch.first], batch.text);
  }

  /** Writes the rows of this turn. Complete batches leave memory. */
  write(): void {
    for (const batch of this.#building) {
      this.#store.putText("out", [batch.lane.no, batch.first], batch.text, true);
      batch.written = true;
    }
    this.#building = new Set();
    for (const batch of this.#changed) {
      const rows = batch.changed.map((message) => [message.seq, message.state]);
      this.#store.put("learned", [batch.lane.no, batch.first, batch.learned++], rows, true);
      batch.changed = [];
      if (batch.complete) this.#letGo(batch);
    }
    this.#changed = new Set();
    if (this.#count > HOT) this.#evict();
  }

  /** The messages of a lane that lie in the store, in order. */
  *stored(lane: Lane, from: number, to: number): Generator<OutMessage> {
    for (let seq = from; seq <= to; ) {
      const batch = this.#read(lane, seq) ?? this.#readAfter(lane, seq);
      if (batch === undefined) return;
      for (const message of batch.messages) if (message !== undefined && message.seq >= from) yield message;
      seq = batch.last + 1;
    }
  }

  /** Kept messages of a lane in the store whose id is lower than `before`, newest first; the cost depends on those taken. */
  *newest(lane: Lane, before?: string): Generator<OutMessage> {
    const to = before === undefined ? [lane.no + 1] : [lane.no, this.#firstFrom(lane, before)];
    for (const { key, value } of this.#store.range("out", { from: [lane.no], to, reverse: true })) {
      const [, first = 0] = key as number[];
      const batch =
        lane.batches.find((each) => each.first === first) ?? this.#made(lane, key as number[], value as OutBatch);
      if (!batch.keep) continue;
      for (const message of batch.messages.toReversed())
        if (message !== undefined && (before === undefined || message.message.id < before)) yield message;
    }
  }

  /** The first number from which on all batches of a lane begin with an id that is not lower. Ids rise along a lane. */
  #firstFrom(lane: Lane, id: string): number {
    let [low, high] = [1, lane.next];
    while (low < high) {
      const middle = (low + high) >>> 1;
      const bounds = { from: [lane.no], to: [lane.no, middle + 1], reverse: true, limit: 1 };
      const [row] = this.#store.range("out", bounds);
      const earliest = (row?.value as OutBatch | undefined)?.m.find((wire) => wire !== null)?.i;
      if (earliest === undefined || earliest < id) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #load(lane: Lane, seq: number): Batch | undefined {
    const batch = this.#read(lane, seq);
    if (batch === undefined) return undefined;
    lane.batches.push(batch);
    lane.batches.sort((a, b) => a.first - b.first);
    this.#atHand.set(batch, batch);
    this.#count += batch.messages.length;
    if (batch.keep)
      for (const message of batch.messages)
        if (message !== undefined) this.#byId.set(message.message.id, { lane, message });
    return batch;
  }

  #read(lane: Lane, seq: number): Batch | undefined {
    const bounds = { from: [lane.no], to: [lane.no, seq + 1], reverse: true, limit: 1 };
    for (const { key, value } of this.#store.range("out", bounds)) {
      const batch = this.#made(lane, key as number[], value as OutBatch);
      if (batch.last >= seq) return batch;
    }
    return undefined;
  }

  #readAfter(lane: Lane, seq: number): Batch | undefined {
    for (const { key, value } of this.#store.range("out", { from: [lane.no, seq], to: [lane.no + 1], limit: 1 }))
      return this.#made(lane, key as number[], value as OutBatch);
    return undefined;
  }

  #made(lane: Lane, [, first = 0]: readonly number[], { k, m }: OutBatch): Batch {
    const batch = new Batch(lane, first, k === 1);
    batch.written = true;
    for (const wire of m) {
      const seq = first + batch.messages.length;
      const item = wire === null ? undefined : decodeItem(wire);
      batch.messages.push(
        item === undefined || "skip" in item
          ? undefined
          : new OutMessage(messageOf(item, lane.subject, this.#origin), seq, JSON.stringify(wire), batch.keep),
      );
    }
    for (const { value } of this.#store.range("learned", { from: [lane.no, first], to: [lane.no, first + 1] })) {
      batch.learned++;
      for (const [seq, state] of value as [number, OutState][]) batch.messages[seq - first]?.restore(state);
    }
    if (batch.keep) for (const message of batch.messages) message?.recall(lane, lane.passed);
    return batch;
  }

  #letGo(batch: Batch): void {
    if (!this.#atHand.delete(batch)) return;
    this.#count -= batch.messages.length;
    const { batches } = batch.lane;
    batches.splice(batches.indexOf(batch), 1);
    if (!batch.keep) return;
    for (const message of batch.messages) if (message !== undefined) this.#byId.delete(message.message.id);
  }

  /** Lets the oldest batches go until half of `HOT` is left. */
  #evict(): void {
    for (const batch of this.#atHand.values()) {
      if (this.#count <= HOT / 2) return;
      this.#letGo(batch);
    }
  }
}
