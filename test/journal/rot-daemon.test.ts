import { appendFileSync } from "node:fs";
import { expect, it } from "vitest";
import { seededRandom } from "../harness/random.ts";
import { anyBit, type Harm, RottenJournal } from "./rot-daemon.ts";

/** `npm run rot` asks for more, and where to count. */
const FLIPS = Number(process.env.STEWARD_ROT_FLIPS ?? 20);
const SEED = Number(process.env.STEWARD_ROT_SEED ?? 1);
const REPORT = process.env.STEWARD_ROT_REPORT;

it(
  "a daemon starts on a journal that rotted: it runs nothing else, and loses nothing without a word",
  async () => {
    const journal = await RottenJournal.make();
    expect(await journal.try(undefined), "a sound one").toEqual({ started: true, told: false, wrong: [], lost: [] });
    const random = seededRandom(SEED);
    const flips = Array.from({ length: FLIPS }, () => anyBit(journal.extents, () => random.next()));
    const objections: string[] = [];
    const add = async (harm: Harm): Promise<void> => {
      const { started, told, wrong, lost } = await journal.try(harm);
      const name = `${harm.file} ${harm.what}`;
      if (REPORT !== undefined) appendFileSync(REPORT, `${JSON.stringify({ name, started, told, wrong, lost })}\n`);
      for (const text of [...wrong, ...lost.map((one) => `in silence: ${one}`)]) objections.push(`${name}: ${text}`);
    };
    for (const harm of [...journal.wholeFiles, ...flips]) await add(harm);
    expect(objections).toEqual([]);
  },
  24 * 3_600_000,
);
