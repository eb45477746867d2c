import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Window } from "../../../src/runtime/deliver/flow/window.ts";

const nobody = (): void => undefined;

describe("the window of a node", () => {
  it("lets bytes go up to its limit, and again what comes back", () => {
    const window = new Window(() => 100);
    expect([window.take(60, false, nobody), window.take(40, false, nobody), window.take(1, false, nobody)]).toEqual([
      true,
      true,
      false,
    ]);
    window.release(40);
    expect([window.take(41, false, nobody), window.take(40, false, nobody)]).toEqual([false, true]);
  });

  it("lets one frame pass when it is empty, however large, else nothing would ever move", () => {
    const window = new Window(() => 100);
    expect(window.take(5000, false, nobody)).toBe(true);
    expect(window.take(1, false, nobody)).toBe(false);
    window.release(5000);
    expect(window.take(5000, false, nobody)).toBe(true);
  });

  it("lets the urgent pass without asking, and counts them", () => {
    const window = new Window(() => 100);
    window.take(100, false, nobody);
    expect(window.take(200, true, nobody)).toBe(true);
    window.release(100);
    expect(window.take(1, false, nobody)).toBe(false);
    window.release(200);
    expect(window.take(1, false, nobody)).toBe(true);
  });

  it("calls those that wait, once each and in the order in which they came, when there is room", () => {
    const window = new Window(() => 10);
    const called: string[] = [];
    const waiters = ["a", "b", "c"].map((name) => () => void called.push(name));
    window.take(10, false, nobody);
    for (const waiter of waiters) expect(window.take(5, false, waiter)).toBe(false);
    for (const waiter of waiters) window.take(5, false, waiter);
    window.release(0);
    expect(called).toEqual([]);
    window.release(5);
    expect(called).toEqual(["a", "b", "c"]);
    window.release(5);
    expect(called).toEqual(["a", "b", "c"]);
  });

  it("forgets who has gone", () => {
    const window = new Window(() => 10);
    const called: string[] = [];
    const gone = (): void => void called.push("gone");
    window.take(10, false, nobody);
    window.take(5, false, gone);
    window.take(5, false, () => void called.push("there"));
    window.forget(gone);
    window.release(10);
    expect(called).toEqual(["there"]);
  });

  it("lets one that waits ask again from within its call, without an end", () => {
    const window = new Window(() => 10);
    let calls = 0;
    const again = (): void => {
      calls++;
      window.take(10, false, again);
    };
    window.take(10, false, nobody);
    window.take(10, false, again);
    window.take(1, false, () => void window.take(10, false, nobody));
    window.release(10);
    expect(calls).toBe(1);
    window.release(10);
    expect(calls).toBeLessThanOrEqual(2);
  });

  it("never holds more than its limit of what is not urgent, and starves nobody", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 30, max: 100 }),
        (sizes, limit) => {
          const window = new Window(() => limit);
          const flying: number[] = [];
          let sent = 0;
          for (const size of sizes) {
            const go = (): void => {
              if (!window.take(size, false, go)) return;
              flying.push(size);
              sent++;
              const held = flying.reduce((sum, one) => sum + one, 0);
              expect(held <= limit || flying.length === 1).toBe(true);
            };
            go();
          }
          while (flying.length > 0) window.release(flying.shift() ?? 0);
          expect(sent).toBe(sizes.length);
        },
      ),
    );
  });
});
