import { expect, test } from "vitest";
import { expectSound, settled } from "../../harness/world/sound.ts";
import { createWorld, type World } from "../../harness/world/world.ts";

const WORK = "ship1.command.work.os";
const DAY = 86_400_000;

async function expired(world: World, id: string): Promise<void> {
  expect(await world.ended(id)).toMatchObject({ state: "expired" });
  await expectSound(world);
  expect(world.ledger.runsOf(id)).toBe(0);
}

test("a command that the link holds for longer than its deadline is not started", async () => {
  const world = await settled(await createWorld());
  world.setFaults("ship1", { in: { delay: 12_000 } });
  const late = await world.send(WORK, {}, { deliverBy: 3_000 });
  const inTime = await world.send(WORK, {}, { deliverBy: 30_000 });
  await expired(world, late);
  expect(await world.ended(inTime)).toMatchObject({ state: "succeeded" });
  expect(world.reason(late)).toContain("under way for 12 s");
});

test("a command that its origin's side of the link holds for longer than its deadline is not started", async () => {
  const world = await settled(await createWorld());
  world.setFaults("central", { out: { delay: 12_000 } });
  await expired(world, await world.send(WORK, {}, { deliverBy: 3_000 }));
});

test("a command that waits in the buffers of a stopped daemon for longer than its deadline is not started", async () => {
  const world = await settled(await createWorld());
  world.freeze("ship1");
  const late = await world.send(WORK, {}, { deliverBy: 3_000 });
  const inTime = await world.send(WORK, {}, { deliverBy: 30_000 });
  await world.advance(12_000);
  world.thaw("ship1");
  await expired(world, late);
  expect(await world.ended(inTime)).toMatchObject({ state: "succeeded" });
});

test("a command whose origin is stopped after it was sealed, and that comes late for it, is not started", async () => {
  const world = await settled(await createWorld());
  // Nothing but a delay is seen of it on the way: the clocks of the origin go on.
  world.setFaults("central", { out: { delay: 4_000 } });
  const id = await world.send(WORK, {}, { deliverBy: 3_000 });
  world.freeze("central");
  await world.advance(10_000);
  world.thaw("central");
  await expired(world, id);
});

test("a command that was taken in time and waits for the disk past its deadline is not started", async () => {
  const world = await settled(await createWorld());
  world.setFlush("ship1", 12_000);
  const id = await world.send(WORK, {}, { deliverBy: 3_000 });
  await world.advance(1_000);
  world.setFlush("ship1", 0);
  await expired(world, id);
});

test("a command whose turn comes in time, and whose start is on disk after its deadline, is not started", async () => {
  const world = await settled(await createWorld());
  const busy = await world.send(WORK, { ms: 2_000 });
  const id = await world.send(WORK, {}, { deliverBy: 5_000 });
  await world.until(() => world.state(id) === "received", "it waits on the node");
  world.setFlush("ship1", 6_000);
  await world.until(() => world.message(busy, "ship1").final, "its turn has come");
  world.setFlush("ship1", 0);
  await expired(world, id);
});

test("a command that waits in a queue of a stopped daemon past its deadline is not started", async () => {
  const world = await settled(await createWorld());
  await world.send(WORK, { ms: 2_000 });
  const id = await world.send(WORK, {}, { deliverBy: 5_000 });
  await world.until(() => world.state(id) === "received", "it waits on the node");
  world.freeze("ship1");
  await world.advance(12_000);
  world.thaw("ship1");
  await expired(world, id);
});

/** How the clock of an origin may jump while a node hears it, ms. */
const JUMPS = { "a day on": DAY, "a day back": -DAY, "a minute back": -60_000 };

test.each(Object.entries(JUMPS))(
  "the clock of the origin jumps %s while a node hears it: nothing expires for it, and delays still count",
  async (_, jump) => {
    const world = await settled(await createWorld());
    world.setClock("central", jump);
    const first = await world.send(WORK, {}, { deliverBy: 5_000 });
    expect(await world.ended(first)).toMatchObject({ state: "succeeded" });
    world.setClock("central", 0);
    const second = await world.send(WORK, {}, { deliverBy: 5_000 });
    expect(await world.ended(second)).toMatchObject({ state: "succeeded" });
    world.setClock("central", jump);
    world.setFaults("ship1", { in: { delay: 12_000 } });
    await expired(world, await world.send(WORK, {}, { deliverBy: 3_000 }));
  },
);

test.each(Object.entries(JUMPS))(
  "the clock of a node jumps %s: nothing expires for it, and delays still count",
  async (_, jump) => {
    const world = await settled(await createWorld());
    world.setClock("ship1", jump);
    const first = await world.send(WORK, {}, { deliverBy: 5_000 });
    expect(await world.ended(first)).toMatchObject({ state: "succeeded" });
    world.setFaults("ship1", { in: { delay: 12_000 } });
    await expired(world, await world.send(WORK, {}, { deliverBy: 3_000 }));
  },
);

test.each(Object.entries(JUMPS))(
  "the origin is started again with its clock %s: nothing expires for it",
  async (_, jump) => {
    const world = await settled(await createWorld());
    world.crash("central");
    world.setClock("central", jump);
    await world.start("central");
    const id = await world.send(WORK, {}, { deliverBy: 5_000 });
    expect(await world.ended(id)).toMatchObject({ state: "succeeded" });
    await expectSound(world);
  },
);
