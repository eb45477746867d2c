import { expect, it } from "vitest";
import type { Config } from "../../../src/config/config.ts";
import { openJournal } from "../../../src/journal/journal.ts";
import type { Store } from "../../../src/journal/store/store.ts";
import { Storage } from "../../../src/runtime/upkeep/storage.ts";
import { ackOf, COMMANDS, idOf, message, NODE, sendAll } from "../../contract/journal.ts";
import { SimulatedClock } from "../../harness/clock.ts";
import { listLog } from "../../harness/list-log.ts";
import { seededRandom } from "../../harness/random.ts";
import { emptyDisk, openMemoryStore } from "../../twins/memory-store.ts";

const DAY = 86_400_000;
/** Nothing is kept beside the journal. */
const NOTHING = {
  methods: new Map(),
  filesInHand: new Set<string>(),
  failures: { report: () => undefined },
  spawner: { recorded: async () => [], forget: async () => undefined },
  directory: () => "",
};

/** A journal that says it holds `bytes`, with its upkeep. */
function scene(limits: { journalBytes: number; retentionBytes: number }, disk = emptyDisk()) {
  const clock = new SimulatedClock();
  const held = { bytes: 0 };
  const store: Store = Object.defineProperty(openMemoryStore(disk), "bytes", { value: () => held.bytes });
  const journal = openJournal(store, { node: NODE, path: "memory", clock, random: seededRandom(1) });
  const config = {
    data: "memory",
    limits: { journalBytes: limits.journalBytes },
    retention: { age: 30 * DAY, bytes: limits.retentionBytes, deadLetters: 10, logs: { age: 30 * DAY, bytes: 1e9 } },
  } as Config;
  const storage = new Storage(journal, {
    config: () => config,
    clock,
    log: listLog(),
    counters: { drop: () => undefined },
  });
  return { clock, held, journal, storage };
}

it("is low from four fifths of its limit on, and full when only the room for outcomes is left", async () => {
  const { clock, held, storage } = scene({ journalBytes: 1000, retentionBytes: 500 });
  const levels = [];
  for (const bytes of [0, 799, 800, 949, 950, 2000]) {
    held.bytes = bytes;
    await clock.advance(1000);
    levels.push([storage.level(), storage.hasRoom()]);
  }
  expect(levels).toEqual([
    ["ok", true],
    ["ok", true],
    ["low", true],
    ["low", true],
    ["full", false],
    ["full", false],
  ]);
  storage.closing(true);
  expect(storage.health()).toEqual({ state: "failed", bytes: 2000, limit: 1000 });
});

it("forgets what ended when it holds more bytes than it may, and never what is still owed", async () => {
  const { clock, held, journal, storage } = scene({ journalBytes: 1000, retentionBytes: 500 });
  journal.outbox.enqueue([message(1), message(2)], true);
  sendAll(journal, COMMANDS);
  journal.outbox.acknowledge(COMMANDS, ackOf(journal, 1), clock.now());
  journal.outbox.report(idOf(1), "ship1", { state: "succeeded", at: clock.now() });
  const failures: unknown[] = [];
  storage.begin((error) => failures.push(error), NOTHING);

  await clock.advance(120_000);
  expect(journal.outbox.find(idOf(1))).toBeDefined();
  held.bytes = 501;
  await clock.advance(120_000);
  expect(journal.outbox.find(idOf(1))).toBeUndefined();
  expect(journal.outbox.find(idOf(2))).toBeDefined();
  expect(failures).toEqual([]);

  await storage.end();
  expect(clock.armed).toBe(0);
});

it("forgets nothing that just ended when the wall clock jumps, in either direction", async () => {
  const { clock, journal, storage } = scene({ journalBytes: 1000, retentionBytes: 500 });
  storage.begin(() => undefined, NOTHING);
  journal.outbox.enqueue([message(1)], true);
  sendAll(journal, COMMANDS);
  journal.outbox.acknowledge(COMMANDS, ackOf(journal, 1), clock.now());
  journal.outbox.report(idOf(1), "ship1", { state: "succeeded", at: clock.now() });
  for (const jump of [3650 * DAY, -7300 * DAY, 3650 * DAY]) {
    clock.jump(jump);
    await clock.advance(120_000);
    expect(journal.outbox.find(idOf(1))).toBeDefined();
  }
  await clock.advance(33 * DAY);
  expect(journal.outbox.find(idOf(1))).toBeUndefined();
  await storage.end();
});

it("is low and full by the room that the disk has left, and says what it is that refuses", async () => {
  const disk = emptyDisk();
  const { clock, storage } = scene({ journalBytes: 1000, retentionBytes: 500 }, disk);
  const MEGA = 1024 * 1024;
  const seen = [];
  for (const free of [65 * MEGA, 63 * MEGA, 15 * MEGA]) {
    disk.room = { free, size: 100_000 * MEGA };
    await clock.advance(1000);
    seen.push([storage.level(), storage.refusal()?.code]);
  }
  disk.room = { free: 12 * MEGA, size: 24 * MEGA };
  await clock.advance(1000);
  seen.push([storage.level(), storage.refusal()?.code]);
  disk.fault = "EIO";
  seen.push([storage.level(), storage.refusal()?.code, storage.health().state]);
  delete disk.fault;
  seen.push([storage.level(), storage.refusal()?.code]);
  expect(seen).toEqual([
    ["ok", undefined],
    ["low", undefined],
    ["full", "journal-disk-full"],
    ["ok", undefined],
    ["full", "journal-failed", "failed"],
    ["ok", undefined],
  ]);
});
