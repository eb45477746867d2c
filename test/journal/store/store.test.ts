import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openLmdbStore } from "../../../src/journal/store/lmdb-store.ts";
import { compareKeys, type Key } from "../../../src/journal/store/store.ts";
import { describeStore, storeHosts } from "../../contract/store.ts";
import { SimulatedClock } from "../../harness/clock.ts";
import { tempDir } from "../../harness/temp.ts";
import { emptyDisk, openMemoryStore } from "../../twins/memory-store.ts";

for (const { name, make } of storeHosts) describeStore(name, make);

describe("the store on LMDB alone", () => {
  it("names the directory that it cannot use", async () => {
    const directory = await tempDir();
    const file = join(directory, "journal");
    writeFileSync(file, "not a directory, and not a database either");
    expect(() => openLmdbStore(join(file, "below"), new SimulatedClock())).toThrow(
      expect.objectContaining({ code: "data-directory" }),
    );
  });

  it("keeps a journal that cannot be written from being taken for a good one", async () => {
    const directory = await tempDir();
    const path = join(directory, "journal");
    const store = openLmdbStore(path, new SimulatedClock());
    store.put("meta", "a", 1);
    await store.flushed();
    await store.close();
    chmodSync(join(path, "data.mdb"), 0o400);
    if (process.getuid?.() === 0) return;
    expect(() => openLmdbStore(path, new SimulatedClock())).toThrow(
      expect.objectContaining({ code: "data-directory" }),
    );
  });
});

describe("the store in memory alone", () => {
  it("calls nothing durable any more once its disk failed; a new one begins with what was durable before", async () => {
    const disk = emptyDisk();
    const store = openMemoryStore(disk);
    store.put("meta", "a", 1);
    await store.flushed();
    disk.fault = "no space left on device";
    store.put("meta", "a", 2);
    await expect(store.flushed()).rejects.toMatchObject({ code: "journal-failed" });
    expect(store.get("meta", "a")).toBe(2);
    delete disk.fault;
    await expect(store.flushed()).rejects.toMatchObject({ code: "journal-failed" });
    store.crash();
    const next = openMemoryStore(disk);
    expect(next.get("meta", "a")).toBe(1);
    next.put("meta", "a", 3);
    await next.flushed();
  });

  it("never resolves a flush that a power cut overtook", async () => {
    const disk = emptyDisk();
    const store = openMemoryStore(disk);
    store.put("meta", "a", 1);
    let resolved = false;
    store.flushed().then(() => {
      resolved = true;
    });
    store.crash();
    for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
    expect(resolved).toBe(false);
    expect(openMemoryStore(disk).get("meta", "a")).toBeUndefined();
  });
});

describe("the order of keys", () => {
  it("is numbers, then texts, element by element, the shorter first", () => {
    const inOrder: Key[] = [
      -5,
      0,
      [0, 0],
      1.5,
      2,
      [2, 1],
      [2, 1, "a"],
      [2, "a"],
      10,
      "",
      "10",
      "2",
      "a",
      ["a", 0],
      ["a", "a"],
      "aa",
      "b",
    ];
    for (const [i, a] of inOrder.entries()) {
      for (const [j, b] of inOrder.entries()) expect(Math.sign(compareKeys(a, b))).toBe(Math.sign(i - j));
    }
  });
});
