import { expect, test } from "vitest";
import { expectSound, settled } from "../../harness/world/sound.ts";
import { createWorld, type World } from "../../harness/world/world.ts";

const WORK = "ship1.command.work.os";

/** The states that its origin tells of a message, with their times, and how often it was sent. */
function told(world: World, id: string) {
  const { history, attempts } = world.message(id);
  return { attempts, history: history.map(({ state, at, by }) => `${state} ${at} ${by}`) };
}

const states = (world: World, id: string): string[] => world.message(id).history.map(({ state }) => state);

test("a crash of central while a command runs takes neither its history nor its count of attempts", async () => {
  const world = await settled(await createWorld());
  const runs = await world.send(WORK, { ms: 60_000 });
  const waits = await world.send(WORK, {});
  await world.until(() => world.state(waits) === "received", "one runs, one waits");
  await world.advance(1_000);
  const before = [runs, waits].map((id) => told(world, id));
  expect(states(world, runs)).toEqual(["queued", "sent", "received", "running"]);
  expect(states(world, waits)).toEqual(["queued", "sent", "received"]);
  world.crash("central");
  await world.start("central");
  expect([runs, waits].map((id) => told(world, id))).toEqual(before);
  await world.allEnded();
  expect(states(world, waits)).toEqual(["queued", "sent", "received", "running", "succeeded"]);
  await expectSound(world);
});

test("what was sent again and again is so after a crash of central", async () => {
  const world = await settled(await createWorld());
  world.setFaults("ship1", { in: { drop: 1 } });
  const id = await world.send(WORK, {});
  await world.until(() => world.message(id).attempts >= 3, "it is sent again");
  const before = told(world, id);
  world.crash("central");
  await world.start("central");
  expect(told(world, id)).toEqual(before);
  world.setFaults("ship1", {});
  await world.allEnded();
  await expectSound(world);
});

test("what the broker could hand to nobody was not sent, also after a crash of central", async () => {
  const world = await createWorld();
  await world.start("central");
  const id = await world.send(WORK, {});
  await world.advance(1_000);
  expect(world.message(id)).toMatchObject({ state: "queued", attempts: 0 });
  world.crash("central");
  await world.start("central");
  expect(world.message(id)).toMatchObject({ state: "queued", attempts: 0 });
  expect(states(world, id)).toEqual(["queued"]);
  await world.start("ship1");
  await world.allEnded();
  await expectSound(world);
});
