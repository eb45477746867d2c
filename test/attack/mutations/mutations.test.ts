import { expect, test } from "vitest";
import { ROOT } from "../../../scripts/setup.mjs";
import { MUTATIONS } from "./catalogue.ts";
import { changed } from "./try.ts";

test.each(MUTATIONS)("a mutation fits the sources: $name", async (mutation) => {
  expect(await changed(ROOT, mutation)).toContain(mutation.replace);
});
