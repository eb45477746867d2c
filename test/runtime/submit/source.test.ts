import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { expectSound, settled } from "../../harness/world/sound.ts";
import { createWorld, type World } from "../../harness/world/world.ts";
import { temporaryDirectories } from "../../methods/syslog/harness.ts";

const directory = temporaryDirectories();
const WEB = "central.event.syslogforwarding.web";

async function following(path: string): Promise<World> {
  return await settled(
    await createWorld({
      nodes: {
        central: { subscribe: [{ subject: "event.syslogforwarding.web" }] },
        ship1: { publish: [{ subject: WEB, tail: path }] },
      },
    }),
  );
}

const source = async (world: World) =>
  (await world.daemon("ship1").operations.processes()).processes.find(({ role }) => role === "source");
/** What ship1 has told central. */
const texts = (world: World, kind: string): string[] =>
  world.ledger.failures.flatMap(({ origin, code, text }) => (origin === "ship1" && code === kind ? [text] : []));

test("a log that is not there blocks its source: its state, the health and an alert at central say so, until it comes", async () => {
  const path = join(await directory(), "misspelt.log");
  const world = await following(path);
  const fault = `${path} does not exist`;
  expect(await source(world)).toMatchObject({ state: "blocked", lastError: fault });
  expect(world.daemon("ship1").operations.health()).toMatchObject({
    ok: false,
    waiting: [{ role: "source", subject: WEB, reason: fault }],
  });
  await world.until(() => texts(world, "log-absent").length > 0, "central has heard of it");
  expect(texts(world, "log-absent")).toEqual([expect.stringContaining(`${WEB}: ${fault}: if its name is wrong`)]);

  await writeFile(path, "one\n");
  await world.until(() => world.daemon("ship1").operations.health().ok, "it is followed");
  expect(await source(world)).toMatchObject({ state: "working" });
  await world.drained();
  await expectSound(world);
});

test("a log that cannot be read blocks its source, and is one alert", async () => {
  const path = join(await directory(), "web.log");
  await mkdir(path);
  const world = await following(path);
  await world.advance(60_000);
  expect(await source(world)).toMatchObject({
    state: "blocked",
    lastError: expect.stringContaining("it is a directory"),
  });
  expect(texts(world, "log-unreadable")).toHaveLength(1);
  await rm(path, { recursive: true });
  await writeFile(path, "");
  await world.until(() => world.daemon("ship1").operations.health().ok, "it is followed");
  await expectSound(world);
});

test("a log that was deleted while its edge was down is told at central, with bytes and times", async () => {
  const path = join(await directory(), "web.log");
  await writeFile(path, "");
  const world = await following(path);
  await writeFile(path, "one\n");
  await world.advance(5_000);
  await world.stop("ship1");
  await rm(path);
  await writeFile(path, "another one\n");
  await world.start("ship1");
  await world.until(() => texts(world, "log-lines-lost").length > 0, "central has heard of it");
  expect(texts(world, "log-lines-lost")).toEqual([
    expect.stringMatching(/read up to byte 4 .*between \d{4}-.*Z and \d{4}-.*Z, .*: lines that it got since are lost/),
  ]);
  await expectSound(world);
});
