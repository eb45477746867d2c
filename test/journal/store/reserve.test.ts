import { statSync } from "node:fs";
import { join } from "node:path";
import { open } from "lmdb";
import { describe, expect, test } from "vitest";
import { bytesFor, reserve } from "../../../src/journal/store/reserve.ts";
import { startSmallDisk, whyNoSmallDisk } from "../../harness/fleet/small-disk.ts";
import { atTestEnd, tempDir } from "../../harness/temp.ts";

const MEGA = 1024 * 1024;

function openIn(path: string) {
  const env = open({ path, encoding: "string" });
  atTestEnd(
    () => env.close(),
    () => undefined,
  );
  return {
    env,
    ensure: (bytes: number) => reserve(path, env, bytes),
    size: () => statSync(join(path, "data.mdb")).size,
  };
}

test("what LMDB writes for as many rows as were announced stays within what was there before", async () => {
  const { env, ensure, size } = openIn(await tempDir());
  for (const length of [10, 300, 1_900, 2_100, 5_000, 70_000]) {
    const rows = Array.from({ length: 250 }, (_, n) => [`${(n * 7919) % 250} ${length}`, "x".repeat(length)] as const);
    ensure(bytesFor(rows.length, 250 * length));
    const before = size();
    await Promise.all(rows.map(([key, value]) => env.put(key, value)));
    expect(size()).toBe(before);
    expect(env.get(`0 ${length}`)).toHaveLength(length);
  }
});

test("it takes nothing while there is enough", async () => {
  const { ensure, size } = openIn(await tempDir());
  ensure(1000);
  const before = size();
  ensure(1000);
  expect(size()).toBe(before);
});

describe.runIf(whyNoSmallDisk() === undefined)("on a full disk", () => {
  test("it says so, and leaves the file and the room as they were", async () => {
    const disk = await startSmallDisk(join(await tempDir(), "disk"), 4 * MEGA);
    const { env, ensure, size } = openIn(disk.seen);
    const before = size();
    expect(() => ensure(8 * MEGA)).toThrow(/ENOSPC/);
    expect(size()).toBe(before);
    await env.put("still", "well");
    expect(env.get("still")).toBe("well");
  });
});
