import { setImmediate as turn } from "node:timers/promises";
import { beforeEach, expect, it } from "vitest";
import { LONGEST_TIMER } from "../../../src/message/clock.ts";
import { HangWatch } from "../../../src/runtime/execute/hang-watch.ts";
import { SimulatedClock } from "../../harness/clock.ts";

const never = new Promise<never>(() => undefined);

let clock: SimulatedClock;
let watch: HangWatch;

beforeEach(() => {
  clock = new SimulatedClock();
  watch = new HangWatch(clock);
});

it("gives back what the method gives, and leaves no timer behind", async () => {
  let end: (value: string) => void = () => undefined;
  const late = new Promise<string>((resolve) => {
    end = resolve;
  });
  const ends = [watch.over(Promise.resolve("at once"), 1000, () => false), watch.over(late, 1000, () => false)];
  await turn();
  expect(clock.armed).toBe(1);
  end("later");
  expect(await Promise.all(ends)).toEqual(["at once", "later"]);
  await expect(watch.over(Promise.reject(new Error("own fault")), 1000, () => false)).rejects.toThrow("own fault");
  await turn();
  expect(clock.armed).toBe(0);
});

it("calls a method hanging that has not ended in its time", async () => {
  const end = watch.over(never, 1000, () => false);
  const told = expect(end).rejects.toThrow("did not end by itself");
  await turn();
  await clock.advance(999);
  expect(clock.armed).toBe(1);
  await clock.advance(1);
  await told;
});

it("gives one that waits for others as much time again", async () => {
  let excused = true;
  const end = watch.over(never, 1000, () => excused);
  const told = expect(end).rejects.toThrow("did not end by itself");
  await turn();
  await clock.advance(1500);
  excused = false;
  expect(clock.armed).toBe(1);
  await clock.advance(500);
  await told;
});

it("does not watch what may run for weeks, nor anything once it has stopped", async () => {
  void watch.over(never, LONGEST_TIMER + 1, () => false);
  void watch.over(never, 1000, () => false);
  await turn();
  expect(clock.armed).toBe(1);
  void watch.over(never, 1000, () => false);
  watch.stop();
  await turn();
  expect(clock.armed).toBe(0);
});
