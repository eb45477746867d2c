import { expect, test } from "vitest";
import { ROOT } from "../../../scripts/setup.mjs";
import { MUTATIONS } from "./catalogue.ts";
import { tryMutation } from "./try.ts";

/** Mutations of which the long tests see that they are found; `STEWARD_MUTATIONS=all`, or names with commas: those. */
const REPRESENTATIVE = "any-challenge-signed,answers-for-everybody,hard-links-taken";
const wanted = process.env.STEWARD_MUTATIONS ?? REPRESENTATIVE;

test.each(MUTATIONS.filter(({ name }) => wanted === "all" || wanted.split(",").includes(name)))(
  "a check that is left out is missed by its test: $name, $breaks",
  { timeout: 300_000 },
  async (mutation) => {
    const { found, output } = await tryMutation(ROOT, mutation);
    expect(found, output).toBe(true);
  },
);
