import { expect, test } from "vitest";
import { Errands } from "../../src/errands/errands.ts";
import { CheckpointRows } from "../../src/errands/rows.ts";
import { openJournal } from "../../src/journal/journal.ts";
import type { Errand } from "../../src/message/care/errand.ts";
import { idMaker } from "../../src/message/id.ts";
import { SimulatedClock } from "../harness/clock.ts";
import { listLog } from "../harness/list-log.ts";
import { seededRandom } from "../harness/random.ts";
import { emptyDisk, openMemoryStore } from "../twins/memory-store.ts";

const HOUR = 3_600_000;

function office() {
  const clock = new SimulatedClock();
  const random = seededRandom(3);
  const disk = emptyDisk();
  const arrived: string[] = [];
  const tried: { readonly id: string; readonly to: string; readonly at: number }[] = [];
  const dropped: string[] = [];
  const broken = new Set<string>();
  const newId = idMaker(clock, random);
  const open = () => {
    const journal = openJournal(openMemoryStore(disk, clock), { node: "central", path: "", clock, random });
    const errands = new Errands({
      clock,
      random,
      newId,
      log: listLog(),
      rows: new CheckpointRows(journal),
      courier: {
        carry: async ({ id, to, body }: Errand) => {
          tried.push({ id, to, at: clock.now() });
          if (broken.has(to)) throw new Error(`${to} is closed`);
          arrived.push(`${to}: ${String(body.text)}`);
        },
      },
      counters: { drop: (reason) => void dropped.push(reason) },
    });
    errands.begin();
    return { journal, errands };
  };
  return { clock, arrived, tried, dropped, broken, open };
}

test("an errand that fails is tried again after growing pauses of an hour at most, and says why it waits", async () => {
  const { clock, arrived, tried, broken, open } = office();
  broken.add("pager");
  const { errands } = open();
  errands.add("pager", "alert", { text: "ship1 is offline" });
  await clock.advance(24 * HOUR);
  const pauses = tried.map(({ at }, i) => at - (tried[i - 1]?.at ?? at)).slice(1);
  expect(pauses[0]).toBeGreaterThanOrEqual(2_500);
  expect(pauses[0]).toBeLessThanOrEqual(5_000);
  expect(Math.max(...pauses)).toBeLessThanOrEqual(HOUR);
  expect(pauses.at(-1)).toBeGreaterThanOrEqual(HOUR / 2);
  expect(new Set(tried.map(({ id }) => id)).size).toBe(1);
  expect(errands.list()).toMatchObject([{ to: "pager", fault: "pager is closed", attempts: tried.length }]);
  broken.clear();
  await clock.advance(HOUR);
  expect(arrived).toEqual(["pager: ship1 is offline"]);
  expect(errands.list()).toEqual([]);
  errands.end();
  expect(clock.armed).toBe(0);
});

test("a destination that is out of reach holds up no other one", async () => {
  const { clock, arrived, broken, open } = office();
  broken.add("pager");
  const { errands } = open();
  for (const to of ["pager", "log", "pager", "log"]) errands.add(to, "alert", { text: "x" });
  await clock.advance(1_000);
  expect(arrived).toEqual(["log: x", "log: x"]);
  expect(errands.list()).toHaveLength(2);
  errands.end();
});

test("errands and expected replies outlive a crash: a reply becomes an errand in the turn in which its message ends", async () => {
  const { clock, arrived, broken, open } = office();
  broken.add("log");
  const first = open();
  first.errands.expect("M1", ["log", "pager"]);
  first.errands.add("log", "alert", { text: "one" }, "A1");
  await first.journal.flushed();
  first.errands.end();
  const second = open();
  expect(second.errands.expected("M1")).toEqual(["log", "pager"]);
  expect(second.errands.list()).toMatchObject([{ id: "A1" }]);
  second.errands.ended("M1", () => ({ text: "outcome" }));
  second.errands.ended("M1", () => ({ text: "a second end" }));
  second.errands.ended("M2", () => ({ text: "of no interest" }));
  await second.journal.flushed();
  second.errands.end();
  const third = open();
  expect(third.errands.expected("M1")).toBeUndefined();
  await clock.advance(1_000);
  expect(arrived).toEqual(["pager: outcome"]);
  broken.clear();
  await clock.advance(HOUR);
  expect(arrived).toEqual(["pager: outcome", "log: one", "log: outcome"]);
  third.errands.end();
});

test("an operator tries errands again at once, or gives them up", async () => {
  const { clock, arrived, broken, open } = office();
  broken.add("pager");
  const { errands } = open();
  errands.add("pager", "alert", { text: "one" }, "1");
  errands.add("pager", "alert", { text: "two" }, "2");
  await clock.advance(HOUR);
  broken.clear();
  expect([errands.drop("1"), errands.drop("1"), errands.retry("1"), errands.retry("2")]).toEqual([
    true,
    false,
    false,
    true,
  ]);
  await clock.advance(1);
  expect(arrived).toEqual(["pager: two"]);
  errands.end();
});

test("alerts beyond a bound are dropped and counted; replies are bounded before their messages are accepted", () => {
  const { dropped, open } = office();
  const { errands } = open();
  for (let i = 0; i < 1_001; i++) errands.add("pager", "alert", { text: "x" });
  errands.end();
  expect(errands.list()).toHaveLength(1_000);
  expect(dropped).toEqual(["too many alerts wait for their destinations"]);
  expect([errands.hasRoomFor(19_000), errands.hasRoomFor(19_001)]).toEqual([true, false]);
});
