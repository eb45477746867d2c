import { expect, test } from "vitest";
import { createWorld } from "../../harness/world.ts";
import { expectSound, settled } from "./sound.ts";

const WORK = "ship1.command.work.os";
const REDO = "ship1.command.redo.os";
const LOST = "ship1 has lost its record of it: whether it ran cannot be proved";

test("a node that is installed anew while commands are on it: each ends as interrupted, in words, and none runs again", async () => {
  const world = await settled(await createWorld());
  const runs = await world.send(WORK, { n: 1, ms: 60_000 });
  const waits = await world.send(WORK, { n: 2 });
  await world.until(() => world.state(waits) === "received", "both are there");
  world.powerCut("ship1");
  world.loseDisk("ship1");
  await world.start("ship1");
  expect(await world.ended(runs)).toMatchObject({ state: "interrupted", reason: LOST });
  expect(await world.ended(waits)).toMatchObject({ state: "interrupted", reason: LOST });
  const next = await world.send(WORK, { n: 3 });
  expect(await world.ended(next)).toMatchObject({ state: "succeeded" });
  expect(world.ledger.runs.map(({ n }) => n)).toEqual([1, 3]);
  expect(world.node("ship1").session).toBe("live");
});

test("a command that may have begun on a disk that is lost does not begin a second time on the next one", async () => {
  const world = await settled(await createWorld());
  // So that the origin knows which journal it sends to.
  await world.ended(await world.send(WORK, { n: 0 }));
  await world.ended(await world.send(REDO, { n: 0 }));
  world.setFaults("ship1", { out: { drop: 1 } });
  const once = await world.send(WORK, { n: 1 });
  const again = await world.send(REDO, { n: 2 });
  await world.until(() => world.ledger.runs.length === 4, "they ran, and nobody heard of it");
  world.crash("ship1");
  world.loseDisk("ship1");
  world.setFaults("ship1", {});
  await world.start("ship1");
  expect(await world.ended(once)).toMatchObject({
    state: "interrupted",
    reason: "it may have begun here before this node lost its journal",
  });
  // What may run twice does.
  expect(await world.ended(again)).toMatchObject({ state: "succeeded" });
  expect(world.ledger.runsOf(once)).toBe(1);
});

test("a node that comes back with its disk is asked what became of its commands, and is live when both think the same", async () => {
  const world = await settled(await createWorld());
  const id = await world.send(WORK, { n: 1, ms: 20_000 });
  await world.until(() => world.state(id) === "running", "it runs");
  world.cut("ship1");
  await world.until(() => world.node("ship1").link === "offline", "it is offline", 600_000);
  expect(world.node("ship1").session).toBe("none");
  world.heal("ship1");
  await world.until(() => world.node("ship1").session === "live", "they agree");
  expect(await world.ended(id)).toMatchObject({ state: "succeeded" });
  const sessions = world.node("ship1").changes.filter(({ region }) => region === "session");
  expect(sessions.map(({ to }) => to)).toEqual(["resyncing", "live", "none", "resyncing", "live"]);
  await expectSound(world);
});
