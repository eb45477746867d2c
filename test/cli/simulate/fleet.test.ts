import { expect, onTestFinished, test } from "vitest";
import { SimulatedFleet } from "../../../src/cli/simulate/fleet.ts";
import { ClearEnvelope } from "../../../src/security/seal/clear-envelope.ts";
import { createWorld, type World } from "../../harness/world/world.ts";
import { world as room } from "../world.ts";

/** A fleet over the broker of a world of which central alone is a real daemon, with `security: off`: nodes that are played have no keys. */
async function fleetBeside(world: World, nodes: number): Promise<SimulatedFleet> {
  await world.start();
  const fleet = new SimulatedFleet({
    nodes,
    connections: 2,
    prefix: "sim",
    central: "central",
    version: "0.0.0",
    every: 10_000,
    clock: world.time,
    random: world.random,
    log: { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined },
    envelope: new ClearEnvelope(),
    connect: (name) => world.broker.connect(name),
  });
  onTestFinished(() => fleet.stop());
  await world.until(() => fleet.view().heard === nodes, "all nodes are heard");
  return fleet;
}

test("a simulated fleet is heard, answers each command once, and says what it does not know", async () => {
  const world = await createWorld({ nodes: {}, sealed: false });
  const fleet = await fleetBeside(world, 30);
  expect(fleet.view()).toEqual({ connected: 2, heard: 30, commands: 0, unreadable: 0 });
  expect(world.daemon("central").operations.nodes()).toHaveLength(31);
  for (let round = 0; round < 2; round++) {
    const ids = [];
    for (let n = 1; n <= 30; n++) ids.push(await world.send(`sim${n}.command.echo.bench`, { n, round }));
    for (const id of ids) expect(await world.ended(id)).toMatchObject({ state: "succeeded" });
  }
  const unknown = await world.send("sim7.command.dance.floor");
  expect(await world.ended(unknown)).toMatchObject({
    state: "rejected",
    reason: "a simulated node does not know dance",
  });
  expect(fleet.view()).toEqual({ connected: 2, heard: 30, commands: 60, unreadable: 0 });
  expect(world.faults).toEqual([]);
  await world.stop("central");
});

test("a simulated node answers a command once, and reports again until central has it, when packets get lost and come twice", async () => {
  const world = await createWorld({ nodes: {}, sealed: false });
  const fleet = await fleetBeside(world, 3);
  world.setFaults("central", { in: { drop: 0.3, duplicate: 0.3 }, out: { drop: 0.3, duplicate: 0.3 } });
  const ids: string[] = [];
  for (let n = 0; n < 30; n++) {
    ids.push(await world.send(`sim${1 + (n % 3)}.command.echo.bench`, { n }));
    await world.advance(100);
  }
  for (const id of ids) expect(await world.ended(id, "central", 300_000)).toMatchObject({ state: "succeeded" });
  expect(fleet.view().commands).toBe(30);
  await world.stop("central");
});

test("a fleet is not played to a central that seals, and what it needs is said", async () => {
  const w = await room();
  expect((await w.run(["init"])).code).toBe(0);
  const { code, err } = await w.run(["simulate-fleet", "3"]);
  expect(code).toBe(2);
  expect(err).toContain("`security: off`");
});
