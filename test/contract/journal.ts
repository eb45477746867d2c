import { describe, expect, it } from "vitest";
import { type Journal, openJournal } from "../../src/journal/journal.ts";
import type { OutRecord } from "../../src/journal/records.ts";
import type { Store } from "../../src/journal/store/store.ts";
import type { Json, Message } from "../../src/message/message.ts";
import type { Ack, Frame, FrameItem } from "../../src/message/wire/frame.ts";
import { SimulatedClock } from "../harness/clock.ts";
import { seededRandom } from "../harness/random.ts";
import { accept } from "./accept.ts";
import { hosted, type StoreHost } from "./store.ts";

/** One node's journal, and its lives one after the other. */
export interface Scene {
  readonly clock: SimulatedClock;
  readonly host: StoreHost;
  readonly journal: Journal;
  readonly store: Store;
  /** A graceful end and a new start. */
  restart(node?: string): Promise<Journal>;
  /** A power cut and a new start. */
  crash(): Promise<Journal>;
}

export const NODE = "central";
export const COMMANDS = "ship1.command.shellcommand.os";
export const EVENTS = "ship1.event.syslogforwarding.nginx";
export const START = Date.UTC(2030, 0, 1);

export function scene(make: () => StoreHost, seed = 1): Scene {
  const host = hosted(make);
  const clock = new SimulatedClock(START);
  const random = seededRandom(seed);
  const open = (node: string): void => {
    store = host.open();
    journal = openJournal(store, { node, path: "/var/steward", clock, random });
  };
  let store: Store = host.open();
  let journal: Journal = openJournal(store, { node: NODE, path: "/var/steward", clock, random });
  return {
    clock,
    host,
    get journal() {
      return journal;
    },
    get store() {
      return store;
    },
    async restart(node = NODE) {
      await journal.close();
      open(node);
      return journal;
    },
    async crash() {
      await host.crash();
      open(NODE);
      return journal;
    },
  };
}

/** The n-th id: ids of the same number are the same. */
export function idOf(n: number, time = START): string {
  const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  let head = "";
  for (let i = 0, rest = time; i < 10; i++, rest = Math.floor(rest / 32)) head = alphabet[rest % 32] + head;
  return `${head}${String(n).padStart(16, "0")}`;
}

export function message(n: number, subject = COMMANDS, more: Partial<Message> = {}): Message {
  return {
    id: idOf(n),
    subject,
    origin: NODE,
    createdAt: START + n,
    deliverBy: null,
    timeout: null,
    data: ["echo", String(n)],
    ...more,
  };
}

export const BOUNDS = { count: 1000, bytes: 1_000_000, sizeOf: (): number => 10 };

export function take(journal: Journal, subject: string, from = 1): OutRecord[] {
  return journal.outbox.take(subject, from, BOUNDS);
}

/** Numbers `1..n` of a lane are handed to the wire. */
export function sendAll(journal: Journal, subject: string, at = START): void {
  journal.outbox.sending(subject, take(journal, subject, (journal.outbox.lanes.get(subject)?.sent ?? 0) + 1), at);
}

export function ackOf(journal: Journal, last: number, more: Partial<Ack> = {}): Ack {
  return {
    node: "ship1",
    receiverEpoch: "r1",
    epoch: journal.epoch,
    sentAt: START,
    last,
    started: 0,
    upTo: last,
    credit: 100,
    verdicts: [],
    ...more,
  };
}

export function frameOf(first: number, ids: readonly number[], more: Partial<Frame> = {}): Frame {
  const items = ids.map(
    (n): FrameItem => ({
      id: idOf(n),
      createdAt: START + n,
      deliverBy: null,
      timeout: null,
      data: ["echo", String(n)],
    }),
  );
  return { origin: "ship1", epoch: "e1", sentAt: START, first, acked: 0, items, ...more };
}

/** What every journal promises of itself, whatever store is below it. */
export function describeJournal(name: string, make: () => StoreHost): void {
  describe(`the journal ${name}`, () => {
    it("keeps its epoch through restarts and power cuts; another disk has another", async () => {
      const { journal, restart, crash } = scene(make);
      await journal.flushed();
      expect(journal.epoch).toMatch(/^[0-9a-f]{16}$/);
      expect((await restart()).epoch).toBe(journal.epoch);
      expect((await crash()).epoch).toBe(journal.epoch);
      expect(scene(make, 2).journal.epoch).not.toBe(journal.epoch);
    });

    it("is not opened for another node", async () => {
      const { restart } = scene(make);
      await expect(restart("ship1")).rejects.toMatchObject({
        code: "wrong-node",
        details: { path: "/var/steward", owner: NODE, node: "ship1" },
      });
    });

    it("is not opened when a newer steward wrote it", async () => {
      const { store, restart } = scene(make);
      store.put("meta", "version", 99);
      await expect(restart()).rejects.toMatchObject({
        code: "journal-version",
        details: { version: 99, path: "/var/steward" },
      });
    });

    it("gives back checkpoints, taken keys and nodes, the latest of each", async () => {
      const { journal, restart, crash } = scene(make);
      const values: [string, Json][] = [
        ["source a", { offset: 10 }],
        ["source b", [1, "x"]],
        ["source a", { offset: 20 }],
      ];
      for (const [key, value] of values) journal.setCheckpoint({ key, value });
      journal.setTaken("file 1", [idOf(1), idOf(2)]);
      journal.setNode("ship1", { link: "online" });
      journal.setNode("ship2", { link: "late" });
      journal.setNode("ship1", { link: "offline" });
      const check = (now: Journal): void => {
        expect(now.checkpoint("source a")).toEqual({ offset: 20 });
        expect(now.checkpoint("source b")).toEqual([1, "x"]);
        expect(now.checkpoint("source c")).toBeUndefined();
        expect(now.taken("file 1")).toEqual([idOf(1), idOf(2)]);
        expect(now.taken("file 2")).toBeUndefined();
        expect(now.nodes().sort((a, b) => a.name.localeCompare(b.name))).toEqual([
          { name: "ship1", snapshot: { link: "offline" } },
          { name: "ship2", snapshot: { link: "late" } },
        ]);
      };
      check(journal);
      await journal.flushed();
      check(await crash());
      check(await restart());
    });

    it("makes messages, the key that they were taken under and the checkpoint durable together or not at all", async () => {
      const { journal, crash } = scene(make);
      journal.outbox.enqueue([message(1)], true);
      journal.setTaken("file", [idOf(1)]);
      journal.setCheckpoint({ key: "file", value: 5 });
      let now = await crash();
      expect([now.outbox.find(idOf(1)), now.taken("file"), now.checkpoint("file")]).toEqual([
        undefined,
        undefined,
        undefined,
      ]);
      now.outbox.enqueue([message(1)], true);
      now.setTaken("file", [idOf(1)]);
      now.setCheckpoint({ key: "file", value: 5 });
      await now.flushed();
      now = await crash();
      expect([now.outbox.find(idOf(1))?.record.seq, now.taken("file"), now.checkpoint("file")]).toEqual([
        1,
        [idOf(1)],
        5,
      ]);
    });

    it("makes a handled event's end and its sink's checkpoint durable together or not at all", async () => {
      const { journal, crash } = scene(make);
      const subject = "central.event.log.x";
      accept(journal.inbox, frameOf(1, [1, 2]), subject, START, () => ({ kind: "take", deadline: null, start: false }));
      await journal.flushed();
      const handle = (now: Journal): void => {
        now.inbox.finish(idOf(1), { state: "succeeded", at: START }, "");
        now.setCheckpoint({ key: "sink", value: 1 });
      };
      handle(journal);
      let now = await crash();
      expect([now.inbox.pending().length, now.checkpoint("sink")]).toEqual([2, undefined]);
      handle(now);
      await now.flushed();
      now = await crash();
      expect([now.inbox.pending().length, now.checkpoint("sink")]).toEqual([1, 1]);
    });

    it("lets work at the end of a turn go along with what the turn wrote", async () => {
      const { journal, crash } = scene(make);
      journal.setCheckpoint({ key: "a", value: 1 });
      const done = new Promise<void>((resolve) => {
        journal.atTurnEnd(() => {
          journal.setCheckpoint({ key: "b", value: 1 });
          resolve();
        });
      });
      await journal.flushed();
      await done;
      const now = await crash();
      expect([now.checkpoint("a"), now.checkpoint("b")]).toEqual([1, 1]);
    });

    it("measures its size at most once a second", async () => {
      const { journal, clock, restart } = scene(make);
      const before = journal.bytes();
      for (let n = 1; n <= 400; n++) journal.outbox.enqueue([message(n, COMMANDS, { data: "x".repeat(1000) })], true);
      await journal.flushed();
      await clock.advance(999);
      expect(journal.bytes()).toBe(before);
      expect((await restart()).bytes()).toBeGreaterThan(before);
    });

    it("forgets on both sides what ended long ago", async () => {
      const { journal } = scene(make);
      journal.outbox.enqueue([message(1, EVENTS)], true);
      sendAll(journal, EVENTS);
      journal.outbox.acknowledge(EVENTS, ackOf(journal, 1), START);
      accept(journal.inbox, frameOf(1, [7]), "central.command.m.d", START, () => ({
        kind: "take",
        deadline: null,
        start: false,
      }));
      journal.inbox.finish(idOf(7), { state: "succeeded", at: START }, "");
      expect(journal.sweep(START, 10)).toBe(0);
      expect(journal.sweep(START + 10_000, 10)).toBe(2);
      expect([journal.outbox.find(idOf(1)), journal.inbox.done(idOf(7))]).toEqual([undefined, undefined]);
    });
  });
}
