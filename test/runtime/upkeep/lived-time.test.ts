import { expect, it } from "vitest";
import { openJournal } from "../../../src/journal/journal.ts";
import { LivedTime } from "../../../src/runtime/upkeep/lived-time.ts";
import { SimulatedClock } from "../../harness/clock.ts";
import { seededRandom } from "../../harness/random.ts";
import { emptyDisk, openMemoryStore } from "../../twins/memory-store.ts";

const MINUTE = 60_000;
const DAY = 86_400_000;
const AGE = 30 * DAY;
const YEARS = 3650 * DAY;

/** A node's lives on one disk; each begins after a crash. */
function scene() {
  const clock = new SimulatedClock();
  const disk = emptyDisk();
  const life = () => {
    const store = openMemoryStore(disk);
    const lived = new LivedTime(openJournal(store, { node: "ship1", path: "", clock, random: seededRandom(1) }), clock);
    const up = async (ms: number): Promise<void> => {
      for (let left = ms; left > 0; left -= 6 * 60 * MINUTE) {
        await clock.advance(Math.min(left, 6 * 60 * MINUTE));
        lived.look(AGE);
      }
      await store.flushed();
    };
    return { lived, up, crash: () => store.crash() };
  };
  return { clock, life };
}

it("spares what is younger than the retention by uptime, and no longer", async () => {
  const { clock, life } = scene();
  const { lived, up } = life();
  const stamp = clock.now();
  await up(29 * DAY);
  expect(lived.spares(stamp, AGE)).toBe(true);
  await up(4 * DAY);
  expect(lived.spares(stamp, AGE)).toBe(false);
  expect(lived.spares(clock.now(), AGE)).toBe(true);
});

it.each([
  ["ten years ahead", YEARS],
  ["ten years back", -YEARS],
])("spares what was stamped before and after a jump %s, for its age of uptime", async (_, jump) => {
  const { clock, life } = scene();
  const { lived, up } = life();
  await up(DAY);
  const before = clock.now();
  clock.jump(jump);
  const after = clock.now();
  await up(MINUTE);
  for (const stamp of [before, after]) expect(lived.spares(stamp, AGE)).toBe(true);
  clock.jump(-jump);
  await up(28 * DAY);
  for (const stamp of [before, after]) expect(lived.spares(stamp, AGE)).toBe(true);
  await up(6 * DAY);
  for (const stamp of [before, after]) expect(lived.spares(stamp, AGE)).toBe(false);
});

it("knows after a crash what it lived through, and does not count the time that it was off", async () => {
  const { clock, life } = scene();
  const first = life();
  await first.up(DAY);
  await clock.advance(MINUTE);
  const stamp = clock.now();
  first.crash();
  await clock.advance(60 * DAY);
  const second = life();
  expect(second.lived.spares(stamp, AGE)).toBe(true);
  await second.up(33 * DAY);
  expect(second.lived.spares(stamp, AGE)).toBe(false);
});

it("spares what was stamped between a jump and a crash", async () => {
  const { clock, life } = scene();
  const first = life();
  await first.up(DAY);
  clock.jump(-YEARS);
  const stamp = clock.now();
  first.crash();
  clock.jump(YEARS);
  const second = life();
  expect(second.lived.spares(stamp, AGE)).toBe(true);
});

it("stays small with a clock that jumps at every look", async () => {
  const { clock, life } = scene();
  const { lived, up } = life();
  const stamp = clock.now();
  for (let i = 0; i < 300; i++) {
    clock.jump(i % 2 === 0 ? YEARS : -YEARS);
    await up(MINUTE);
  }
  expect(lived.spares(stamp, AGE)).toBe(true);
});
