import { expect, it } from "vitest";
import type { Config } from "../../../src/config/config.ts";
import { openJournal } from "../../../src/journal/journal.ts";
import { Upkeep } from "../../../src/runtime/upkeep/upkeep.ts";
import { accept } from "../../contract/accept.ts";
import { COMMANDS, frameOf, idOf, NODE } from "../../contract/journal.ts";
import { SimulatedClock } from "../../harness/clock.ts";
import { listLog } from "../../harness/list-log.ts";
import { seededRandom } from "../../harness/random.ts";
import { emptyDisk, openMemoryStore } from "../../twins/memory-store.ts";

const HOUR = 3_600_000;
const TAKE = { kind: "take", deadline: null, start: false } as const;

/** The upkeep of an empty journal, of which the files of runs are a list. */
function scene() {
  const clock = new SimulatedClock();
  const disk = emptyDisk();
  const journal = openJournal(openMemoryStore(disk, clock), {
    node: NODE,
    path: "memory",
    clock,
    random: seededRandom(1),
  });
  const retention = { age: 8 * HOUR, bytes: 1e9, deadLetters: 10, logs: { age: 8 * HOUR, bytes: 1e9 } };
  const recorded = new Set<string>();
  const filesInHand = new Set<string>();
  const stuck = new Set<string>();
  const log = listLog();
  const upkeep = new Upkeep(
    journal,
    { config: () => ({ retention }) as Config, clock, log, counters: { drop: () => undefined } },
    {
      methods: new Map(),
      failures: { report: () => undefined },
      filesInHand,
      directory: () => "",
      spawner: {
        recorded: async () => [...recorded],
        forget: async (id) => {
          if (stuck.has(id)) throw new Error("it cannot");
          recorded.delete(id);
        },
      },
    },
  );
  const failures: unknown[] = [];
  upkeep.begin((error) => failures.push(error));
  return { clock, disk, journal, upkeep, recorded, filesInHand, stuck, log, failures };
}

it("forgets which files were taken once that is long ago, but for those that still lie in the intake", async () => {
  const { clock, journal, upkeep, filesInHand, failures } = scene();
  for (let n = 0; n < 1200; n++) journal.setTaken(`file ${n}`, [idOf(n, clock.now())]);
  journal.setTaken("nothing in it", []);
  filesInHand.add("file 7").add("nothing in it");
  await clock.advance(7.5 * HOUR);
  expect(journal.taken("file 0")).toHaveLength(1);
  journal.setTaken("young", [idOf(1, clock.now())]);
  await clock.advance(1.5 * HOUR);
  const left = Array.from({ length: 1200 }, (_, n) => `file ${n}`).filter((key) => journal.taken(key) !== undefined);
  expect(left).toEqual(["file 7"]);
  expect([journal.taken("young"), journal.taken("nothing in it")]).toEqual([expect.any(Array), []]);
  expect(failures).toEqual([]);
  await upkeep.end();
  expect(clock.armed).toBe(0);
});

it("forgets no file that was taken before the intakes have had time to find it where it lay", async () => {
  const { clock, journal, upkeep, filesInHand } = scene();
  journal.setTaken("empty", []);
  await clock.advance(HOUR - 120_000);
  expect(journal.taken("empty")).toEqual([]);
  filesInHand.add("empty");
  await clock.advance(2 * HOUR);
  expect(journal.taken("empty")).toEqual([]);
  filesInHand.delete("empty");
  // A journal in which nothing happens is looked at every ten minutes.
  await clock.advance(11 * 60_000);
  expect(journal.taken("empty")).toBeUndefined();
  await upkeep.end();
});

it("removes the files of runs that ended and that nobody came for, at its begin and every hour, never of one that is open", async () => {
  const { clock, journal, upkeep, recorded, stuck, log } = scene();
  accept(journal.inbox, frameOf(1, [1]), COMMANDS, clock.now(), () => TAKE);
  for (const id of [idOf(1), idOf(2), idOf(3)]) recorded.add(id);
  stuck.add(idOf(2));
  await clock.advance(120_000);
  expect([...recorded]).toEqual([idOf(1), idOf(2)]);
  expect(log.lines.filter(({ level }) => level === "warn")).toHaveLength(1);
  stuck.clear();
  journal.inbox.finish(idOf(1), { state: "succeeded", at: clock.now() }, "");
  await clock.advance(2 * HOUR);
  expect([...recorded]).toEqual([]);
  await upkeep.end();
});

it("keeps the files of a run until its end is on disk", async () => {
  const { clock, disk, journal, upkeep, recorded } = scene();
  accept(journal.inbox, frameOf(1, [1]), COMMANDS, clock.now(), () => TAKE);
  recorded.add(idOf(1));
  await clock.advance(30_000);
  journal.inbox.finish(idOf(1), { state: "succeeded", at: clock.now() }, "");
  disk.fault = "ENOSPC";
  await clock.advance(60_000);
  expect([...recorded]).toEqual([idOf(1)]);
  delete disk.fault;
  await clock.advance(5_000);
  expect([...recorded]).toEqual([]);
  await upkeep.end();
});

it("ends also while it waits for a disk that refuses", async () => {
  const { clock, disk, upkeep, recorded } = scene();
  recorded.add(idOf(1));
  disk.fault = "ENOSPC";
  await clock.advance(90_000);
  await upkeep.end();
  expect([...recorded]).toEqual([idOf(1)]);
});
