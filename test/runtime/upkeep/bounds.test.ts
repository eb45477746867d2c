import { mkdirSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { eventuallySeen } from "../../harness/eventually.ts";
import { settled } from "../../harness/world/sound.ts";
import { createWorld, type World } from "../../harness/world/world.ts";

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
  const world = await settled(await createWorld({ nodes: { ship1: {}, central: { retention: { age: "2h" } } } }));
  const directory = storeLogs(world, [1, 2, 3], 100);
  await world.advance(1.5 * HOUR);
  expect(readdirSync(directory)).toHaveLength(3);
  await world.advance(2 * HOUR);
  await eventuallySeen("they are gone", () => readdirSync(directory).length === 0);
  const said = await eventuallySeen("it is said", () =>
    world.lines("central").find(({ text }) => text.includes("forgot stored files")),
  );
  expect(said).toMatchObject({ level: "info", fields: { method: "syslogforwarding", files: 3, bytes: 300, early: 0 } });
});

test("stored logs over their bytes: the oldest day goes, counted and with a warning, and today's stays", async () => {
  const world = await settled(
    await createWorld({ nodes: { ship1: {}, central: { retention: { logs: { bytes: "200KB" } } } } }),
  );
  const directory = storeLogs(world, [0, 1, 2, 3], 90_000);
  await world.advance(2 * 60_000);
  await eventuallySeen("two are gone", () => readdirSync(directory).length === 2);
  expect(readdirSync(directory)).toEqual(["2029-12-31.log", "2030-01-01.log"]);
  const warned = await eventuallySeen("there is a warning", () =>
    world.lines("central").find(({ level, text }) => level === "warn" && text === "dropped"),
  );
  expect(warned).toMatchObject({ fields: { reason: "stored-files", count: 2, method: "syslogforwarding" } });
});

const NEWS = "central.event.note.news";
const poison = (n: number) => ({ subject: NEWS, data: { poison: true, n } });
const deadAt = (world: World) => world.daemon("central").operations.dead();

test("dead letters past their number: the oldest is dropped, which central says aloud and counts", async () => {
  const world = await settled(await createWorld({ nodes: { ship1: {}, central: { retention: { deadLetters: 2 } } } }));
  const ids: string[] = [];
  for (let n = 0; n < 3; n++) {
    ids.push(...(await world.submit([poison(n)], "ship1")));
    await world.until(() => deadAt(world).some(({ id }) => id === ids[n]), "it is put aside");
    // Else its process would be quarantined.
    if (n < 2) await world.advance(40_000);
  }
  await world.until(() => deadAt(world).length === 2, "one is dropped");
  expect(deadAt(world).map(({ id }) => id)).toEqual(ids.slice(1));
  expect(world.alerts("central").filter((code) => code === "dead-letter-dropped")).toHaveLength(1);
  expect(
    world.lines("central").find(({ fields }) => (fields as { code?: string }).code === "dead-letter-dropped"),
  ).toMatchObject({
    level: "error",
    text: expect.stringContaining(`the first ${ids[0]} on ${NEWS} from ship1`),
  });
  expect(await world.count("central", "steward_dropped_total", 'reason="dead-letter"')).toBe(1);
});

test("dead letters are dropped once they have reached their age by this node's uptime", async () => {
  const world = await settled(await createWorld({ nodes: { ship1: {}, central: { retention: { age: "2h" } } } }));
  await world.submit([poison(0)], "ship1");
  await world.until(() => deadAt(world).length === 1, "it is put aside");
  await world.advance(1.5 * HOUR);
  expect(deadAt(world)).toHaveLength(1);
  await world.advance(HOUR);
  expect(deadAt(world)).toEqual([]);
  expect(world.alerts("central")).toContain("dead-letter-dropped");
});

test("the lanes of a node's lost journal are forgotten when it was silent for the retention, and its new ones are not", async () => {
  const world = await settled(await createWorld({ nodes: { ship1: {}, central: { retention: { age: "2h" } } } }));
  const epochs = () => {
    const keys = [...world.store("central").range("sources", {})].map(({ key }) => String(key));
    return new Set(keys.flatMap((key) => (key.startsWith("ship1 ") ? [key.split(" ")[1]] : []))).size;
  };
  await world.submit([{ subject: NEWS, data: { n: 1 } }], "ship1");
  await world.drained();
  await world.stop("ship1");
  world.loseDisk("ship1");
  await world.advance(1_000);
  await world.start("ship1");
  await world.submit([{ subject: NEWS, data: { n: 2 } }], "ship1");
  await world.drained();
  expect(epochs()).toBe(2);
  await world.advance(1.5 * HOUR);
  expect(epochs()).toBe(2);
  await world.advance(HOUR);
  expect(epochs()).toBe(1);
  await world.submit([{ subject: NEWS, data: { n: 3 } }], "ship1");
  await world.drained();
  expect(world.ledger.notesOf("central", "ship1")).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
});

test("cancels of commands that have not come are kept up to their number; one more is refused with the reason", async () => {
  const world = await settled(await createWorld({ nodes: { ship1: { limits: { earlyCancels: 2 } } } }));
  const cancel = async (id: string) => {
    const asked = await world.send("ship1.command.cancel.steward", { id });
    return await world.ended(asked);
  };
  const ids = ["01J00000000000000000000001", "01J00000000000000000000002", "01J00000000000000000000003"];
  for (const id of ids.slice(0, 2)) expect(await cancel(id)).toMatchObject({ state: "succeeded" });
  expect(await cancel(ids[2] ?? "")).toMatchObject({
    state: "failed",
    reason: expect.stringContaining("limits.earlyCancels"),
  });
  expect(await world.count("ship1", "steward_refused_total", 'reason="early-cancel"')).toBe(1);
  expect([...world.store("ship1").range("cancelled", {})]).toHaveLength(2);
});
