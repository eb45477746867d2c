import { expect } from "vitest";
import type { Judgement } from "../../src/journal/inbox.ts";
import { type Journal, openJournal } from "../../src/journal/journal.ts";
import type { InRecord, OutRecord } from "../../src/journal/records.ts";
import type { Clock } from "../../src/message/clock.ts";
import { idMaker } from "../../src/message/id.ts";
import { type FinalState, isFinalState, type State } from "../../src/message/lifecycle.ts";
import { type Json, type Message, replySubject } from "../../src/message/message.ts";
import type { Report } from "../../src/message/report.ts";
import { kindOf, parseSubject, receiverOf } from "../../src/message/subject.ts";
import {
  type Ack,
  decodeAck,
  decodeFrame,
  encodeAck,
  encodeFrame,
  type Frame,
  type FrameItem,
} from "../../src/message/wire/frame.ts";
import { seededRandom } from "../harness/random.ts";
import { accept } from "./accept.ts";
import type { StoreHost } from "./store.ts";

/**
 * Two journals that exchange messages over a wire that loses, doubles and reorders, while the power of either is cut.
 * The road between them is as thin as it can be: what is proved here is what the journals alone promise.
 */
export type Step =
  | {
      readonly op: "submit";
      readonly peer: Name;
      readonly lane: number;
      readonly count: number;
      readonly keep: boolean;
      readonly refuse: boolean;
      readonly cut: boolean;
    }
  | {
      readonly op: "send";
      readonly peer: Name;
      readonly lane: number;
      readonly count: number;
      readonly again: boolean;
      readonly cut: boolean;
    }
  | {
      readonly op: "deliver";
      readonly pick: number;
      readonly twice: boolean;
      readonly start: boolean;
      readonly cut: boolean;
    }
  | { readonly op: "lose"; readonly pick: number }
  | { readonly op: "unheard"; readonly pick: number; readonly cut: boolean }
  | { readonly op: "begin" | "end"; readonly peer: Name; readonly cut: boolean }
  | { readonly op: "withdraw" | "cancel"; readonly peer: Name; readonly pick: number; readonly cut: boolean }
  | { readonly op: "crash" | "restart" | "sweep" | "pass"; readonly peer: Name };
export type Name = "a" | "b";

type Packet =
  | {
      readonly kind: "frame";
      readonly from: Name;
      readonly to: Name;
      readonly subject: string;
      readonly payload: Uint8Array;
      readonly sentBefore: number;
      readonly first: number;
      copies: number;
    }
  | { readonly kind: "ack"; readonly to: Name; readonly subject: string; readonly payload: Uint8Array };

const LANES = ["command.run.one", "command.run.two", "event.log.one"];
/** Commands that wait at a receiver before it takes no more. */
const ROOM = 4;

interface Peer {
  readonly name: Name;
  readonly host: StoreHost;
  journal: Journal;
  /** Highest number sent since the last step back, by subject: lost in a crash, as a publisher's is. */
  cursors: Map<string, number>;
}

export class Exchange {
  readonly #peers: Record<Name, Peer>;
  readonly #clock: Clock & { pass(): void };
  readonly #newId: () => string;
  #wire: Packet[] = [];
  /** What each peer was told is accepted. */
  readonly accepted: { id: string; subject: string; keep: boolean }[] = [];
  /** Every number that was ever on the wire, and whose it is. */
  readonly #numbers = new Map<string, string>();
  /** What a lane's receiver took, durably, in order. */
  readonly #taken = new Map<string, { seq: number; id: string | undefined }[]>();
  /** One line for each run of a command, written once `running` is durable. */
  readonly ledger: string[] = [];
  /** Final states that an origin showed once they were durable. */
  readonly #finals = new Map<string, State>();
  /** How its node ended each command, durably. */
  readonly #ends = new Map<string, State>();
  #flushes = 0;

  private constructor(peers: Record<Name, Peer>, clock: Clock & { pass(): void }, newId: () => string) {
    this.#peers = peers;
    this.#clock = clock;
    this.#newId = newId;
  }

  static async open(hosts: Record<Name, StoreHost>): Promise<Exchange> {
    let now = Date.UTC(2030, 0, 1);
    const clock = {
      now: () => now,
      monotonic: () => now,
      setTimeout: () => 0,
      clearTimeout: () => undefined,
      pass: () => {
        now += 7;
      },
    };
    const newId = idMaker(clock, seededRandom(1));
    const make = (name: Name): Peer => ({
      name,
      host: hosts[name],
      journal: open(hosts[name], name, clock),
      cursors: new Map(),
    });
    const exchange = new Exchange({ a: make("a"), b: make("b") }, clock, newId);
    for (const peer of Object.values(exchange.#peers)) await peer.journal.flushed();
    return exchange;
  }

  async step(step: Step): Promise<void> {
    this.#clock.pass();
    switch (step.op) {
      case "submit":
        return this.#submit(this.#peers[step.peer], step);
      case "send":
        return this.#send(this.#peers[step.peer], this.#subject(step.peer, step.lane), step);
      case "deliver": {
        const packet = this.#pick(step.pick, step.twice);
        if (packet !== undefined) await this.#arrive(packet, step.start, step.cut);
        return;
      }
      case "lose":
        this.#pick(step.pick, false);
        return;
      case "unheard":
        return this.#unheard(step.pick, step.cut);
      case "begin":
      case "end":
        return this.#work(this.#peers[step.peer], step.op, step.cut);
      case "withdraw":
        return this.#withdraw(this.#peers[step.peer], step.pick, step.cut);
      case "cancel":
        return this.#cancel(this.#peers[step.peer], step.pick, step.cut);
      case "sweep": {
        const peer = this.#peers[step.peer];
        await this.#durable(peer, false);
        this.#look(peer);
        peer.journal.sweep(this.#clock.now() + 1, 100);
        return;
      }
      case "pass":
        return this.#peers[step.peer].host.pass();
      case "crash":
        return this.#crash(this.#peers[step.peer]);
      case "restart":
        await this.#peers[step.peer].journal.close();
        return this.#reopen(this.#peers[step.peer]);
    }
  }

  /** The fault is over: everything that is owed gets through. */
  async heal(): Promise<void> {
    this.#wire = [];
    for (let round = 0; round < 200; round++) {
      let quiet = true;
      for (const peer of Object.values(this.#peers)) {
        this.#clock.pass();
        for (const { subject, acked, next } of [...peer.journal.outbox.lanes.values()]) {
          if (acked === next - 1) continue;
          quiet = false;
          await this.#send(peer, subject, { count: 100, again: true, cut: false });
        }
        while (peer.journal.inbox.pending().length > 0) {
          quiet = false;
          await this.#work(peer, "begin", false);
          await this.#work(peer, "end", false);
        }
        for (let packet = this.#wire.shift(); packet !== undefined; packet = this.#wire.shift())
          await this.#arrive(packet, false, false);
      }
      if (quiet) return;
    }
    throw new Error("it never comes to rest");
  }

  /** What must be true when nothing is owed any more. */
  checkEnd(): void {
    for (const peer of Object.values(this.#peers)) this.#look(peer);
    for (const { journal } of Object.values(this.#peers)) {
      for (const lane of journal.outbox.lanes.values()) expect(lane.acked).toBe(lane.next - 1);
      expect([journal.outbox.openCount("a"), journal.outbox.openCount("b")]).toEqual([0, 0]);
      expect(journal.inbox.pending()).toEqual([]);
    }
    for (const taken of this.#taken.values()) expect(taken.map(({ seq }) => seq)).toEqual(taken.map((_, i) => i + 1));
    const runs = new Map<string, number>();
    for (const id of this.ledger) runs.set(id, (runs.get(id) ?? 0) + 1);
    expect([...runs.values()].filter((times) => times > 1)).toEqual([]);
    for (const [subject, taken] of this.#taken) {
      const mine = this.accepted.filter((message) => message.subject === subject).map(({ id }) => id);
      const theirs = taken.map(({ id }) => id);
      // Every accepted message once, and in the order in which they were accepted.
      expect(theirs.filter((id) => id !== undefined && mine.includes(id))).toEqual(mine);
    }
    for (const { id, subject, keep } of this.accepted) {
      const final = this.#finals.get(id);
      const ran = runs.get(id) ?? 0;
      if (kindOf(subject) === "event") {
        if (keep) expect(["received", "cancelled", "rejected"]).toContain(final);
        continue;
      }
      expect(final, `${id} has no end at its origin`).toBeDefined();
      if (this.#ends.has(id)) expect(final).toBe(this.#ends.get(id));
      if (final === "succeeded") expect(ran).toBe(1);
      if (final === "rejected") expect(ran).toBe(0);
    }
  }

  async close(): Promise<void> {
    for (const { journal, host } of Object.values(this.#peers)) {
      await journal.close();
      await host.remove();
    }
  }

  #subject(from: Name, lane: number): string {
    return `${from === "a" ? "b" : "a"}.${LANES[lane % LANES.length]}`;
  }

  async #submit(
    peer: Peer,
    { lane, count, keep, refuse, cut }: { lane: number; count: number; keep: boolean; refuse: boolean; cut: boolean },
  ): Promise<void> {
    const subject = this.#subject(peer.name, lane);
    const kept = keep || kindOf(subject) === "command";
    const messages = Array.from({ length: count }, () => this.#message(peer.name, subject, { refuse }));
    peer.journal.outbox.enqueue(messages, kept);
    if (!(await this.#durable(peer, cut))) return;
    for (const { id } of messages) this.accepted.push({ id, subject, keep: kept });
  }

  #message(origin: Name, subject: string, data: Json, inReplyTo?: string): Message {
    const base = {
      id: this.#newId(),
      subject,
      origin,
      createdAt: this.#clock.now(),
      deliverBy: null,
      timeout: null,
      data,
    };
    return inReplyTo === undefined ? base : { ...base, inReplyTo };
  }

  async #send(
    peer: Peer,
    subject: string,
    { count, again, cut }: { count: number; again: boolean; cut: boolean },
  ): Promise<void> {
    const { outbox, epoch } = peer.journal;
    const lane = outbox.lanes.get(subject);
    if (lane === undefined) return;
    const cursor = again ? lane.acked : Math.max(peer.cursors.get(subject) ?? 0, lane.acked);
    const records = outbox.take(subject, cursor + 1, { count, bytes: 100_000, sizeOf: () => 100 });
    const last = records.at(-1);
    if (last === undefined) return;
    const [sentBefore, acked] = [lane.sent, lane.acked];
    outbox.sending(subject, records, this.#clock.now());
    peer.cursors.set(subject, last.seq);
    if (!(await this.#durable(peer, cut))) return;
    for (const { seq, message } of records) {
      const number = `${epoch} ${subject} ${seq}`;
      expect(this.#numbers.get(number) ?? message.id, `number ${number} was given twice`).toBe(message.id);
      this.#numbers.set(number, message.id);
    }
    const frame: Frame = {
      origin: peer.name,
      epoch,
      sentAt: this.#clock.now(),
      first: cursor + 1,
      acked,
      items: records.map(itemOf),
    };
    const to = receiverOf(subject) as Name;
    this.#wire.push({
      kind: "frame",
      from: peer.name,
      to,
      subject,
      payload: encodeFrame(subject, frame, count % 2 === 0 ? 0 : null),
      sentBefore,
      first: cursor + 1,
      copies: 0,
    });
  }

  #pick(pick: number, twice: boolean): Packet | undefined {
    if (this.#wire.length === 0) return undefined;
    const at = pick % this.#wire.length;
    const packet = this.#wire[at];
    if (!twice) this.#wire.splice(at, 1);
    return packet;
  }

  async #arrive(packet: Packet, start: boolean, cut: boolean): Promise<void> {
    const peer = this.#peers[packet.to];
    if (packet.kind === "ack") {
      const ack = decodeAck(packet.subject, packet.payload);
      if (ack.epoch !== peer.journal.epoch) return;
      peer.journal.outbox.acknowledge(packet.subject, ack, this.#clock.now());
      if (ack.upTo > ack.last) peer.cursors.set(packet.subject, ack.last);
      if (cut) await this.#crash(peer);
      return;
    }
    packet.copies++;
    const { subject } = packet;
    const frame = decodeFrame(subject, packet.payload);
    const { inbox } = peer.journal;
    const before = inbox.lane(frame.origin, frame.epoch, subject)?.last ?? 0;
    const accepted = accept(inbox, frame, subject, this.#clock.now(), (item, seq) =>
      this.#judge(peer, frame, subject, item, seq, start),
    );
    if (!(await this.#durable(peer, cut))) return;
    this.#note(subject, frame, Math.max(before, frame.acked), accepted.last);
    for (const record of accepted.taken) if (record.state === "running") this.ledger.push(record.message.id);
    const ack: Ack = {
      node: peer.name,
      receiverEpoch: peer.journal.epoch,
      epoch: frame.epoch,
      sentAt: this.#clock.now(),
      last: accepted.last,
      started: accepted.taken.findLast((record) => record.state === "running")?.seq ?? 0,
      upTo: frame.first + frame.items.length - 1,
      credit: 0,
      verdicts: accepted.verdicts,
    };
    this.#wire.push({ kind: "ack", to: packet.from, subject, payload: encodeAck(subject, ack) });
  }

  #judge(peer: Peer, frame: Frame, subject: string, item: FrameItem, _seq: number, start: boolean): Judgement | "full" {
    if ("skip" in item) return { kind: "verdict", state: item.skip, reason: "it ended at its origin" };
    if ("unreadable" in item) return { kind: "verdict", state: "rejected", reason: item.unreadable };
    if (item.inReplyTo !== undefined) {
      const folded = peer.journal.outbox.report(item.inReplyTo, frame.origin, item.data as unknown as Report);
      if (folded?.conflict === true) throw new Error(`${item.inReplyTo} ended twice`);
      return folded === undefined ? { kind: "verdict", state: "rejected", reason: "unknown" } : { kind: "folded" };
    }
    if (peer.journal.inbox.cancelledEarly(item.id) !== undefined)
      return { kind: "verdict", state: "cancelled", reason: "cancelled before it came" };
    if ((item.data as { refuse?: boolean }).refuse === true)
      return { kind: "verdict", state: "rejected", reason: "refused" };
    const waiting = peer.journal.inbox.pending(subject);
    if (waiting.length >= ROOM) return "full";
    // As with a concurrency of 1: it runs at once when nothing else does.
    const runs = start && kindOf(subject) === "command" && waiting.length === 0;
    return { kind: "take", deadline: null, start: runs };
  }

  /** What a receiver has durably taken of a lane, in order. */
  #note(subject: string, frame: Frame, before: number, last: number): void {
    const taken = this.#taken.get(subject) ?? [];
    this.#taken.set(subject, taken);
    for (let seq = before + 1; seq <= last; seq++) taken.push({ seq, id: frame.items[seq - frame.first]?.id });
  }

  /** The broker had nobody to hand a frame to: only when that is true, and it was the latest on its lane. */
  async #unheard(pick: number, cut: boolean): Promise<void> {
    const packet = this.#wire[pick % Math.max(1, this.#wire.length)];
    if (packet?.kind !== "frame" || packet.copies > 0) return;
    const peer = this.#peers[packet.from];
    const lane = peer.journal.outbox.lanes.get(packet.subject);
    const latest = this.#wire.findLast((other) => other.kind === "frame" && other.subject === packet.subject);
    if (latest !== packet || lane === undefined || peer.cursors.get(packet.subject) !== lane.sent) return;
    this.#wire.splice(this.#wire.indexOf(packet), 1);
    peer.journal.outbox.unsent(packet.subject, packet.sentBefore);
    peer.cursors.delete(packet.subject);
    await this.#durable(peer, cut);
  }

  /** Runs the oldest command, or handles the oldest event, of each subject. */
  async #work(peer: Peer, phase: "begin" | "end", cut: boolean): Promise<void> {
    const { inbox } = peer.journal;
    const firsts = LANES.map((lane) => inbox.pending(`${peer.name}.${lane}`)[0]).filter(
      (record) => record !== undefined,
    );
    const begun: string[] = [];
    const ended: [string, FinalState][] = [];
    for (const record of firsts) {
      const { message, state, seq } = record;
      if (kindOf(message.subject) === "event") {
        if (phase === "begin") continue;
        inbox.finish(message.id, { state: "succeeded", at: this.#clock.now() }, "");
        peer.journal.setCheckpoint({ key: `sink ${message.subject}`, value: seq });
      } else if (phase === "begin" && state === "received") {
        inbox.start(message.id, this.#clock.now());
        begun.push(message.id);
      } else if (phase === "end" && state === "running") {
        this.#respond(peer, record, "succeeded");
        ended.push([message.id, "succeeded"]);
      }
    }
    if (!(await this.#durable(peer, cut))) return;
    this.ledger.push(...begun);
    for (const [id, state] of ended) this.#ends.set(id, state);
  }

  /** The outcome and the event that carries it home, in one turn. */
  #respond(peer: Peer, record: InRecord, state: FinalState): void {
    const { message } = record;
    const at = this.#clock.now();
    peer.journal.inbox.finish(message.id, { state, at, startedAt: record.startedAt ?? at }, "");
    const report = { state, at, startedAt: record.startedAt ?? at } as unknown as Json;
    peer.journal.outbox.enqueue(
      [this.#message(peer.name, replySubject(parseSubject(message.subject), message.origin), report, message.id)],
      false,
    );
  }

  async #withdraw(peer: Peer, pick: number, cut: boolean): Promise<void> {
    const chosen = this.accepted[pick % Math.max(1, this.accepted.length)];
    if (chosen === undefined || receiverOf(chosen.subject) === peer.name || !chosen.keep) return;
    const found = peer.journal.outbox.find(chosen.id);
    const record = peer.journal.outbox.withdraw(chosen.id, "cancelled", this.#clock.now(), "withdrawn");
    if (found !== undefined && found.record.seq <= found.lane.sent) expect(record).toBeUndefined();
    await this.#durable(peer, cut);
  }

  /** A cancel arrives at the receiver, before or after its command. */
  async #cancel(peer: Peer, pick: number, cut: boolean): Promise<void> {
    const chosen = this.accepted[pick % Math.max(1, this.accepted.length)];
    if (chosen === undefined || receiverOf(chosen.subject) !== peer.name || kindOf(chosen.subject) === "event") return;
    const { inbox } = peer.journal;
    const record = inbox.find(chosen.id);
    if (record === undefined) {
      if (inbox.done(chosen.id) === undefined) inbox.cancelEarly(chosen.id, "a");
    } else if (record.state === "received") this.#respond(peer, record, "cancelled");
    if ((await this.#durable(peer, cut)) && record?.state === "received") this.#ends.set(chosen.id, "cancelled");
  }

  /** Flushes, or cuts the power instead. */
  async #durable(peer: Peer, cut: boolean): Promise<boolean> {
    if (cut) {
      await this.#crash(peer);
      return false;
    }
    await peer.journal.flushed();
    if (++this.#flushes % 4 === 0) this.#look(peer);
    return true;
  }

  async #crash(peer: Peer): Promise<void> {
    await peer.host.crash();
    await this.#reopen(peer);
  }

  /** A new life: commands that were running cannot be proved to have ended. */
  async #reopen(peer: Peer): Promise<void> {
    const { epoch } = peer.journal;
    peer.journal = open(peer.host, peer.name, this.#clock);
    peer.cursors = new Map();
    expect(peer.journal.epoch).toBe(epoch);
    this.#checkPending(peer);
    const interrupted = peer.journal.inbox.pending().filter(({ state }) => state === "running");
    for (const record of interrupted) this.#respond(peer, record, "interrupted");
    await peer.journal.flushed();
    for (const { message } of interrupted) this.#ends.set(message.id, "interrupted");
  }

  /** A sink's checkpoint and what is pending for it came to the disk in the same turns. */
  #checkPending(peer: Peer): void {
    const subject = `${peer.name}.event.log.one`;
    const pending = peer.journal.inbox.pending(subject).map(({ seq }) => seq);
    const done = (peer.journal.checkpoint(`sink ${subject}`) ?? 0) as number;
    expect(pending).toEqual([...pending].sort((x, y) => x - y));
    expect(pending.filter((seq) => seq <= done)).toEqual([]);
  }

  /** What an origin shows: a final state, once durable, never changes. */
  #look({ name, journal }: Peer): void {
    for (const lane of journal.outbox.lanes.values()) {
      expect(lane.acked).toBeLessThanOrEqual(lane.sent);
      expect(lane.sent).toBeLessThan(lane.next);
      expect(lane.started).toBeLessThanOrEqual(lane.acked);
    }
    for (const { id, subject, keep } of this.accepted) {
      if (!keep || receiverOf(subject) === name) continue;
      const found = journal.outbox.find(id);
      const before = this.#finals.get(id);
      if (found === undefined) {
        expect(before, `${id} was forgotten while it was owed`).toBeDefined();
        continue;
      }
      const state = journal.outbox.stateOf(found.lane, found.record);
      const final = isFinalState(state) || (state === "received" && kindOf(subject) === "event");
      if (before !== undefined) expect(state, `the end of ${id} changed`).toBe(before);
      else if (final) this.#finals.set(id, state);
    }
  }
}

function open(host: StoreHost, node: Name, clock: Clock): Journal {
  return openJournal(host.open(), { node, path: "test", clock, random: seededRandom(node === "a" ? 11 : 12) });
}

function itemOf({ message, skip }: OutRecord): FrameItem {
  if (skip !== undefined) return { id: message.id, skip };
  const { id, createdAt, deliverBy, timeout, data, inReplyTo } = message;
  return { id, createdAt, deliverBy, timeout, data, ...(inReplyTo === undefined ? {} : { inReplyTo }) };
}
