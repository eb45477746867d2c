import { readFileSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openJournal } from "../../src/journal/journal.ts";
import { openLmdbStore } from "../../src/journal/store/lmdb-store.ts";
import { describeJournal } from "../contract/journal.ts";
import { storeHosts } from "../contract/store.ts";
import { goldenAt } from "../golden/record.ts";
import { NODE, START } from "../golden/story.ts";
import { SimulatedClock } from "../harness/clock.ts";
import { seededRandom } from "../harness/random.ts";
import { tempDir } from "../harness/temp.ts";

for (const { name, make } of storeHosts) describeJournal(name, make);

it("a journal of which the database was cut off says where the damaged file is kept", async () => {
  const path = join(await tempDir(), "journal");
  goldenAt(path);
  truncateSync(join(path, "data.mdb"), 60_000);
  const damaged = readFileSync(join(path, "data.mdb"));
  const clock = new SimulatedClock(START + 100_000);
  const journal = openJournal(openLmdbStore(path, clock), { node: NODE, path, clock, random: seededRandom(1) });
  const kept = `${path}-damaged-1.mdb`;
  expect(journal.restored).toBe(`data.mdb was damaged (the file is cut off), and is kept as ${kept}`);
  await journal.close();
  expect(readFileSync(kept).equals(damaged)).toBe(true);
});
