import { describe, expect, it } from "vitest";
import { settled } from "../../harness/world/sound.ts";
import { createWorld, type World } from "../../harness/world/world.ts";

const WORK = "ship1.command.work.os";

/** A world in which ship1 is away. */
async function away(): Promise<World> {
  const world = await settled(await createWorld());
  world.cut("ship1");
  await world.advance(120_000);
  return world;
}

async function numbered(world: World, subject: string, ...ns: readonly number[]): Promise<string[]> {
  const ids: string[] = [];
  for (const n of ns) ids.push(await world.send(subject, { n }));
  return ids;
}

const ran = (world: World) => world.ledger.runs.map(({ n }) => n);
const waiting = (world: World) =>
  world
    .daemon("central")
    .operations.queue("ship1")
    .messages.map(({ id, urgent = false }) => [id, urgent]);

describe("an urgent message", () => {
  it("overtakes what waits for its node and was not sent; urgent ones keep their order, and so do the others", async () => {
    const world = await away();
    await numbered(world, WORK, 1, 2, 3);
    for (const n of [10, 11]) await world.send(WORK, { n }, { urgent: true });
    await numbered(world, WORK, 4);
    world.heal("ship1");
    await world.allEnded();
    expect(ran(world)).toEqual([10, 11, 1, 2, 3, 4]);
    await world.drained();
  });

  it("goes before what its node has received and not begun", async () => {
    const world = await settled(await createWorld());
    await world.send(WORK, { n: 1, ms: 20_000 });
    await numbered(world, WORK, 2, 3);
    await world.advance(5_000);
    const urgent = await world.send(WORK, { n: 10 }, { urgent: true });
    expect(world.message(urgent)).toMatchObject({ urgent: true });
    await world.allEnded();
    expect(ran(world)).toEqual([1, 10, 2, 3]);
    await world.drained();
  });

  it("keeps its place, and each of the others its own, when central is killed at any moment", async () => {
    for (const nth of [1, 2, 3, 4]) {
      const world = await away();
      const ids = await numbered(world, WORK, 1, 2, 3);
      world.crashAt("central", { at: "flush", nth });
      let accepted = false;
      world
        .daemon("central")
        .operations.submit([{ subject: WORK, data: { n: 10 }, urgent: true }])
        .then(
          () => {
            accepted = true;
          },
          () => undefined,
        );
      await world.advance(5_000);
      if (world.isUp("central")) world.crash("central");
      await world.start("central");
      world.heal("ship1");
      await world.until(() => ids.every((id) => world.message(id).final), "the others have ended");
      await world.drained();
      const order = ran(world);
      expect(order.filter((n) => n !== 10)).toEqual([1, 2, 3]);
      expect(order.filter((n) => n === 10).length).toBeLessThanOrEqual(1);
      if (accepted) expect(order[0]).toBe(10);
      await world.end();
    }
  });

  for (const inPlace of [true, false])
    it(`loses nothing and runs nothing twice in a journal that was put back${inPlace ? " in its place" : " as a copy"}`, async () => {
      const world = await away();
      const ids = await numbered(world, WORK, 1, 2, 3);
      const backup = world.backup("central");
      world.heal("ship1");
      await world.allEnded();
      world.cut("ship1");
      await world.stop("central");
      world.restore("central", backup, { inPlace });
      await world.start("central");
      await world.send(WORK, { n: 10 }, { urgent: true });
      world.heal("ship1");
      await world.until(() => ids.every((id) => world.message(id).final), "all have ended");
      await world.until(() => ran(world).includes(10), "the urgent one ran");
      await world.advance(60_000);
      expect(
        ran(world)
          .map(Number)
          .sort((a, b) => a - b),
      ).toEqual([1, 2, 3, 10]);
      await world.end();
    });

  it("is still urgent after a restart of its node, and of a job too", async () => {
    const world = await settled(await createWorld());
    const { operations } = world.daemon("central");
    await world.send(WORK, { n: 1, ms: 30_000 });
    await numbered(world, WORK, 2);
    await world.drive(operations.createJob({ to: "ship1", subject: "command.work.os", data: { n: 10 }, urgent: true }));
    await world.advance(5_000);
    await world.stop("ship1");
    await world.start("ship1");
    await world.until(() => ran(world).length === 3, "all have begun");
    expect(ran(world)).toEqual([1, 10, 2]);
  });

  it("keeps its own deadline, and leaves the others theirs, when the clock jumped between them", async () => {
    const world = await away();
    const slow = await world.send(WORK, { n: 1 }, { deliverBy: 3_600_000 });
    world.setClock("central", 7_200_000);
    const soon = await world.send(WORK, { n: 10 }, { deliverBy: 60_000, urgent: true });
    await world.advance(70_000);
    expect([world.state(slow), world.state(soon)]).toEqual(["queued", "expired"]);
    world.heal("ship1");
    await world.allEnded();
    expect(world.state(slow)).toBe("succeeded");
    await world.drained();
  });
});

describe("the queue of a node", () => {
  it("is put into another order by hand, also over subjects", async () => {
    const world = await away();
    const [a = "", b = "", c = ""] = await numbered(world, WORK, 1, 2, 3);
    const other = await world.send("ship1.command.redo.os", { n: 4 });
    const { operations } = world.daemon("central");
    await world.drive(operations.first("ship1", { ids: [c, other] }));
    expect(waiting(world)).toEqual([
      [c, true],
      [other, true],
      [a, false],
      [b, false],
    ]);
    await world.drive(operations.cancel(a));
    world.heal("ship1");
    await world.until(() => [b, c, other].every((id) => world.message(id).final), "all have ended");
    expect(ran(world).filter((n) => n !== 4)).toEqual([3, 2]);
    expect(world.state(a)).toBe("cancelled");
  });

  it("says why a message cannot be moved ahead, and then moves none", async () => {
    const world = await away();
    const { operations } = world.daemon("central");
    const [a = "", b = ""] = await numbered(world, WORK, 1, 2);
    const held = await world.drive(
      operations.createJob({ to: "ship1", subject: "command.work.os", data: {}, at: "in 1h" }),
    );
    const [{ id: waits = "" } = {}] = operations.jobNodes(held.id);
    const gone = await world.send("central.event.note.news", {});
    const order = waiting(world);
    for (const [id, fault] of [
      [waits, "it is held"],
      [gone, "it is for central"],
    ] as const)
      await expect(operations.first("ship1", { ids: [b, id] })).rejects.toMatchObject({
        code: "queue-order",
        message: expect.stringContaining(fault),
      });
    await expect(operations.first("ship9", { ids: [b] })).rejects.toMatchObject({ code: "node-unknown" });
    expect(waiting(world)).toEqual(order);
    expect(order[0]).toEqual([a, false]);
  });
});
