import { expect, it } from "vitest";
import type { Config } from "../../src/runtime/config/config.ts";
import { openJournal } from "../../src/runtime/journal/journal.ts";
import { openMemoryStore } from "../../src/runtime/journal/memory-store.ts";
import type { Store } from "../../src/runtime/journal/store.ts";
import { Storage } from "../../src/runtime/storage.ts";
import { ackOf, COMMANDS, idOf, message, NODE, sendAll } from "../contract/journal.ts";
import { SimulatedClock } from "../harness/clock.ts";
import { listLog } from "../harness/list-log.ts";
import { seededRandom } from "../harness/random.ts";

const DAY = 86_400_000;

/** A journal that says it holds `bytes`, with its upkeep. */
function scene(limits: { journalBytes: number; retentionBytes: number }) {
  const clock = new SimulatedClock();
  const held = { bytes: 0 };
  const store: Store = { ...openMemoryStore(), bytes: () => held.bytes };
  const journal = openJournal(store, { node: NODE, path: "memory", clock, random: seededRandom(1) });
  const config = {
    limits: { journalBytes: limits.journalBytes },
    retention: { age: 30 * DAY, bytes: limits.retentionBytes },
  } as Config;
  const storage = new Storage(journal, { config: () => config, clock, log: listLog() });
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
  expect(storage.health(true)).toEqual({ state: "failed", bytes: 2000, limit: 1000 });
});

it("forgets what ended when it holds more bytes than it may, and never what is still owed", async () => {
  const { clock, held, journal, storage } = scene({ journalBytes: 1000, retentionBytes: 500 });
  journal.outbox.enqueue([message(1), message(2)], true);
  sendAll(journal, COMMANDS);
  journal.outbox.acknowledge(COMMANDS, ackOf(journal, 1), clock.now());
  journal.outbox.report(idOf(1), "ship1", { state: "succeeded", at: clock.now() });
  const failures: unknown[] = [];
  storage.begin((error) => failures.push(error));

  await clock.advance(120_000);
  expect(journal.outbox.find(idOf(1))).toBeDefined();
  held.bytes = 501;
  await clock.advance(120_000);
  expect(journal.outbox.find(idOf(1))).toBeUndefined();
  expect(journal.outbox.find(idOf(2))).toBeDefined();
  expect(failures).toEqual([]);

  storage.end();
  expect(clock.armed).toBe(0);
});
