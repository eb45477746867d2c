import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { timeOfLine } from "../../../../src/methods/syslog/write/line-time.ts";
import { searchLogs, volumeOf } from "../../../../src/methods/syslog/write/search.ts";
import { tempDir } from "../../../harness/temp.ts";

const NOON = Date.parse("2026-11-30T12:00:00Z");
const MINUTE = 60_000;

async function store(logs: Readonly<Record<string, readonly string[]>>): Promise<string> {
  const directory = await tempDir();
  for (const [path, lines] of Object.entries(logs)) {
    const file = join(directory, `${path}.log`);
    await mkdir(join(file, ".."), { recursive: true });
    await writeFile(file, `${lines.join("\n")}\nstill being writ`);
  }
  return directory;
}

const iso = (at: number): string => new Date(at).toISOString();

it("the time of a line is read from syslog and from an access log, and from nothing else", () => {
  expect(timeOfLine("2026-11-30T12:00:00.000Z vm nginx: x")).toBe(NOON);
  expect(timeOfLine("2026-11-30 13:00:00+0100 x")).toBe(NOON);
  expect(timeOfLine('203.0.113.9 - - [30/Nov/2026:13:00:00 +0100] "GET / HTTP/1.1"')).toBe(NOON);
  expect(timeOfLine("said at 2026-11-30T12:00:00Z")).toBeUndefined();
});

it("lines of several logs and days are found by text and time, in the order of their times", async () => {
  const directory = await store({
    "ship1/nginx/2026-11-29": [`${iso(NOON - 86_400_000)} a: Old error`],
    "ship1/nginx/2026-11-30": [`${iso(NOON)} a: error 1`, `${iso(NOON + MINUTE)} a: fine`],
    "ship2/nginx/2026-11-30": [`${iso(NOON + 2 * MINUTE)} a: ERROR 2`, "error without a time"],
  });
  const texts = async (search: object) =>
    (await searchLogs(directory, search)).lines.map(({ line }) => line.split(" ").slice(-2).join(" "));
  expect(await texts({ text: "error", since: 0 })).toEqual(["a time", "Old error", "error 1", "ERROR 2"]);
  expect(await texts({ text: "error", node: "ship1", since: NOON, until: NOON + MINUTE })).toEqual(["error 1"]);
  expect(await texts({ limit: 1, node: "ship1" })).toEqual(["a: fine"]);
});

it("lines longer than a block, and a large file, are read whole and from the end", async () => {
  const long = "x".repeat(700_000);
  const lines = Array.from({ length: 20_000 }, (_, i) => `${iso(NOON + i * 1_000)} vm a: line ${i}`);
  const directory = await store({
    "ship1/nginx/2026-11-30": [
      ...lines.slice(0, 10_000),
      `${iso(NOON + 9_999_500)} vm a: ${long}`,
      ...lines.slice(10_000),
    ],
  });
  const all = await searchLogs(directory, { limit: 5_000, until: NOON + 10_001_000 });
  expect(all.lines).toHaveLength(5_000);
  expect(all.lines.at(-1)?.line).toContain("line 10000");
  expect(all.lines.at(-2)?.line.length).toBe(64 * 1024);
  expect(all).toMatchObject({ complete: false, readBackAt: all.lines[0]?.at });
  const last = await searchLogs(directory, { text: "line 7", limit: 1, since: NOON + 19_000_000 });
  expect(last).toMatchObject({ lines: [], complete: true });
  expect(last.bytesRead).toBeLessThan(1_500_000);
});

it("the volume of each hour follows the times of the lines", async () => {
  const hour = (from: number, count: number) =>
    Array.from(
      { length: count },
      (_, i) => `${iso(from + Math.floor((i * 3_600_000) / count))} vm a: ${"y".repeat(80)}`,
    );
  const begin = Date.parse("2026-11-30T09:00:00Z");
  const directory = await store({
    "ship1/nginx/2026-11-30": [...hour(begin, 1_000), ...hour(begin + 3_600_000, 4_000)],
  });
  const volume = await volumeOf(directory, {}, { until: NOON, hours: 4 });
  expect(volume.map(({ at }) => at)).toEqual([8, 9, 10, 11].map((h) => Date.UTC(2026, 10, 30, h)));
  const [eight = 0, nine = 1, ten = 0, eleven = 0] = volume.map(({ bytes }) => bytes);
  expect([eight, eleven]).toEqual([0, 0]);
  expect(ten / nine).toBeGreaterThan(3);
  expect(ten / nine).toBeLessThan(5.5);
});

it("a search that goes on passes over what it has read, and so gets to the beginning of a log larger than one request reads", async () => {
  const step = 600;
  const lines = Array.from(
    { length: 24_000 },
    (_, i) => `${iso(NOON + i * step)} vm a: ${"x".repeat(60)} ${i === 3 ? "needle" : i}`,
  );
  // Many logs share the bytes of a request: a megabyte for each.
  const small = Object.fromEntries(
    Array.from({ length: 63 }, (_, i) => [`ship${i}/nginx/2026-11-30`, [`${iso(NOON)} vm a: small`]]),
  );
  const directory = await store({ ...small, "tug/nginx/2026-11-30": lines });
  let until = NOON + 86_400_000;
  const places: number[] = [];
  for (let asked = 0; asked < 12; asked++) {
    const found = await searchLogs(directory, { text: "needle", until });
    if (found.lines.length > 0) {
      expect(places.length).toBeGreaterThan(0);
      expect(places).toEqual([...places].sort((a, b) => b - a));
      expect(found.lines.map(({ node }) => node)).toEqual(["tug"]);
      return;
    }
    expect(found.complete).toBe(false);
    until = found.readBackAt ?? 0;
    places.push(until);
  }
  expect.fail(`the beginning was not reached: ${places.map(iso).join(", ")}`);
});
