import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { checkOffline } from "../../src/journal/offline.ts";
import { JOURNAL_VERSION } from "../../src/journal/records.ts";
import { openLmdbStore } from "../../src/journal/store/lmdb-store.ts";
import { SimulatedClock } from "../harness/clock.ts";
import { tempDir } from "../harness/temp.ts";
import { unpack } from "./files.ts";
import { accountIn, folderOf, readGolden, record } from "./record.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const versions = readdirSync(join(root, "test/golden"))
  .map((name) => /^v(\d+)$/.exec(name)?.[1])
  .flatMap((version) => (version === undefined ? [] : [Number(version)]));

describe("a golden journal", () => {
  it("is there for the version that this steward writes, and for each before it", () => {
    const wanted = Array.from({ length: JOURNAL_VERSION }, (_, i) => i + 1);
    expect(
      versions.sort((a, b) => a - b),
      "record the missing one: npm run golden",
    ).toEqual(wanted);
  });

  it.each(versions)("of version %i says what it said when it was recorded", async (version) => {
    const { files, account } = readGolden(folderOf(root, version));
    expect(await accountIn(files, await tempDir())).toEqual(account);
  });

  it.each(versions)("of version %i is sound, at rest too", async (version) => {
    const { files } = readGolden(folderOf(root, version));
    const [path, scratch] = [join(await tempDir(), "journal"), await tempDir()];
    unpack(files, path);
    const checked = await checkOffline(path, { clock: new SimulatedClock(), scratch });
    expect(checked?.problems).toEqual([]);
    expect(checked).toMatchObject({ owner: "central", version, wrong: 0, leftovers: 0 });
  });

  it("of this version has rows of every table, some in the log alone, and says the same when it is recorded anew", async () => {
    const scratch = await tempDir();
    const { files, account } = await record(scratch);
    expect(account).toEqual(readGolden(folderOf(root)).account);
    const inTables = join(scratch, "tables");
    mkdirSync(inTables);
    const { "data.mdb": tables } = files;
    if (tables === undefined) throw new Error("there are no tables");
    unpack({ "data.mdb": tables }, inTables);
    const store = openLmdbStore(inTables, new SimulatedClock());
    const before = [...store.range("checkpoints", {})].find(({ key }) => key === "source a");
    await store.close();
    expect(before?.value).toEqual({ offset: 10 });
    expect(account).toMatchObject({ checkpoints: [{ offset: 20 }, expect.anything()] });
  });
});
