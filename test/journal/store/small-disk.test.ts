import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { openLmdbStore } from "../../../src/journal/store/lmdb-store.ts";
import type { Store } from "../../../src/journal/store/store.ts";
import { systemClock } from "../../../src/platform/system-clock.ts";
import { eventuallySeen } from "../../harness/eventually.ts";
import { type SmallDisk, startSmallDisk, whyNoSmallDisk } from "../../harness/fleet/small-disk.ts";
import { atTestEnd, tempDir } from "../../harness/temp.ts";

vi.setConfig({ testTimeout: 30_000 });

const MEGA = 1024 * 1024;
const noDisk = whyNoSmallDisk();
if (noDisk !== undefined) console.warn(`the store on a full disk is not tested: ${noDisk}`);

async function storeOn(bytes: number): Promise<{ disk: SmallDisk; path: string; store: Store }> {
  const disk = await startSmallDisk(join(await tempDir(), "disk"), bytes);
  // LMDB says on standard error what failed; that is not for the test's own output.
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  const path = join(disk.seen, "journal");
  const store = openLmdbStore(path, systemClock);
  atTestEnd(
    () => store.close(),
    () => undefined,
  );
  await store.flushed();
  return { disk, path, store };
}

const text = "x".repeat(64 * 1024);

describe.runIf(noDisk === undefined)("the store on a disk that is full", () => {
  test("takes what is owed into the log that it has, and then only into memory, durable once there is room", async () => {
    const { disk, path, store } = await storeOn(48 * MEGA);
    await disk.fill();
    let durable = 0;
    const flushes: Promise<void>[] = [];
    // More than all files of the log hold.
    for (let n = 0; n < 300; n++) {
      store.put("out", [1, n], text);
      flushes.push(
        store.flushed().then(() => {
          durable++;
        }),
      );
      await new Promise((resolve) => setImmediate(resolve));
    }
    await eventuallySeen("the disk is at its end", async () => /space/i.test(store.fault ?? ""));
    // The disk's own word: LMDB was not let near it.
    expect(store.fault).toMatch(/^ENOSPC/);
    expect(store.get("out", [1, 299])).toBe(text);
    expect(store.room().free).toBeLessThan(MEGA / 4);
    const before = durable;
    expect(before).toBeGreaterThan(50);
    expect(before).toBeLessThan(300);

    await disk.free();
    await Promise.all(flushes);
    await eventuallySeen("all is well", async () => store.fault === undefined);
    await store.close();
    const next = openLmdbStore(path, systemClock);
    expect(next.damage).toBeUndefined();
    expect([...next.range("out", {})].length).toBe(300);
    await next.close();
  });

  test("loses nothing that it called durable when the power goes while it is full", async () => {
    const { disk, path, store } = await storeOn(48 * MEGA);
    await disk.fill();
    const durable = new Set<number>();
    for (let n = 0; n < 150; n++) {
      store.put("out", [1, n], text);
      store.flushed().then(
        () => durable.add(n),
        () => undefined,
      );
      await new Promise((resolve) => setImmediate(resolve));
    }
    await eventuallySeen("the disk is at its end", async () => store.fault !== undefined);
    // A second look at the same files is what a crash leaves.
    const { readLog } = await import("../../../src/journal/store/read-log.ts");
    const held = JSON.stringify(
      readLog(path, 0).records.map((record) => (record as unknown[][]).map(([, key]) => key)),
    );
    for (const n of durable) expect(held).toContain(`[1,${n}]`);
    expect(readLog(path, 0).hole).toBeUndefined();
    expect(readFileSync(join(path, "wal-0.log")).length).toBeGreaterThan(0);
    await disk.free();
  });

  test("closes without waiting for room, and its next opening has what was durable", async () => {
    const { disk, path, store } = await storeOn(48 * MEGA);
    store.put("meta", "a", 1);
    await store.flushed();
    await disk.fill();
    for (let n = 0; n < 300; n++) store.put("out", [1, n], text);
    const flush = store.flushed();
    flush.catch(() => undefined);
    await eventuallySeen("the disk is at its end", async () => store.fault !== undefined);
    await store.close();
    await expect(flush).rejects.toMatchObject({ code: "journal-failed" });
    const next = openLmdbStore(path, systemClock);
    expect(next.get("meta", "a")).toBe(1);
    await next.close();
  });
});
