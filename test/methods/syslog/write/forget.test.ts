import { mkdir, readdir, readFile, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { KeepBounds } from "../../../../src/methods/define.ts";
import { forgetLogs } from "../../../../src/methods/syslog/write/forget.ts";
import { sink } from "../../../../src/methods/syslog/write/sink.ts";
import { SimulatedClock } from "../../../harness/clock.ts";
import { RecordingContext, temporaryDirectories } from "../harness.ts";

const directory = temporaryDirectories();
const DAY = 86_400_000;
const NOW = Date.UTC(2030, 0, 31, 12);

/** Stores logs of one byte each for a number of days back, by node; each was last written at noon of its day. */
async function stored(root: string, ages: Readonly<Record<string, readonly number[]>>): Promise<void> {
  for (const [node, days] of Object.entries(ages)) {
    await mkdir(join(root, node, "nginx"), { recursive: true });
    for (const age of days) {
      const file = join(root, node, "nginx", nameOf(age));
      await writeFile(file, "x");
      await writeFile(join(root, node, "nginx", `.${nameOf(age)}.opening`), "{}");
      await utimes(file, (NOW - age * DAY) / 1000, (NOW - age * DAY) / 1000);
    }
  }
}

const nameOf = (age: number): string => `${new Date(NOW - age * DAY).toISOString().slice(0, 10)}.log`;
const left = async (root: string, node: string) =>
  (await readdir(join(root, node, "nginx"))).filter((name) => !name.startsWith(".")).reverse();
const bounds = (more: Partial<KeepBounds>): KeepBounds => ({
  now: NOW,
  bytes: 1000,
  isOld: () => false,
  stopping: new AbortController().signal,
  ...more,
});

it("stored logs go when they are old, with what was noted beside them, and others stay", async () => {
  const root = await directory();
  await stored(root, { ship1: [0, 5, 10, 11], ship2: [12] });
  const isOld = (at: number): boolean => at <= NOW - 10 * DAY;
  expect(await forgetLogs(root, bounds({ isOld }))).toEqual({ files: 3, bytes: 3, early: 0, held: 2 });
  expect(await left(root, "ship1")).toEqual([nameOf(0), nameOf(5)]);
  expect((await readdir(join(root, "ship1", "nginx"))).length).toBe(4);
  expect(await readdir(join(root, "ship2", "nginx"))).toEqual([]);
});

it("over their bytes the oldest whole days of all nodes go first, and never what was written today", async () => {
  const root = await directory();
  await stored(root, { ship1: [0, 1, 2, 3], ship2: [0, 2, 3] });
  expect(await forgetLogs(root, bounds({ bytes: 6 }))).toEqual({ files: 2, bytes: 2, early: 2, held: 5 });
  expect(await left(root, "ship1")).toEqual([0, 1, 2].map(nameOf));
  expect(await left(root, "ship2")).toEqual([0, 2].map(nameOf));
  expect(await forgetLogs(root, bounds({ bytes: 0 }))).toEqual({ files: 3, bytes: 3, early: 3, held: 2 });
  expect(await left(root, "ship1")).toEqual([nameOf(0)]);
  expect(await left(root, "ship2")).toEqual([nameOf(0)]);
});

it("a log counts as written when it was, whatever day its origin believed it to be", async () => {
  const root = await directory();
  await mkdir(join(root, "ship1", "nginx"), { recursive: true });
  const file = join(root, "ship1", "nginx", "1970-01-01.log");
  await writeFile(file, "x");
  await utimes(file, NOW / 1000, NOW / 1000);
  await forgetLogs(root, bounds({ bytes: 0, isOld: (at) => at < NOW - DAY }));
  expect(await left(root, "ship1")).toEqual(["1970-01-01.log"]);
});

it("what is not a stored log is left alone", async () => {
  const root = await directory();
  await mkdir(join(root, "ship1", "nginx"), { recursive: true });
  const file = join(root, "ship1", "nginx", "notes.txt");
  await writeFile(file, "x");
  await utimes(file, 1, 1);
  await writeFile(join(root, "README"), "");
  expect(await forgetLogs(root, bounds({ bytes: 0, isOld: () => true }))).toMatchObject({ files: 0, held: 0 });
  expect(await readdir(join(root, "ship1", "nginx"))).toEqual(["notes.txt"]);
  expect(await forgetLogs(join(root, "nowhere"), bounds({}))).toMatchObject({ files: 0, held: 0 });
});

it("lines that come for an old day while it is being removed are all there afterwards", async () => {
  const root = await directory();
  const { log } = new RecordingContext();
  let checkpoint: Awaited<ReturnType<typeof sink.handle>>;
  for (let round = 0; round < 20; round++) {
    await stored(root, { ship1: [3] });
    const event = { id: `id-${round}`, createdAt: NOW - 3 * DAY, data: { lines: [{ text: `line ${round}` }] } };
    const clock = new SimulatedClock();
    const context = { node: "central", origin: "ship1", domain: "nginx", checkpoint, directory: root, clock, log };
    const isOld = (at: number): boolean => Math.abs(at - NOW + 3 * DAY) < 1000;
    const removed = forgetLogs(root, bounds({ isOld }));
    // Begun at ever other moments of the removal.
    for (let turns = 0; turns < round; turns++) await new Promise((resolve) => setImmediate(resolve));
    checkpoint = await sink.handle([event], context);
    await removed;
    expect(await readFile(join(root, "ship1", "nginx", nameOf(3)), "utf8")).toMatch(`line ${round}\n`);
  }
});

it("ends early when the daemon stops", async () => {
  const root = await directory();
  await stored(root, { ship1: [1, 2, 3] });
  const stopping = AbortSignal.abort();
  expect(await forgetLogs(root, bounds({ bytes: 0, stopping }))).toMatchObject({ files: 0 });
  expect(await left(root, "ship1")).toHaveLength(3);
});
