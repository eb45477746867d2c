import { expect, test } from "vitest";
import { expectSound, settled } from "../../harness/world/sound.ts";
import { createWorld } from "../../harness/world/world.ts";

const WORK = "ship1.command.work.os";
const YEARS = 10 * 365 * 86_400_000;

/** How far a wall clock jumps while something waits, ms. */
const JUMPS = { "ten years on": YEARS, "a day back": -86_400_000, "back to 1970": -Date.UTC(2029, 11, 31) };

test.each(Object.entries(JUMPS))(
  "the clock of the origin jumps %s while a command waits for its node: it is delivered in its time",
  async (_, jump) => {
    const world = await createWorld();
    await world.start("central");
    const id = await world.send(WORK, {}, { deliverBy: 60_000 });
    await world.advance(10_000);
    world.setClock("central", jump);
    await world.advance(20_000);
    expect(world.state(id)).toBe("queued");
    await world.start("ship1");
    expect(await world.ended(id, "central", 5_000)).toMatchObject({ state: "succeeded" });
    await expectSound(world);
  },
);

test.each(Object.entries(JUMPS))(
  "the clock of the origin jumps %s while a command waits for its node: it expires in its time",
  async (_, jump) => {
    const world = await createWorld();
    await world.start("central");
    const id = await world.send(WORK, {}, { deliverBy: 60_000 });
    await world.advance(10_000);
    world.setClock("central", jump);
    // Written after the jump, and held to the time after it.
    const later = await world.send(WORK, {}, { deliverBy: 55_000 });
    await world.advance(49_000);
    expect([id, later].map((each) => world.state(each))).toEqual(["queued", "queued"]);
    await world.advance(2_000);
    expect(world.state(id)).toBe("expired");
    await world.advance(5_000);
    expect(world.state(later)).toBe("expired");
    await world.start("ship1");
    await expectSound(world);
    expect(world.ledger.runs).toEqual([]);
  },
);

test.each(Object.entries(JUMPS))(
  "the clock of the origin jumps %s before a command is sent again: its node still knows how much time is left",
  async (_, jump) => {
    const world = await settled(await createWorld());
    world.setFaults("ship1", { in: { drop: 1 } });
    const inTime = await world.send(WORK, { n: 1 }, { deliverBy: 60_000 });
    const late = await world.send(WORK, { n: 2 }, { deliverBy: 9_000 });
    await world.advance(1_000);
    world.setClock("central", jump);
    await world.advance(9_000);
    world.setFaults("ship1", {});
    expect(await world.ended(inTime)).toMatchObject({ state: "succeeded" });
    expect(await world.ended(late)).toMatchObject({ state: "expired" });
    await expectSound(world);
    expect(world.ledger.runs.map(({ n }) => n)).toEqual([1]);
  },
);

test("central comes back with a clock that is behind what it wrote itself: nothing expires early", async () => {
  const world = await createWorld();
  await world.start("central");
  const id = await world.send(WORK, {}, { deliverBy: 60_000 });
  await world.stop("central");
  world.setClock("central", -YEARS);
  await world.start("central");
  await world.advance(50_000);
  expect(world.state(id)).toBe("queued");
  await world.advance(11_000);
  expect(world.state(id)).toBe("expired");
  await world.start("ship1");
  await expectSound(world);
});

test.each(Object.entries(JUMPS))(
  "the clock of a node jumps %s while a command waits on it: it runs",
  async (_, jump) => {
    const world = await settled(await createWorld());
    const busy = await world.send(WORK, { n: 1, ms: 20_000 });
    const id = await world.send(WORK, { n: 2 }, { deliverBy: 60_000 });
    await world.until(() => world.state(id) === "received", "it waits on the node");
    world.setClock("ship1", jump);
    expect(await world.ended(busy)).toMatchObject({ state: "succeeded" });
    expect(await world.ended(id)).toMatchObject({ state: "succeeded" });
    await expectSound(world);
  },
);

test.each(Object.entries(JUMPS))(
  "the clock of a node jumps %s while a command waits on it: it expires in its time",
  async (_, jump) => {
    const world = await settled(await createWorld());
    await world.send(WORK, { n: 1, ms: 20_000 });
    const id = await world.send(WORK, { n: 2 }, { deliverBy: 10_000 });
    await world.until(() => world.state(id) === "received", "it waits on the node");
    world.setClock("ship1", jump);
    expect(await world.ended(id)).toMatchObject({ state: "expired" });
    await expectSound(world);
    expect(world.ledger.runs.map(({ n }) => n)).toEqual([1]);
  },
);

/** A node with one command that runs and one that waits behind it, killed, and its clock another one when it is back. */
async function killed(jump: number, deliverBy: number) {
  const world = await settled(await createWorld());
  await world.send(WORK, { n: 1, ms: 60_000 });
  const id = await world.send(WORK, { n: 2 }, { deliverBy });
  await world.until(() => world.state(id) === "received", "it waits on the node");
  world.crash("ship1");
  world.setClock("ship1", jump);
  return { world, id };
}

test.each(Object.entries(JUMPS))(
  "a node comes back with its clock %s and cannot reach anybody: the clock expires nothing",
  async (_, jump) => {
    const { world, id } = await killed(jump, 600_000);
    world.cut("ship1");
    await world.start("ship1");
    await world.advance(60_000);
    expect(world.message(id, "ship1").state).toBe("received");
    expect(world.ledger.runs.map(({ n }) => n)).toEqual([1]);
    // The clock of its origin says that there is time left.
    world.heal("ship1");
    expect(await world.ended(id)).toMatchObject({ state: "succeeded" });
    await expectSound(world);
  },
);

test.each(Object.entries(JUMPS))(
  "a node comes back with its clock %s after the deadline of what waits on it: the clock of the origin ends it",
  async (_, jump) => {
    const { world, id } = await killed(jump, 30_000);
    await world.advance(31_000);
    await world.start("ship1");
    expect(await world.ended(id)).toMatchObject({ state: "expired" });
    await expectSound(world);
    expect(world.ledger.runs.map(({ n }) => n)).toEqual([1]);
  },
);

test("a node whose clock is right goes on with what waits after a minute, also when it can reach nobody", async () => {
  const { world, id } = await killed(0, 600_000);
  world.cut("ship1");
  await world.start("ship1");
  await world.advance(59_000);
  expect(world.message(id, "ship1").state).toBe("received");
  await world.advance(2_000);
  expect(world.message(id, "ship1").state).toBe("succeeded");
  world.heal("ship1");
  await expectSound(world);
});

test("what waits for the word of its origin can be cancelled, and holds up neither a stop nor what comes after it", async () => {
  const { world, id } = await killed(YEARS, 600_000);
  world.cut("ship1");
  await world.start("ship1");
  await world.advance(3_000);
  await world.stop("ship1");
  await world.start("ship1");
  await world.drive(world.daemon("ship1").operations.cancel(id));
  expect(world.message(id, "ship1").state).toBe("cancelled");
  world.heal("ship1");
  const next = await world.send(WORK, { n: 3 });
  expect(await world.ended(next)).toMatchObject({ state: "succeeded" });
  await expectSound(world);
});

test("a program that never began is begun or expired by the clock of its origin, however long that takes to be heard", async () => {
  const world = await settled(await createWorld());
  const SHELL = "ship1.command.shellcommand.os";
  world.crashAt("ship1", { at: "flushed", nth: 1 });
  const id = await world.send(SHELL, ["sleep", "10"], { deliverBy: 86_400_000, timeout: 1_000 });
  await world.until(() => !world.isUp("ship1"), "it is killed");
  world.setClock("ship1", YEARS);
  world.cut("ship1");
  await world.start("ship1");
  await world.advance(120_000);
  expect(world.host("ship1").ledger).toEqual([]);
  world.heal("ship1");
  expect(await world.ended(id)).toMatchObject({ state: "succeeded" });
  expect(world.host("ship1").ledger).toEqual([id]);
  await expectSound(world);
});
