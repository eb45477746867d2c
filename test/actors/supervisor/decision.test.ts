import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Backoff, backoffDelay } from "../../../src/actors/backoff.ts";
import {
  comesBack,
  companions,
  countRestart,
  type Goal,
  LIFECYCLE,
  need,
  nextStep,
  type Row,
} from "../../../src/actors/supervisor/decision.ts";
import type { ChildSpec, ChildState, Exit, Strategy } from "../../../src/actors/supervisor/spec.ts";
import { seededRandom } from "../../harness/random.ts";

const failed: Exit = { reason: "failed", error: new Error("boom") };

describe("the decisions of a supervisor", () => {
  it.each<[ChildSpec["restart"], Exit, boolean]>([
    ["permanent", { reason: "normal" }, true],
    ["permanent", { reason: "shutdown" }, true],
    ["permanent", failed, true],
    ["transient", { reason: "normal" }, false],
    ["transient", { reason: "shutdown" }, false],
    ["transient", failed, true],
    ["temporary", { reason: "normal" }, false],
    ["temporary", { reason: "shutdown" }, false],
    ["temporary", failed, false],
  ])("a %s child that ended with %o comes back: %s", (restart, exit, expected) => {
    expect(comesBack(restart, exit)).toBe(expected);
  });

  it.each<[Strategy, string[]]>([
    ["oneForOne", []],
    ["oneForAll", ["a", "c", "d"]],
    ["restForOne", ["c", "d"]],
  ])("%s takes along %o", (strategy, expected) => {
    expect(companions(strategy, ["a", "b", "c", "d"], "b")).toEqual(expected);
  });

  it("tolerates exactly the intensity, and not one restart more", () => {
    const rule = { intensity: 2, period: 100 };
    const first = countRestart([], 0, rule);
    const second = countRestart(first.times, 1, rule);
    const third = countRestart(second.times, 2, rule);
    expect([first.tooMany, second.tooMany, third.tooMany]).toEqual([false, false, true]);
  });

  it("still counts a restart that is exactly one period ago, and forgets it a millisecond later", () => {
    const rule = { intensity: 1, period: 100 };
    expect(countRestart([0], 100, rule).tooMany).toBe(true);
    expect(countRestart([0], 101, rule)).toEqual({ times: [101], tooMany: false });
  });

  it("gives up at the first restart with intensity 0", () => {
    expect(countRestart([], 0, { intensity: 0, period: 100 }).tooMany).toBe(true);
  });

  const row = (state: ChildState, goal: Goal = "up", waits = false): Row => ({ state, goal, waits });

  it.each<[string, Strategy, Row[], string]>([
    ["starts the first that is down", "oneForOne", [row("running"), row("stopped"), row("stopped")], "start 1"],
    ["waits for one that is starting", "oneForOne", [row("starting"), row("stopped")], "-"],
    ["stops the last first", "oneForAll", [row("running", "down"), row("running", "cycle")], "stop 1"],
    ["waits for one that is stopping", "oneForAll", [row("running", "down"), row("stopping", "down")], "-"],
    ["stops before it starts", "oneForOne", [row("stopped"), row("running", "down")], "stop 1"],
    ["stops even one that is starting", "oneForOne", [row("starting", "down")], "stop 0"],
    ["leaves what is to be down", "oneForOne", [row("stopped", "down"), row("quarantined", "down")], "-"],
    ["passes over one that backs off", "oneForOne", [row("backingOff", "up", true), row("stopped")], "start 1"],
    ["holds those after one that backs off", "restForOne", [row("backingOff", "up", true), row("backingOff")], "-"],
    [
      "starts those before one that backs off",
      "restForOne",
      [row("backingOff"), row("backingOff", "up", true)],
      "start 0",
    ],
    ["holds all while one backs off", "oneForAll", [row("backingOff"), row("backingOff", "up", true)], "-"],
  ])("%s (%s)", (_title, strategy, rows, expected) => {
    const step = nextStep(strategy, rows);
    expect(step === undefined ? "-" : `${step.kind} ${rows.indexOf(step.row)}`).toBe(expected);
  });

  it("never needs what the life of a child does not allow", () => {
    for (const state of Object.keys(LIFECYCLE) as ChildState[]) {
      for (const goal of ["up", "down", "cycle"] as const) {
        const event = need(row(state, goal));
        if (event !== undefined) expect(LIFECYCLE[state][event], `${state} ${goal}`).toBeDefined();
      }
    }
  });
});

describe("backoff", () => {
  const backoff: Backoff = { min: 100, max: 1_000, factor: 2, jitter: 0, resetAfter: 0 };
  const always = (value: number) => ({ next: () => value, bytes: () => new Uint8Array() });

  it("grows by its factor up to its cap", () => {
    const delays = [0, 1, 2, 3, 4, 5_000].map((attempt) => backoffDelay(backoff, attempt, always(0.5)));
    expect(delays).toEqual([100, 200, 400, 800, 1_000, 1_000]);
  });

  it("stays constant with factor 1, and 0 with min 0", () => {
    expect(backoffDelay({ ...backoff, factor: 1 }, 9, always(0))).toBe(100);
    expect(backoffDelay({ ...backoff, min: 0 }, 9_999, always(0))).toBe(0);
  });

  it("takes the whole delay by chance with full jitter, and its last share with less", () => {
    expect(backoffDelay({ ...backoff, jitter: 1 }, 9, always(0))).toBe(1_000);
    expect(backoffDelay({ ...backoff, jitter: 1 }, 9, always(0.999_999))).toBe(0);
    expect(backoffDelay({ ...backoff, jitter: 0.2 }, 9, always(0.999_999))).toBe(800);
  });

  it("keeps within its bounds for any setting, attempt and chance", () => {
    const settings = fc.record({
      min: fc.integer({ min: 0, max: 10_000 }),
      more: fc.integer({ min: 0, max: 100_000 }),
      factor: fc.double({ min: 1, max: 10, noNaN: true }),
      jitter: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(settings, fc.nat(3_000), fc.nat(), ({ min, more, factor, jitter }, attempt, seed) => {
        const setting = { min, max: min + more, factor, jitter, resetAfter: 0 };
        const delay = backoffDelay(setting, attempt, seededRandom(seed));
        expect(delay).toBeLessThanOrEqual(setting.max);
        expect(delay).toBeGreaterThanOrEqual(Math.floor(min * (1 - jitter)));
      }),
    );
  });
});
