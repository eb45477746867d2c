import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DeadlineWheel } from "../../src/actors/deadline-wheel.ts";
import { SimulatedClock } from "../harness/clock.ts";

const SLOT = 100;

function start(): {
  clock: SimulatedClock;
  wheel: DeadlineWheel;
  fired: [string, number][];
  counted: { timers: number };
} {
  const clock = new SimulatedClock();
  const counted = { timers: 0 };
  const arm = clock.setTimeout.bind(clock);
  clock.setTimeout = (fn, ms) => {
    counted.timers++;
    return arm(fn, ms);
  };
  const fired: [string, number][] = [];
  const wheel = new DeadlineWheel(clock, SLOT, (key) => void fired.push([key, clock.monotonic()]));
  return { clock, wheel, fired, counted };
}

describe("the deadline wheel", () => {
  it("fires each key once, never before its deadline and within one slot after it, whatever is set, moved and deleted", async () => {
    const action = fc.record({
      op: fc.constantFrom("set" as const, "set" as const, "set" as const, "delete" as const),
      key: fc.constantFrom("a", "b", "c", "d", "e"),
      ms: fc.integer({ min: 0, max: 1000 }),
      wait: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 350 })),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 40 }), async (actions) => {
        const { clock, wheel, fired } = start();
        const due = new Map<string, number>();
        let seen = 0;
        const check = (): void => {
          for (const [key, at] of fired.slice(seen)) {
            const deadline = due.get(key) ?? Number.NaN;
            expect(at).toBeGreaterThanOrEqual(deadline);
            expect(at).toBeLessThan(deadline + SLOT);
            due.delete(key);
          }
          seen = fired.length;
          for (const deadline of due.values()) expect(clock.monotonic()).toBeLessThan(deadline + SLOT);
        };
        for (const { op, key, ms, wait } of actions) {
          if (op === "set") {
            wheel.set(key, ms);
            due.set(key, clock.monotonic() + ms);
          } else {
            wheel.delete(key);
            due.delete(key);
          }
          await clock.advance(wait);
          check();
        }
        await clock.advance(3000);
        check();
        expect(due.size).toBe(0);
        expect(clock.armed).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  it("needs no new timer to move deadlines later, and one at a time at most", async () => {
    const { clock, wheel, fired, counted } = start();
    wheel.set("a", 1000);
    expect(counted.timers).toBe(1);
    for (let i = 0; i < 500; i++) wheel.set("a", 1000 + i);
    expect([counted.timers, clock.armed]).toEqual([1, 1]);
    await clock.advance(1000);
    expect(fired).toEqual([]);
    wheel.set("a", 1000);
    expect(clock.armed).toBe(1);
    await clock.advance(1000);
    expect(fired).toEqual([["a", 2000]]);
  });

  it("moves a deadline forward too", async () => {
    const { clock, wheel, fired } = start();
    wheel.set("a", 5000);
    wheel.set("b", 900);
    wheel.set("a", 300);
    await clock.advance(350);
    expect(fired).toEqual([["a", 300]]);
    await clock.advance(10_000);
    expect(fired).toEqual([
      ["a", 300],
      ["b", 900],
    ]);
  });

  it("forgets what is deleted, and may be told so for a key that it never had", async () => {
    const { clock, wheel, fired } = start();
    wheel.set("a", 100);
    wheel.set("b", 100);
    wheel.delete("a");
    wheel.delete("never");
    await clock.advance(1000);
    expect(fired.map(([key]) => key)).toEqual(["b"]);
  });

  it("lets a key be set again from within its own firing", async () => {
    const clock = new SimulatedClock();
    const at: number[] = [];
    const wheel: DeadlineWheel = new DeadlineWheel(clock, SLOT, (key) => {
      at.push(clock.monotonic());
      if (at.length < 4) wheel.set(key, 250);
    });
    wheel.set("a", 250);
    await clock.advance(5000);
    expect(at).toEqual([300, 600, 900, 1200]);
    expect(clock.armed).toBe(0);
  });

  it("keeps ten thousand keys that are alive on one timer, and fires only those that fall silent", async () => {
    const { clock, wheel, fired, counted } = start();
    const keys = Array.from({ length: 10_000 }, (_, i) => `node${i}`);
    for (const key of keys) wheel.set(key, 3000);
    for (let round = 0; round < 10; round++) {
      await clock.advance(1000);
      for (const key of keys) if (key !== "node77" && !(round >= 5 && key === "node9999")) wheel.set(key, 3000);
      expect(clock.armed).toBe(1);
    }
    expect(fired).toEqual([
      ["node77", 3000],
      ["node9999", 8000],
    ]);
    expect(counted.timers).toBeLessThan(200);
    await clock.advance(3000);
    expect(new Set(fired.map(([key]) => key)).size).toBe(10_000);
    expect(clock.armed).toBe(0);
  });

  it("takes its time from the clock that never jumps", async () => {
    const { clock, wheel, fired } = start();
    wheel.set("a", 1000);
    clock.jump(10 * 365 * 86_400_000);
    await clock.advance(900);
    expect(fired).toEqual([]);
    clock.jump(-20 * 365 * 86_400_000);
    await clock.advance(100);
    expect(fired).toEqual([["a", 1000]]);
  });

  it("leaves no timer behind when it is stopped, and fires nothing more", async () => {
    const { clock, wheel, fired } = start();
    wheel.set("a", 100);
    wheel.stop();
    expect(clock.armed).toBe(0);
    await clock.advance(1000);
    expect(fired).toEqual([]);
  });
});
