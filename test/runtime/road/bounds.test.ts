import { mkdirSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createWorld, type World } from "../../harness/world.ts";
import { settled } from "./sound.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** Stored logs of ship1 at central, of these days before the world began, `bytes` each. */
function storeLogs(world: World, days: readonly number[], bytes: number): string {
  const directory = join(world.data("central"), "syslogforwarding", "ship1", "nginx");
  mkdirSync(directory, { recursive: true });
  for (const day of days) {
    const at = world.time.now() - day * DAY;
    const file = join(directory, `${new Date(at).toISOString().slice(0, 10)}.log`);
    writeFileSync(file, "x".repeat(bytes));
    utimesSync(file, at / 1000, at / 1000);
  }
  return directory;
}

test("stored logs are forgotten by age, once this node has been up as long, and that is said", async () => {
  const world = await settled(await createWorld({ nodes: { central: { retention: { age: "2h" } } } }));
  const directory = storeLogs(world, [1, 2, 3], 100);
  await world.advance(1.5 * HOUR);
  expect(readdirSync(directory)).toHaveLength(3);
  await world.advance(2 * HOUR);
  await eventually(() => expect(readdirSync(directory)).toEqual([]));
  const said = world.lines("central").find(({ text }) => text.includes("forgot stored files"));
  expect(said).toMatchObject({ level: "info", fields: { method: "syslogforwarding", files: 3, bytes: 300, early: 0 } });
});

test("stored logs over their bytes: the oldest day goes, counted and with a warning, and today's stays", async () => {
  const world = await settled(await createWorld({ nodes: { central: { retention: { logs: { bytes: "200KB" } } } } }));
  const directory = storeLogs(world, [0, 1, 2, 3], 90_000);
  await world.advance(2 * 60_000);
  await world.until(() => readdirSync(directory).length === 2, "two are gone");
  expect(readdirSync(directory)).toEqual(["2029-12-31.log", "2030-01-01.log"]);
  const warned = world.lines("central").find(({ level, text }) => level === "warn" && text === "dropped");
  expect(warned).toMatchObject({ fields: { reason: "stored-files", count: 2, method: "syslogforwarding" } });
});
