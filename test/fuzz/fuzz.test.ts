import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readCorpus } from "./corpus.ts";
import { attack, describeFailure, replay, withRoom } from "./run.ts";
import { TARGETS } from "./targets.ts";

const corpus = readCorpus(fileURLToPath(new URL("./corpus/", import.meta.url)));
/** The suite's seed, or none where chance is to go looking. */
const { seed = Math.floor(Math.random() * 2 ** 31) } = fc.readConfigureGlobal();

describe.each(TARGETS)("$name: $about", (target) => {
  it("stands all that is kept in the corpus", async () => {
    const kept = corpus.filter((each) => each.target === target.name);
    expect(kept.length).toBeGreaterThan(0);
    await withRoom(target, async (room) => {
      for (const { name, input } of kept) {
        const failure = await replay(target, input, room);
        expect.soft(failure && describeFailure(failure), name).toBeUndefined();
      }
    });
  });

  it(`stands ${target.runs} inputs that are valid, damaged, twisted or noise`, async () => {
    const failure = await withRoom(target, (room) => attack(target, room, { inputs: target.runs, seed }));
    expect(failure && describeFailure(failure)).toBeUndefined();
  });
});

it("every file of the corpus belongs to a target", () => {
  const names = new Set(TARGETS.map(({ name }) => name));
  expect(corpus.filter(({ target }) => !names.has(target))).toEqual([]);
});
