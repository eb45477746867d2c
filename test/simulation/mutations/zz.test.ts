import { expect, test } from "vitest";
import { ROOT } from "../../../scripts/setup.mjs";
import { MUTATIONS } from "./catalogue.ts";
import { tryMutation } from "./try.ts";

const NEW = [
  "copy-undoubted",
  "behind-unseen",
  "no-word-asked",
  "word-unheeded",
  "own-ack-forgotten",
  "earlier-journal-ignored",
  "loss-untold",
];
test.each(MUTATIONS.filter(({ name }) => NEW.includes(name)))(
  "is found: $name",
  { timeout: 180_000 },
  async (mutation) => {
    const { seed, violation } = await tryMutation(ROOT, mutation);
    console.log(`MUT ${mutation.name} ${seed} ${violation}`);
    expect(seed).toBeGreaterThan(0);
  },
);
