import { expect, test } from "vitest";
import { Queue } from "../../src/platform/queue.ts";

test("what was put in first comes out first, however many wait and whenever more come", () => {
  const queue = new Queue<number>();
  const taken: (number | undefined)[] = [];
  let next = 0;
  for (let round = 0; round < 40; round++) {
    for (let i = 0; i < 1_000; i++) queue.push(next++);
    for (let i = 0; i < (round < 20 ? 100 : 1_900); i++) taken.push(queue.shift());
  }
  expect(queue.isEmpty).toBe(true);
  expect(queue.shift()).toBeUndefined();
  expect(taken).toEqual(Array.from({ length: next }, (_, i) => i));
});

test("what was cleared is gone", () => {
  const queue = new Queue<string>();
  queue.push("a");
  queue.clear();
  queue.push("b");
  expect([queue.shift(), queue.shift()]).toEqual(["b", undefined]);
});
