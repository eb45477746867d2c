import { createHash } from "node:crypto";
import { readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { open } from "lmdb";
import { describe, expect, it } from "vitest";
import { checkOffline, type OfflineCheck, type OfflineOptions } from "../../src/journal/offline.ts";
import { JOURNAL_VERSION } from "../../src/journal/records.ts";
import { openLmdbStore } from "../../src/journal/store/lmdb-store.ts";
import { type Key, TABLES, type Table } from "../../src/journal/store/store.ts";
import { goldenAt } from "../golden/record.ts";
import { idOf } from "../golden/story.ts";
import { SimulatedClock } from "../harness/clock.ts";
import { tempDir } from "../harness/temp.ts";

/** A journal at rest, its daemon killed while some of it was in the log alone, and a place for copies. */
async function scene(): Promise<{
  readonly path: string;
  readonly scratch: string;
  check(options?: Partial<OfflineOptions>): Promise<OfflineCheck | undefined>;
}> {
  const [path, scratch] = [join(await tempDir(), "journal"), await tempDir()];
  goldenAt(path);
  return {
    path,
    scratch,
    check: (options) => checkOffline(path, { clock: new SimulatedClock(), scratch, ...options }),
  };
}

/** All that can be seen of the files of a directory, but for when they were read. */
function seen(path: string): unknown {
  return readdirSync(path).map((name) => {
    const { ino, mtimeMs, ctimeMs, mode } = statSync(join(path, name));
    return {
      name,
      ino,
      mtimeMs,
      ctimeMs,
      mode,
      hash: createHash("sha256")
        .update(readFileSync(join(path, name)))
        .digest("hex"),
    };
  });
}

/** What stands in the last turn of the log, and nowhere after it. */
const LAST_TURN = '{"offset":20}';

function changeLog(path: string, change: (bytes: Buffer) => void): void {
  const [log] = readdirSync(path).filter((name) => readFileSync(join(path, name)).includes(LAST_TURN));
  const file = join(path, log ?? "there is none");
  const bytes = readFileSync(file);
  change(bytes);
  writeFileSync(file, bytes);
}

async function putText(path: string, table: Table, key: Key, text: string): Promise<void> {
  const env = open({ path, maxDbs: TABLES.length + 2, encoding: "string" });
  await env.openDB<string, Key>({ name: table }).put(key, text);
  await env.close();
}

describe("the check of a journal at rest", () => {
  it("sees what is in the tables and what is in the log alone, and changes nothing", async () => {
    const { path, scratch, check } = await scene();
    const before = seen(path);
    const checked = await check();
    expect(checked).toMatchObject({
      problems: [],
      owner: "central",
      version: JOURNAL_VERSION,
      counts: { kept: 22, done: 2, running: 3 },
    });
    expect(checked?.bytes).toBe(readdirSync(path).reduce((sum, name) => sum + statSync(join(path, name)).size, 0));
    expect(seen(path)).toEqual(before);
    expect(readdirSync(scratch)).toEqual([]);
  });

  it("finds no journal where there is none", async () => {
    const { scratch } = await scene();
    const clock = new SimulatedClock();
    expect(await checkOffline(join(scratch, "none"), { clock, scratch })).toBeUndefined();
    expect(await checkOffline(scratch, { clock, scratch })).toBeUndefined();
  });

  it("names rows of which the text is no JSON, and looks at all others", async () => {
    const { path, check } = await scene();
    const key = idOf(100, 1000);
    await putText(path, "done", key, '[["');
    await putText(path, "nodes", "ship1", "1");
    const checked = await check();
    expect(checked?.problems).toEqual([
      { table: "done", key: JSON.stringify(key), fault: `it is no JSON: "[[\\""`, harm: "wrong" },
      { table: "nodes", key: `"ship1"`, fault: "1 is not an object", harm: "wrong" },
    ]);
    expect(checked?.counts.kept).toBe(22);
  });

  it("takes a torn end of the log for what it is: never acknowledged, and no damage", async () => {
    const { path, check } = await scene();
    changeLog(path, (bytes) => bytes.fill(0, bytes.lastIndexOf(LAST_TURN)));
    // The last turn is gone, the one before it is there.
    expect(await check()).toMatchObject({ problems: [], counts: { kept: 22, done: 1 } });
  });

  it("takes the last turn for damaged where it was written to its end and has changed since", async () => {
    const { path, check } = await scene();
    changeLog(path, (bytes) => bytes.fill(0, bytes.lastIndexOf(LAST_TURN), bytes.lastIndexOf(LAST_TURN) + 1));
    const fault = expect.stringMatching(/^segment \d+ of its log is damaged at byte \d+$/);
    expect((await check())?.problems).toEqual([{ table: "files", key: `""`, fault, harm: "wrong" }]);
  });

  it("tells what the store says of its log", async () => {
    const { check } = await scene();
    const openStore: typeof openLmdbStore = (path, clock) =>
      Object.assign(openLmdbStore(path, clock), { damage: "record 7 of wal-1.log is damaged" });
    expect((await check({ openStore }))?.problems).toEqual([
      { table: "files", key: `""`, fault: "record 7 of wal-1.log is damaged", harm: "wrong" },
    ]);
  });

  it("survives files that were cut off, and says so", async () => {
    const { path, scratch, check } = await scene();
    const file = join(path, "data.mdb");
    const { size } = statSync(file);
    // Beyond the rows lies room alone: a daemon finds all of them, and so does the check.
    truncateSync(file, Math.floor(size / 3));
    expect(await check()).toMatchObject({ problems: [], counts: { kept: 22, done: 2, running: 3 } });
    for (const [spoil, fault] of [
      [() => truncateSync(file, Math.floor(size / 20)), "data.mdb was damaged (the file is cut off)"],
      [() => writeFileSync(file, "no database"), "data.mdb was damaged (its page 0 is none of LMDB's)"],
      [() => truncateSync(file), "data.mdb is empty, which is what an emptied disk leaves"],
      [() => rmSync(file), "data.mdb is missing"],
    ] as const) {
      spoil();
      const before = seen(path);
      expect((await check())?.problems[0]).toEqual({ table: "files", key: `""`, fault, harm: "wrong" });
      expect(seen(path)).toEqual(before);
      expect(readdirSync(scratch)).toEqual([]);
    }
  });

  it("does not begin where there is no room for a copy", async () => {
    const { check } = await scene();
    await expect(check({ scratch: "/proc" })).rejects.toMatchObject({
      message: expect.stringMatching(/and 0 are free there/),
    });
  });
});
