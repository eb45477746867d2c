import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { folderOf, readGolden } from "../../golden/record.ts";
import { seededRandom } from "../../harness/random.ts";
import { tempDir } from "../../harness/temp.ts";
import { anyFlip, extents, judge, sound } from "./rot.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const FLIPS = Number(process.env.STEWARD_ROT_FLIPS ?? 40);
const SEED = Number(process.env.STEWARD_ROT_SEED ?? 1);

it("a journal of which any one bit rotted opens, sends and starts nothing else, and tells what it lost", async () => {
  const { files } = readGolden(folderOf(ROOT));
  const scratch = join(await tempDir(), "rot");
  const sizes = extents(files, join(scratch, "sizes"));
  const before = await sound(files, scratch);
  const random = seededRandom(SEED);
  const objections: string[] = [];
  for (let n = 0; n < FLIPS; n++) {
    const flip = anyFlip(sizes, () => random.next());
    for (const text of await judge(files, flip, before, scratch)) objections.push(`${JSON.stringify(flip)}: ${text}`);
  }
  expect(objections).toEqual([]);
}, 3_600_000);
