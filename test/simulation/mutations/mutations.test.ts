import { describe, expect, test } from "vitest";
import { ROOT } from "../../../scripts/setup.mjs";
import { MUTATIONS } from "./catalogue.ts";
import { changed, SEEDS, tryMutation } from "./try.ts";

/** Those of which the suite sees that they are found; `npm run simulate -- --mutations` tries all. */
const REPRESENTATIVE = [
  "ack-before-sync",
  "no-sequence-check",
  "run-again-after-crash",
  "order-broken",
  "dropped-in-silence",
];

describe("a mutation", () => {
  test.each(MUTATIONS)("fits the sources: $name", async (mutation) => {
    expect(await changed(ROOT, mutation)).toContain(mutation.replace);
  });

  test("that does not fit any more is refused aloud", async () => {
    const [first] = MUTATIONS;
    if (first === undefined) throw new Error("there is no mutation");
    await expect(changed(ROOT, { ...first, find: "what nobody wrote" })).rejects.toThrow("stands 0 times");
    await expect(changed(ROOT, { ...first, find: "const " })).rejects.toThrow(/stands \d+ times/);
  });

  test.each(MUTATIONS.filter(({ name }) => REPRESENTATIVE.includes(name)))(
    "is found: $name, $breaks",
    { timeout: 180_000 },
    async (mutation) => {
      const { seed } = await tryMutation(ROOT, mutation);
      expect(seed).toBeGreaterThan(0);
      expect(seed).toBeLessThanOrEqual(SEEDS);
    },
  );
});
