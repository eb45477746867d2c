import { expect, it } from "vitest";
import { seededRandom } from "../../harness/random.ts";
import { RottenJournal } from "./daemon.ts";
import { anyBit } from "./judge.ts";
import { FLIPS, SEED, trials } from "./trials.ts";

it("a daemon starts on a journal that rotted: it runs nothing else, and loses nothing without a word", async () => {
  const journal = await RottenJournal.make();
  expect(await journal.try(undefined), "a sound one").toEqual({ started: true, told: false, wrong: [], lost: [] });
  const random = seededRandom(SEED);
  const flips = Array.from({ length: FLIPS.daemon }, () => anyBit(journal.extents, () => random.next()));
  expect(await trials("daemon", journal, [...journal.wholeFiles, ...flips])).toEqual([]);
}, 3_600_000);
