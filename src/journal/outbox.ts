import { StewardError } from "../message/errors.ts";
import { idTime } from "../message/id.ts";
import { endOf, type Life, type State } from "../message/lifecycle.ts";
import type { Message } from "../message/message.ts";
import { type OutputPart, type Report, withoutOutput } from "../message/report.ts";
import { type Ack, encodeItem, type Verdict } from "../message/wire/frame.ts";
import type { DeadLetters } from "./dead-letters.ts";
import { IdRows } from "./id-rows.ts";
import { type Batch, Lane, OutBatches } from "./lanes/out-batches.ts";
import type { OutMessage } from "./out-message.ts";
import { Receivers } from "./receivers.ts";
import type { DeadRecord, OutLane, OutRecord, Reported } from "./records.ts";
import type { Entry, Store } from "./store/store.ts";

/** A message that has another place on its lane than before. */
export interface Moved {
  readonly id: string;
  readonly from: number;
  readonly to: number;
}

/** A message in its place. */
interface Found {
  readonly lane: Lane;
  readonly message: OutMessage;
}

/** The newest message of a lane that is meant, and those before it. */
interface Head {
  readonly lane: Lane;
  readonly record: OutMessage;
  readonly left: Iterator<OutMessage, unknown>;
}

/** How much later than its message a chosen id may have been made, ms; `Submitter` allows no more. */
const CHOSEN = 600_000;
const NO_VERDICTS: ReadonlyMap<number, Verdict> = new Map();

/**
 * The messages that this node owes to others: its lanes and the messages on them, until each is final.
 *
 * Invariants: a sequence number is given once, in the turn that journals the message. `acked <= sent < next`. The state of a
 * message without a report is read off its lane's watermarks, so that an ACK costs one write for any number of messages. The
 * changes of one turn to a lane are a few rows, for any number of messages.
 */
export class Outbox {
  readonly receivers = new Receivers();
  /** Hears of each message that ends, in the turn that journals its end. */
  onEnded: (record: Pick<OutRecord, "message" | "outcome">) => void = () => undefined;
  readonly #store: Store;
  readonly #node: string;
  readonly #dead: DeadLetters;
  readonly #lanes = new Map<string, Lane>();
  readonly #byNumber = new Map<number, Lane>();
  readonly #lanesTo = new Map<string, Lane[]>();
  #lastLane = 0;
  readonly #batches: OutBatches;
  /** The places of the kept messages. */
  readonly #ids: IdRows<readonly [lane: number, seq: number]>;
  /** The number of open commands of each node. */
  readonly #openCount = new Map<string, number>();
  /** Lanes to be written at the end of this turn. */
  #changed = new Set<Lane>();
  #newIds: [string, [number, number]][] = [];
  #armed = false;

  constructor(store: Store, node: string, dead: DeadLetters) {
    this.#store = store;
    this.#dead = dead;
    this.#node = node;
    this.#batches = new OutBatches(store, node);
    this.#ids = new IdRows(store, "ids");
    const named = new Set([...store.range("subjects", {})].map(({ key }) => Number(key)));
    for (const no of named) this.#lastLane = Math.max(this.#lastLane, no);
    for (const { value } of store.range("lanes", {})) {
      const { marks, ...row } = value as OutLane;
      if (!named.has(row.no)) store.put("subjects", row.no, row.subject);
      const lane = Object.assign(this.#addLane(row.no, row.subject), row);
      if (marks !== undefined) lane.passed.restore(marks);
      this.#restore(lane);
    }
  }

  /** Counts a lane's skip markers and the bytes that wait, and finds its open commands and the number below which all is final. */
  #restore(lane: Lane): void {
    for (const message of this.#batches.stored(lane, lane.acked + 1, lane.next - 1))
      if (message.skip !== undefined) lane.markers++;
      else lane.waitingBytes += message.bytes;
    let contiguous = true;
    for (const message of this.#batches.stored(lane, lane.open, lane.acked)) {
      if (message.seq > lane.acked) break;
      if (lane.event || message.ended) {
        if (contiguous) lane.open = message.seq + 1;
        continue;
      }
      contiguous = false;
      this.#opened(lane, message.seq);
    }
  }

  get lanes(): ReadonlyMap<string, OutLane> {
    return this.#lanes;
  }

  /** Gives each message its place on its lane, durable with the store's next flush. `texts`: the messages as they travel. */
  enqueue(
    messages: readonly Message[],
    keep: boolean,
    texts: readonly string[] = messages.map(encodeItem),
  ): OutRecord[] {
    return messages.map((message, i) => {
      const lane = this.#lanes.get(message.subject) ?? this.#newLane(message.subject);
      if (keep) {
        const at = idTime(message.id);
        if (!lane.late && at < message.createdAt) lane.late = this.#isLate(lane, message.id, at);
        lane.youngestAt = at;
      }
      const record = this.#batches.append(lane, message, texts[i] ?? "", keep);
      if (keep) this.#newIds.push([message.id, [lane.no, record.seq]]);
      this.#changes(lane);
      return record;
    });
  }

  /** True for an id that is lower than the one before it: its message was held meanwhile. */
  #isLate(lane: Lane, id: string, at: number): boolean {
    // A look into the store for each of ten thousand nodes would cost more than all else that a job does.
    if (lane.youngestAt !== undefined && lane.youngestAt !== at) return lane.youngestAt > at;
    const youngest = lane.batches.at(-1);
    // The messages of this turn are not in the store yet.
    const last = youngest?.last === lane.next - 1 ? youngest.messages.at(-1) : undefined;
    if (last !== undefined) return last.message.id > id;
    for (const { message } of this.#batches.newest(lane)) return message.id > id;
    return false;
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
    let batch = this.#batches.batch(lane, from);
    for (let seq = from; seq < lane.next && taken.length < bounds.count; seq++) {
      if (batch === undefined || seq > batch.last) batch = this.#batches.batch(lane, seq);
      const record = batch?.messages[seq - batch.first];
      if (record === undefined) {
        throw new StewardError("journal-failed", { path: subject, fault: `number ${seq} of the lane is missing` });
      }
      bytes += bounds.sizeOf(record);
      if (taken.length > 0 && bytes > bounds.bytes) break;
      taken.push(record);
    }
    return taken;
  }

  /** Marks messages as sent, before they are on the wire: from now on only the receiver knows their state. */
  sending(subject: string, records: readonly OutRecord[], at: number): void {
    const lane = this.#lanes.get(subject);
    const last = records.at(-1);
    if (lane === undefined || last === undefined) return;
    let kept = false;
    for (const record of records) {
      if (!record.keep || record.skip !== undefined) continue;
      (record as OutMessage).sent(at);
      kept = true;
    }
    if (kept) {
      lane.passed.sent(records[0]?.seq ?? last.seq, last.seq, at);
      this.#changes(lane);
    }
    if (last.seq <= lane.sent) return;
    // The receiver's answer may get lost, and then its journal: its next journal must see that the first sending was for another.
    lane.receiverEpoch ??= this.receivers.of(lane.node);
    lane.sent = last.seq;
    lane.reached = Math.max(lane.reached, lane.sent);
    this.#changes(lane);
  }

  /**
   * Begins another epoch of this journal: ACKs for an earlier epoch prove nothing about messages sent from now on.
   * `earlier`: the epochs before, the latest first. `mixed`: unacknowledged numbers of the latest one may have been given twice,
   * before and after it was put back.
   */
  renewed(earlier: readonly string[], mixed: boolean): void {
    const [latest] = earlier;
    for (const lane of this.#lanes.values()) {
      lane.base = lane.acked;
      const upTo = mixed ? lane.acked : lane.next - 1;
      if (latest !== undefined)
        lane.given = [[latest, upTo] as const, ...lane.given].filter(([epoch]) => earlier.includes(epoch));
      this.#changes(lane);
    }
  }

  /**
   * Takes it that all commands for this node itself were sent to the journal of an epoch before, and may have begun there: this
   * node alone could tell, and its journal has forgotten.
   */
  forgotten(epoch: string): void {
    for (const lane of this.#lanesTo.get(this.#node) ?? []) {
      if (lane.event) continue;
      lane.receiverEpoch = epoch;
      lane.sent = lane.next - 1;
      lane.reached = Math.max(lane.reached, lane.sent);
      this.#changes(lane);
    }
  }

  /** True when a receiver acknowledges numbers that this journal never sent: its disk was put back to an earlier state. */
  isBehind(subject: string, ack: Pick<Ack, "last" | "wentBack">): boolean {
    const lane = this.#lanes.get(subject);
    return ack.wentBack === true || ack.last > Math.max(lane?.sent ?? 0, lane?.reached ?? 0);
  }

  /** Takes `sent` back: the broker had no subscriber for the messages after `sentBefore`. */
  unsent(subject: string, sentBefore: number): void {
    const lane = this.#lanes.get(subject);
    if (lane === undefined) return;
    this.receivers.absent(lane.node);
    if (lane.sent <= sentBefore) return;
    const sent = Math.max(sentBefore, lane.acked);
    for (let seq = sent + 1; seq <= lane.sent; seq++) this.#batches.message(lane, seq)?.unsent();
    lane.sent = sent;
    lane.passed.unsent(sent);
    this.#changes(lane);
  }

  /** Applies an ACK. Returns the records whose state it changed. */
  acknowledge(subject: string, ack: Ack, at: number): { received: OutRecord[]; decided: OutRecord[] } {
    const received: OutMessage[] = [];
    const decided: OutMessage[] = [];
    const lane = this.#lanes.get(subject);
    this.receivers.heard(ack.node, ack.receiverEpoch, ack.receiverLife);
    if (lane === undefined) return { received, decided };
    const last = Math.min(ack.last, lane.sent);
    const started = Math.max(lane.started, Math.min(ack.started, last));
    const verdicts = ack.verdicts.length === 0 ? NO_VERDICTS : new Map(ack.verdicts.map((each) => [each.seq, each]));
    const before = lane.acked;
    const acked = Math.max(before, last);
    // `receiverEpoch` stays at the journal that got the first sending until everything sent is acknowledged.
    const answered = last >= before && acked === lane.sent;
    const receiverEpoch = answered ? ack.receiverEpoch : (lane.receiverEpoch ?? ack.receiverEpoch);
    const changed = acked > before || started > lane.started || receiverEpoch !== lane.receiverEpoch;
    lane.acked = acked;
    lane.started = started;
    lane.receiverEpoch = receiverEpoch;
    if (ack.concurrency !== undefined) lane.concurrency = ack.concurrency;
    if (!lane.event && changed) lane.passed.acked(acked, started, ack.sentAt);
    let among: Batch | undefined;
    let opened = 0;
    for (let seq = before + 1; seq <= last; seq++) {
      if (among === undefined || seq > among.last) among = this.#batches.batch(lane, seq);
      const message = among?.messages[seq - among.first];
      if (message === undefined) continue;
      if (message.skip !== undefined) lane.markers--;
      else lane.waitingBytes -= message.bytes;
      received.push(message);
      if (verdicts.has(seq) || message.ended) continue;
      if (!lane.event) {
        if (!lane.openNumbers.has(seq)) opened++;
        lane.openNumbers.add(seq);
        message.received(ack.sentAt, seq <= started);
      } else if (message.keep) {
        message.assert({ state: "received", at, by: ack.node });
        this.#learned(lane, message);
      }
    }
    if (opened > 0) this.#openCount.set(lane.node, this.openCount(lane.node) + opened);
    for (const { seq, state, reason } of verdicts.values()) {
      const message = seq <= last ? this.#batches.message(lane, seq) : undefined;
      if (message === undefined || message.ended || (!message.keep && seq <= before)) continue;
      decided.push(message);
      if (!message.keep) {
        this.#refused(message, reason, at);
        continue;
      }
      message.assert({ state, at, by: ack.node, reason });
      message.outcome = { state, at, reason };
      this.#ended(lane, message);
    }
    for (let seq = before + 1; seq <= last; ) {
      const batch = this.#batches.batch(lane, seq);
      seq = (batch?.last ?? seq) + 1;
      if (batch !== undefined && !batch.keep && batch.last <= last) this.#batches.drop(batch);
    }
    if (changed) this.#store.putTextSoon("lanes", subject, lane.text);
    return { received, decided };
  }

  /** True for a message of this node that was never on the wire, so that no report on it can be true. */
  isUnsent(id: string): boolean {
    const found = this.#find(id);
    return found !== undefined && found.message.seq > found.lane.sent;
  }

  /** Folds a node's report on a command. `undefined`: the command is not this node's, not on a lane to `from`, or unsent. */
  report(id: string, from: string, report: Report, heard = report.at): Reported | undefined {
    const found = this.#find(id);
    if (found === undefined || found.lane.node !== from) return undefined;
    const { lane, message } = found;
    if (message.seq > lane.sent) return undefined;
    for (const part of report.output ?? []) this.#store.put("output", [id, part.stream, part.offset], part);
    if (report.startedAt !== undefined && !message.ended) message.started(report.startedAt);
    if (report.state === "running") {
      if (message.asserted !== undefined) return { record: message, changed: false, conflict: false };
      message.assert({ state: "running", at: report.startedAt, by: from });
      this.#learned(lane, message);
      return { record: message, changed: true, conflict: false };
    }
    const outcome = withoutOutput(report);
    const before = message.asserted;
    const ended = message.ended;
    const { state, reason } = report;
    const told = ended ? endOf(message.life) : undefined;
    // A late `interrupted` never replaces a proved outcome, even if the node's clock has gone back since.
    const late = state === "interrupted" && told !== undefined && told.state !== state;
    const at = late ? Math.max(report.at, told.at + 1) : report.at;
    message.assert(reason === undefined ? { state, at, by: from } : { state, at, by: from, reason });
    // The outcome shown belongs to the assertion that stands, in whichever order the reports came.
    const standing = ended ? endOf(message.life) : undefined;
    if (!ended || (standing?.state === state && standing.at === at && standing.by === from)) message.outcome = outcome;
    message.heardAt ??= heard;
    this.#ended(lane, message);
    // The node's report overrules an end from before the first sending, and the conflict is told.
    const overruled = message.skip !== undefined && message.skip !== state;
    const conflict = ended && (overruled || message.life?.conflict !== undefined);
    return { record: message, changed: message.asserted !== before, conflict };
  }

  /** Ends a message that was never on the wire. `undefined`: it was on the wire, so only its node can end it. */
  withdraw(id: string, state: "expired" | "cancelled", at: number, reason: string): OutRecord | undefined {
    const found = this.#find(id);
    if (found === undefined || found.message.seq <= found.lane.sent) return undefined;
    const { lane, message } = found;
    if (message.skip !== undefined) return message;
    message.assert({ state, at, by: this.#node, reason });
    message.skip = state;
    lane.markers++;
    lane.waitingBytes -= message.bytes;
    message.outcome = { state, at, reason };
    this.#ended(lane, message);
    return message;
  }

  /**
   * Puts the messages of a lane that were never on the wire into another order, in one transaction: the numbers are the same,
   * and nobody was told yet which message has which. `inOrder` gets them as they stand, and may make one of them urgent. Returns the messages
   * that moved, each with the number that it had.
   */
  rearrange(subject: string, inOrder: (waiting: readonly Message[]) => readonly Message[]): Moved[] {
    const lane = this.#lanes.get(subject);
    if (lane === undefined || lane.event) return [];
    const waiting: OutMessage[] = [];
    // A life that a restored journal has forgotten may have sent the numbers that were given before it.
    const forgotten = lane.given.map(([, upTo]) => upTo);
    for (let seq = Math.max(lane.sent, ...forgotten) + 1; seq < lane.next; seq++) {
      const message = this.#batches.message(lane, seq);
      if (message?.untouched === true) waiting.push(message);
    }
    const known = new Map(waiting.map((each) => [each.message.id, each]));
    const order = inOrder(waiting.map(({ message }) => message));
    const places = new Map<number, { message: Message; text: string }>();
    const moved: Moved[] = [];
    for (const [i, message] of order.entries()) {
      const [place, before] = [waiting[i], known.get(message.id)];
      if (place === undefined || before === undefined || place.message === message) continue;
      places.set(place.seq, { message, text: before.message === message ? before.text : encodeItem(message) });
      moved.push({ id: message.id, from: before.seq, to: place.seq });
    }
    if (moved.length === 0) return moved;
    this.#write();
    this.#batches.put(lane, places);
    this.#ids.move(new Map(moved.map(({ id, to }) => [id, [lane.no, to] as const])));
    lane.late = true;
    this.#changes(lane);
    return moved;
  }

  /**
   * Ends all messages to a node which is no more: those that were never on the wire are cancelled, the others are interrupted.
   * All of them stay on their lanes as skip markers, so that no other machine of this name is ever given one of them.
   */
  abandon(node: string, at: number, reason: string): { withdrawn: OutRecord[]; interrupted: OutRecord[] } {
    const withdrawn: OutRecord[] = [];
    const interrupted: OutRecord[] = [];
    for (const lane of this.#lanesTo.get(node) ?? []) {
      for (let seq = lane.acked + 1; seq < lane.next; seq++) {
        const message = this.#batches.message(lane, seq);
        if (message === undefined || message.skip !== undefined) continue;
        const isSent = seq <= lane.sent;
        message.skip = "cancelled";
        lane.markers++;
        lane.waitingBytes -= message.bytes;
        if (!message.ended) this.#abandoned(lane, message, at, reason, isSent);
        (isSent ? interrupted : withdrawn).push(message);
      }
      for (const seq of [...lane.openNumbers]) {
        const message = this.#batches.message(lane, seq);
        if (message === undefined) continue;
        this.#abandoned(lane, message, at, reason, true);
        interrupted.push(message);
      }
      this.#changes(lane);
    }
    return { withdrawn, interrupted };
  }

  #abandoned(lane: Lane, message: OutMessage, at: number, why: string, isSent: boolean): void {
    const state = isSent ? "interrupted" : "cancelled";
    const reason = isSent ? `${why}: whether it ran cannot be proved` : why;
    message.assert({ state, at, by: this.#node, reason });
    message.outcome = { state, at, reason };
    this.#ended(lane, message);
  }

  cancelRequested(id: string, asked: { cancelRequestedAt: number; cancelId: string }): void {
    const found = this.#find(id);
    if (found === undefined) return;
    Object.assign(found.message, asked);
    this.#learned(found.lane, found.message);
  }

  /** The number of messages of a lane that wait for an ACK; skip markers do not count. */
  waitingCount(subject: string): number {
    const lane = this.#lanes.get(subject);
    return lane === undefined ? 0 : lane.next - 1 - lane.acked - lane.markers;
  }

  /** The number of messages of a lane that wait for an ACK, their bytes as they travel, and the oldest of them. */
  waiting(subject: string): { readonly count: number; readonly bytes: number; readonly oldest: OutRecord | undefined } {
    const lane = this.#lanes.get(subject);
    const count = this.waitingCount(subject);
    if (lane === undefined || count <= 0) return { count: 0, bytes: 0, oldest: undefined };
    lane.firstWaiting = Math.max(lane.firstWaiting, lane.acked + 1);
    let oldest = this.#batches.message(lane, lane.firstWaiting);
    while (oldest?.skip !== undefined) oldest = this.#batches.message(lane, ++lane.firstWaiting);
    return { count, bytes: lane.waitingBytes, oldest };
  }

  find(id: string): { lane: OutLane; record: OutRecord } | undefined {
    const found = this.#find(id);
    return found && { lane: found.lane, record: found.message };
  }

  /** Kept messages whose id begins with `prefix` and is lower than `before`, newest first. */
  *newest(prefix = "", before?: string): Generator<{ lane: OutLane; record: OutRecord }> {
    this.#write();
    for (const [, place] of this.#ids.newest(prefix, before)) {
      const found = this.#there(place);
      if (found !== undefined) yield { lane: found.lane, record: found.message };
    }
  }

  /** Kept messages of some lanes whose id is lower than `before`, newest first. Before the first one is given, each lane is read. */
  *newestOn(isMeant: (subject: string) => boolean, before?: string): Generator<{ lane: OutLane; record: OutRecord }> {
    this.#write();
    const lanes = [...this.#lanes.values()].filter(({ subject }) => isMeant(subject));
    if (!lanes.some(({ late }) => late)) {
      yield* newestOf(lanes.flatMap((lane) => headOf(lane, this.#batches.newest(lane, before)) ?? []));
      return;
    }
    // The order of ids is found in their table, where the lanes do not have it.
    const numbers = new Set(lanes.map(({ no }) => no));
    for (const [, place] of this.#ids.newest("", before)) {
      const found = numbers.has(place[0]) ? this.#there(place) : undefined;
      if (found !== undefined) yield { lane: found.lane, record: found.message };
    }
  }

  /** The kept messages that are not final, newest first. Before the first one is given, each lane is searched for its newest. */
  *open(isMeant: (subject: string) => boolean = () => true): Generator<{ lane: OutLane; record: OutRecord }> {
    const lanes = [...this.#lanes.values()].filter(({ subject }) => isMeant(subject));
    yield* newestOf(lanes.flatMap((lane) => headOf(lane, this.#openInOrder(lane)) ?? []));
  }

  #openInOrder(lane: Lane): Iterator<OutMessage> {
    const open = this.#openOf(lane);
    return lane.late ? [...open].sort((a, b) => (a.message.id < b.message.id ? 1 : -1)).values() : open;
  }

  *#openOf(lane: Lane): Generator<OutMessage> {
    for (const seq of openNumbers(lane)) {
      const record = this.#batches.message(lane, seq);
      if (record?.ended === false) yield record;
    }
  }

  /** The lanes to a node. */
  lanesTo(node: string): readonly OutLane[] {
    return this.#lanesTo.get(node) ?? [];
  }

  /** Commands that a node has and that have no outcome yet. */
  *openOn(node: string): Generator<{ lane: OutLane; record: OutRecord }> {
    if (this.openCount(node) === 0) return;
    for (const lane of this.#lanesTo.get(node) ?? []) {
      for (const seq of [...lane.openNumbers]) {
        const record = this.#batches.message(lane, seq);
        if (record !== undefined) yield { lane, record };
      }
    }
  }

  /**
   * The oldest open command of the lane on which a received command waits, and the number that the receiver runs at once, if
   * known. `undefined`: as far as this node knows, the command's turn has come.
   */
  before(id: string): { readonly id: string; readonly concurrency: number | undefined } | undefined {
    const found = this.#find(id);
    if (found === undefined) return undefined;
    const { lane, message } = found;
    const { concurrency } = lane;
    let older = 0;
    for (const seq of lane.openNumbers) {
      // `openNumbers` is in order, so the older commands come first.
      if (seq >= message.seq) return undefined;
      if (++older >= (concurrency ?? 1)) break;
    }
    const [oldest] = lane.openNumbers;
    const first = oldest === undefined ? undefined : this.#batches.message(lane, oldest);
    return first === undefined ? undefined : { id: first.message.id, concurrency };
  }

  openCount(node: string): number {
    return this.#openCount.get(node) ?? 0;
  }

  /** The output of a command that has arrived, each stream in order of offset. */
  output(id: string): OutputPart[] {
    return [...this.#outputRows(id)].map(({ value }) => value as OutputPart);
  }

  #outputRows(id: string): Iterable<Entry> {
    return this.#store.range("output", { from: [id], to: [id, "\uffff"] });
  }

  stateOf(lane: OutLane, record: OutRecord): State {
    return (record as OutMessage).stateOn(lane as Lane);
  }

  /** Every assertion known of a message, oldest first. */
  history(lane: OutLane, record: OutRecord): Life {
    return (record as OutMessage).historyOn(lane as Lane);
  }

  /**
   * Forgets ended messages that were created before `before`, except for spared times and for those that others name; at most
   * `limit`. Messages still owed stay. Returns the number of forgotten messages.
   */
  sweep(
    before: number,
    limit: number,
    spared: (at: number) => boolean = () => false,
    isNamed: (id: string) => boolean = () => false,
  ): number {
    this.#write();
    let removed = 0;
    for (const { key, entries } of this.#ids.rows()) {
      // A message was created no sooner than its id was made, but for an id that its sender chose.
      if (idTime(String(key)) - CHOSEN >= before) break;
      const left = entries.filter(([id, place]) => {
        if (removed >= limit) return true;
        const found = this.#there(place);
        if (found !== undefined) {
          const { lane, message } = found;
          const { createdAt } = message.message;
          if (createdAt >= before || spared(createdAt) || isNamed(id)) return true;
          if (message.seq > lane.acked || !(lane.event || message.ended)) return true;
          for (const row of this.#outputRows(id)) this.#store.remove("output", row.key);
          this.#batches.forget(lane, message.seq);
        }
        removed++;
        return false;
      });
      if (left.length < entries.length) this.#ids.replace(key, left);
      const [, place] = left.at(-1) ?? [];
      const youngest = place && this.#there(place);
      if (removed >= limit) break;
      // A message that was held has a low id, and is younger than others with higher ones.
      if (
        youngest !== undefined &&
        Math.min(youngest.message.message.createdAt, idTime(youngest.message.message.id)) >= before
      )
        break;
    }
    return removed;
  }

  /** Keeps, as a dead letter, a message of this node that could not be queued because no receiver could read it. */
  putAside(message: Message, reason: string, at: number): void {
    this.#dead.add({ v: 1, message, epoch: "", seq: 0, receivedAt: message.createdAt, at, reason, attempts: 0 });
  }

  /** Keeps, as a dead letter, a message without a record of its own (of a source, or a reply) that its receiver refused. */
  #refused({ message, seq, attempts }: OutMessage, reason: string, at: number): void {
    const dead: DeadRecord = { v: 1, message, epoch: "", seq, receivedAt: message.createdAt, at, reason, attempts };
    this.#dead.add(dead);
  }

  #opened(lane: Lane, seq: number): void {
    if (lane.openNumbers.has(seq)) return;
    lane.openNumbers.add(seq);
    this.#openCount.set(lane.node, this.openCount(lane.node) + 1);
  }

  #ended(lane: Lane, message: OutMessage): void {
    this.onEnded(message);
    if (lane.openNumbers.delete(message.seq)) this.#openCount.set(lane.node, this.openCount(lane.node) - 1);
    if (message.seq === lane.open) lane.open++;
    this.#learned(lane, message);
  }

  /** The lane's subject has a row of its own, written once: the lane's row changes often and is more easily damaged. */
  #newLane(subject: string): Lane {
    const lane = this.#addLane(this.#lastLane + 1, subject);
    lane.youngestAt = Number.NEGATIVE_INFINITY;
    this.#store.put("subjects", lane.no, subject);
    return lane;
  }

  #addLane(no: number, subject: string): Lane {
    this.#lastLane = Math.max(this.#lastLane, no);
    const lane = new Lane(no, subject);
    this.#lanes.set(subject, lane);
    this.#byNumber.set(no, lane);
    const beside = this.#lanesTo.get(lane.node);
    if (beside === undefined) this.#lanesTo.set(lane.node, [lane]);
    else beside.push(lane);
    return lane;
  }

  #find(id: string): Found | undefined {
    const atHand = this.#batches.at(id);
    if (atHand !== undefined) return atHand;
    const place = this.#ids.find(id);
    return place && this.#there(place);
  }

  #there([no, seq]: readonly [number, number]): Found | undefined {
    const lane = this.#byNumber.get(no);
    const message = lane && this.#batches.message(lane, seq);
    return lane === undefined || message === undefined ? undefined : { lane, message };
  }

  #learned(lane: Lane, message: OutMessage): void {
    this.#batches.learned(lane, message);
    this.#arm();
  }

  /** A lane that changes often in one turn is written once. */
  #changes(lane: Lane): void {
    this.#changed.add(lane);
    this.#arm();
  }

  #arm(): void {
    if (this.#armed) return;
    this.#store.atTurnEnd(() => {
      this.#armed = false;
      this.#write();
    });
    this.#armed = true;
  }

  #write(): void {
    this.#batches.write();
    if (this.#newIds.length > 0) this.#ids.put(this.#newIds);
    this.#newIds = [];
    for (const lane of this.#changed) this.#store.putText("lanes", lane.subject, lane.text);
    this.#changed = new Set();
  }
}

/** Numbers of a lane that may be open, the highest first. */
function* openNumbers({ next, acked, openNumbers: received }: Lane): Generator<number, undefined> {
  for (let seq = next - 1; seq > acked; seq--) yield seq;
  yield* [...received].reverse();
}

/** The first kept message of those left; `undefined`: there is none. */
function headOf(lane: Lane, left: Iterator<OutMessage, unknown>): Head | undefined {
  for (let next = left.next(); next.done !== true; next = left.next())
    if (next.value.keep) return { lane, record: next.value, left };
  return undefined;
}

/** The messages of several lanes, each of them sorted from the newest on, as one. */
function* newestOf(heads: Head[]): Generator<{ lane: OutLane; record: OutRecord }> {
  heads.sort(byId);
  for (let newest = heads.pop(); newest !== undefined; newest = heads.pop()) {
    const { lane, record, left } = newest;
    yield { lane, record };
    const next = headOf(lane, left);
    if (next !== undefined) heads.splice(placeOf(next, heads), 0, next);
  }
}

function byId({ record: a }: Head, { record: b }: Head): number {
  return a.message.id < b.message.id ? -1 : 1;
}

/** The index of a head among sorted heads. */
function placeOf(head: Head, heads: readonly Head[]): number {
  let [low, high] = [0, heads.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (byId(heads[middle] as Head, head) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
