import fc from "fast-check";
import { expect, test } from "vitest";
import { BOUNDS, Counters, OTHER } from "../../../src/observe/metrics/counters.ts";
import { Durations } from "../../../src/observe/metrics/durations.ts";
import { SimulatedClock } from "../../harness/clock.ts";
import { type Line, listLog } from "../../harness/list-log.ts";

function room() {
  const clock = new SimulatedClock();
  const log = listLog();
  const counters = new Counters(log, clock);
  const logged = (): [unknown, unknown][] =>
    log.lines.map(({ fields }: Line) => Object.values(fields).slice(-2) as [unknown, unknown]);
  return { clock, log, counters, logged };
}

test("the first refusal of a reason is logged at once, a flood at most once a second with its count", async () => {
  const { clock, counters, log, logged } = room();
  counters.refuse("signature", { origin: "ship1" });
  expect(log.lines).toEqual([
    { level: "warn", fields: { origin: "ship1", reason: "signature", count: 1 }, text: "refused" },
  ]);
  for (let i = 0; i < 500; i++) counters.refuse("signature", { origin: "ship2" });
  counters.refuse("permission");
  expect(logged()).toEqual([
    ["signature", 1],
    ["permission", 1],
  ]);
  await clock.advance(999);
  expect(log.lines).toHaveLength(2);
  await clock.advance(1);
  expect(log.lines.at(-1)?.fields).toEqual({ origin: "ship2", reason: "signature", count: 500 });
  await clock.advance(10_000);
  expect(log.lines).toHaveLength(3);
  expect(clock.armed).toBe(0);
  expect(counters.refused.get("signature")).toBe(501);
});

test("every drop is in the counts and, sooner or later, in the log", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.constantFrom("a", "b"), fc.integer({ min: -1, max: 5 }), fc.nat(900))),
      async (steps) => {
        const { clock, counters, log } = room();
        for (const [reason, count, wait] of steps) {
          counters.drop(reason, count);
          await clock.advance(wait);
        }
        counters.stop();
        expect(clock.armed).toBe(0);
        for (const reason of ["a", "b"]) {
          const expected = steps.reduce((sum, [r, count]) => sum + (r === reason ? Math.max(0, count) : 0), 0);
          const lines = log.lines
            .map((line) => line.fields as { reason: string; count: number })
            .filter((f) => f.reason === reason);
          expect(lines.reduce((sum, line) => sum + line.count, 0)).toBe(expected);
          expect(counters.dropped.get(reason) ?? 0).toBe(expected);
        }
      },
    ),
    { numRuns: 50 },
  );
});

test("reasons and nodes are bounded; what comes beyond is counted together", () => {
  const { counters, log } = room();
  for (let i = 0; i < BOUNDS.reasons + 10; i++) counters.refuse(`reason-${i}`);
  expect(counters.refused.size).toBe(BOUNDS.reasons + 1);
  expect(counters.refused.get(OTHER)).toBe(10);
  expect(log.lines).toHaveLength(BOUNDS.reasons + 1);
  for (let i = 0; i < BOUNDS.nodes + 5; i++) counters.node(`ship${i}`).framesIn++;
  expect(counters.nodes.size).toBe(BOUNDS.nodes + 1);
  expect(counters.nodes.get(OTHER)?.framesIn).toBe(5);
  expect(counters.node("ship0")).toBe(counters.node("ship0"));
  counters.stop();
});

test("durations fall into the bucket whose bound is the first that is not smaller", () => {
  const durations = new Durations([0.1, 1]);
  for (const seconds of [0, 0.1, 0.2, 1, 1.1, 50]) durations.observe(seconds);
  expect(durations.counts).toEqual([2, 2, 2]);
  expect(durations.count).toBe(6);
  expect(durations.sum).toBeCloseTo(52.4);
});
