import { expect, it } from "vitest";
import { ChurnMap } from "../../src/platform/churn-map.ts";
import { seededRandom } from "../harness/random.ts";

it("holds what a Map holds, in the same order, however much has come and gone", () => {
  const random = seededRandom(7);
  const map = new ChurnMap<number, string>();
  const model = new Map<number, string>();
  for (let i = 0; i < 20_000; i++) {
    const key = Math.floor(random.next() * 200);
    if (random.next() < 0.5) {
      map.set(key, `${i}`);
      model.set(key, `${i}`);
    } else expect(map.delete(key)).toBe(model.delete(key));
    expect(map.size).toBe(model.size);
    expect(map.get(key)).toBe(model.get(key));
    expect(map.has(key)).toBe(model.has(key));
  }
  expect([...map.values()]).toEqual([...model.values()]);
});
