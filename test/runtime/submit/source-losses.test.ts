import { expect, it } from "vitest";
import { SourceLosses } from "../../../src/runtime/submit/source-losses.ts";
import { SimulatedClock } from "../../harness/clock.ts";

it("what a source could not keep is told with its amount: soon, and then the sums of longer and longer times", async () => {
  const clock = new SimulatedClock();
  const told: string[] = [];
  const losses = new SourceLosses(clock, (text) => void told.push(text));
  losses.add("kernel-full", 100_000);
  await clock.advance(5_000);
  losses.add("kernel-full", 71_159);
  losses.add("not-utf8", 3);
  await clock.advance(1_000);
  expect(told).toEqual([
    "171159 dropped (kernel-full) from 2030-01-01T00:00:00.000Z to 2030-01-01T00:00:06.000Z, 171159 since this source " +
      "was started. Raise net.core.rmem_max on that host and start steward anew, or send over TCP.",
  ]);
  for (let n = 0; n < 24 * 360; n++) {
    losses.add("kernel-full", 1);
    await clock.advance(10_000);
  }
  expect(told.length).toBeGreaterThan(20);
  expect(told.length).toBeLessThan(40);
  losses.add("refused", 5);
  losses.close();
  const total = told
    .flatMap((text) => Number(/^(\d+) dropped \(kernel-full/.exec(text)?.[1] ?? 0))
    .reduce((a, b) => a + b);
  expect(total).toBe(171_159 + 24 * 360);
  expect(told.at(-1)).toMatch(/^5 dropped \(refused\) from .*, 5 since this source was started\. Raise the open files/);
  expect(clock.armed).toBe(0);
});
