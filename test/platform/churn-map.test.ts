import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import { ChurnMap } from "../../src/platform/churn-map.ts";
import { seededRandom } from "../harness/random.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as (options?: { readonly type: "minor" }) => void;

/** Messages under way at a time, and how many come and go. */
const UNDER_WAY = 100;
const COME = 20_000;
const message = (): number[] => new Array<number>(100).fill(1.5);

it("keeps hold of what is in it, and not of what came and went between two full collections", () => {
  const map = new ChurnMap<number, number[]>();
  for (let i = 0; i < UNDER_WAY; i++) map.set(i, message());
  // Its table is an old one now, as in a daemon that has run for a while.
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let i = UNDER_WAY; i < COME; i++) {
    map.set(i, message());
    map.delete(i - UNDER_WAY);
    if (i % 1000 === 0) collect({ type: "minor" });
  }
  collect({ type: "minor" });
  expect(map.size).toBe(UNDER_WAY);
  // All of them together are 16 MB, which is what a Map holds by now.
  expect((process.memoryUsage().heapUsed - before) / 2 ** 20).toBeLessThan(3);
});

it("loses, doubles and moves no entry when it makes a copy of itself", () => {
  const random = seededRandom(7);
  const map = new ChurnMap<number, string>();
  const model = new Map<number, string>();
  for (let i = 0; i < 20_000; i++) {
    const key = Math.floor(random.next() * 200);
    if (random.next() < 0.5) {
      map.set(key, `${i}`);
      model.set(key, `${i}`);
    } else expect(map.delete(key)).toBe(model.delete(key));
    if (map.size !== model.size || map.get(key) !== model.get(key)) expect.fail(`another entry for ${key} at ${i}`);
  }
  expect([...map.values()]).toEqual([...model.values()]);
});
