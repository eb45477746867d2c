import { expect, onTestFinished, test } from "vitest";
import { SimulatedFleet } from "../../../src/cli/simulate/fleet.ts";
import { ClearEnvelope } from "../../../src/security/seal/clear-envelope.ts";
import { createWorld, type World } from "../../harness/world/world.ts";
import { counts, ended, job, lists, order } from "./scene.ts";

const NODES = 2_000;
const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/** Two thousand simulated nodes, all of them heard by a central that is a whole daemon. */
async function fleet(): Promise<{ world: World; fleet: SimulatedFleet }> {
  const world = await createWorld({ nodes: { central: { hello: "60s" } }, sealed: false });
  await world.start();
  const fleet = new SimulatedFleet({
    ...{ nodes: NODES, connections: 4, prefix: "sim", central: "central", version: "0.0.0", every: 60_000 },
    ...{ clock: world.time, random: world.random, log: quiet, envelope: new ClearEnvelope() },
    connect: (name) => world.broker.connect(name),
  });
  onTestFinished(() => fleet.stop());
  await world.until(() => fleet.view().heard === NODES, "all nodes are heard");
  return { world, fleet };
}

/** Each count is as long as the list of its nodes, and the lists together are all nodes. */
function expectListed(world: World, id: string): void {
  const [counted, listed] = [counts(world, id), lists(world, id)];
  expect(Object.fromEntries(Object.entries(listed).map(([kind, nodes]) => [kind, nodes.length]))).toEqual(counted);
  expect(Object.values(listed).flat().length).toBe(NODES);
}

test("a job over two thousand nodes goes on where it was when central is killed in the middle of each wave", {
  timeout: 400_000,
}, async () => {
  const { world, fleet: nodes } = await fleet();
  const id = await order(world, { subject: "command.echo.bench", waves: "1,10%,50%,100%", soak: 5_000, rate: 60_000 });
  expect(job(world, id).waves).toEqual([1, 200, 1000, 2000]);
  for (let wave = 0; wave < 4; wave++) {
    const before = [0, 1, 200, 1000][wave] ?? 0;
    await world.until(
      () => job(world, id).wave === wave && NODES - job(world, id).counts.held > before,
      `wave ${wave} is out`,
    );
    world.crash("central");
    await world.advance(1_000);
    await world.start("central");
    const { counts: now, waves } = job(world, id);
    expect(NODES - now.held).toBeLessThanOrEqual(waves[wave] ?? 0);
    expectListed(world, id);
  }
  await ended(world, id, "done", 600_000);
  expect(counts(world, id)).toEqual({ succeeded: NODES });
  expectListed(world, id);
  expect(nodes.view().commands).toBe(NODES);
  expect(world.faults).toEqual([]);

  // Each node refuses this one: the second wave passes the bound, and the third is never released.
  const bad = await order(world, {
    subject: "command.dance.floor",
    waves: "1,10%,50%,100%",
    max: ["failed=0,rejected=50:abort"],
    gate: "1%",
  });
  await ended(world, bad, "paused");
  await world.drive(world.daemon("central").operations.steerJob(bad, "promote"));
  await ended(world, bad, "aborted");
  await world.advance(20_000);
  world.crash("central");
  await world.start("central");
  await world.advance(20_000);
  expect(job(world, bad).state).toBe("aborted");
  expect(counts(world, bad)).toEqual({ rejected: 200, cancelled: 1_800 });
  expectListed(world, bad);
  await world.stop("central");
});
