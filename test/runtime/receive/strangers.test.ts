import { expect, test } from "vitest";
import { Strangers } from "../../../src/runtime/receive/strangers.ts";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("strangers are let in a few in each turn, in order, and those beyond the bound are left out", async () => {
  const strangers = new Strangers();
  const seen: number[] = [];
  const taken = Array.from({ length: 2_001 }, (_, n) => strangers.add(() => seen.push(n) > 0));
  expect(taken.filter((each) => !each)).toHaveLength(1);
  await turn();
  expect(seen).toEqual([0, 1, 2, 3]);
  await turn();
  expect(seen).toHaveLength(8);
  strangers.end();
  await turn();
  expect(seen).toHaveLength(8);
});

test("strangers that have waited for too long cost no place in a turn", async () => {
  const strangers = new Strangers();
  const seen: number[] = [];
  for (let n = 0; n < 10; n++) strangers.add(() => seen.push(n) > 0 && n >= 5);
  await turn();
  expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  await turn();
  expect(seen.at(-1)).toBe(9);
  strangers.end();
});
