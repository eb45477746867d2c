import { expect, it } from "vitest";
import { seededRandom } from "../../harness/random.ts";
import { tempDir } from "../../harness/temp.ts";
import { RottenCore } from "./core.ts";
import { anyBit } from "./judge.ts";
import { StructureHarms } from "./structure.ts";
import { FLIPS, SEED, trials } from "./trials.ts";

it("central on a journal of which a part rotted has sent and run what was accepted, or tells that it has not", async () => {
  const journal = await RottenCore.make(await tempDir());
  expect(await journal.try(undefined), "a sound one").toEqual({ started: true, told: false, wrong: [], lost: [] });
  const random = seededRandom(SEED);
  const next = (): number => random.next();
  const harms = new StructureHarms(journal.files, next);
  const kinds = [() => anyBit(journal.extents, next), () => harms.bit(), () => harms.noise()];
  const flips = Array.from({ length: FLIPS.core }, (_, i) => kinds[i % kinds.length]?.() ?? harms.bit());
  expect(await trials("core", journal, flips)).toEqual([]);
}, 3_600_000);
