import { expect, test } from "vitest";
import { expectSound, settled } from "../../harness/world/sound.ts";
import { createWorld } from "../../harness/world/world.ts";

const WORK = "command.work.os";

test("a node that leaves the fleet leaves no work, no hold and no label to a machine that gets its name", async () => {
  const world = await settled(await createWorld({ nodes: { central: {}, ship1: {}, ship2: {} } }));
  const { operations } = world.daemon("central");
  const order = { to: "ship1,ship2", subject: WORK, data: { n: 1 } };
  const waves = await world.drive(operations.createJob({ ...order, waves: "1,100%", soak: 600_000 }));
  const approval = await world.drive(operations.createJob({ ...order, approval: true }));
  await world.drive(operations.hold({ to: "ship2" }));
  await world.drive(operations.mute({ to: "ship2", endsAt: world.time.now() + 86_400_000 }));
  await world.drive(operations.label({ to: "ship2", labels: { class: "tug" } }));
  await world.stop("ship2");
  const waiting = await world.send(`ship2.${WORK}`, { n: 2 });
  const answer = await world.drive(operations.decide("ship2", "decommission", {}));
  expect(answer).toMatchObject({ withdrawn: 3, interrupted: 0 });
  expect(world.reason(waiting)).toBe("ship2 was decommissioned");
  for (const { id } of [waves, approval])
    expect(operations.job(id).counts).toMatchObject({ held: id === waves.id ? 0 : 1, cancelled: 1 });
  expect(operations.holds()).toEqual([]);
  expect(operations.mutes()).toEqual([]);
  await world.drive(operations.steerJob(approval.id, "approve"));
  world.loseDisk("ship2");
  await world.start("ship2");
  await world.until(() => world.node("ship2").link === "online", "the new machine is there");
  await world.advance(900_000);
  expect(world.ledger.runs.map(({ node }) => node)).toEqual(["ship1", "ship1"]);
  expect(operations.labels("ship2").list).toEqual([]);
  await expectSound(world);
});

test("a job that begins again and again gives no more work to the name of a node that left the fleet", async () => {
  const world = await settled(await createWorld({ nodes: { central: {}, ship1: {}, ship2: {} } }));
  const order = { to: "ship1,ship2", subject: WORK, data: { n: 1 }, every: "every 1h" };
  const job = await world.drive(world.daemon("central").operations.createJob(order));
  await world.stop("ship2");
  await world.drive(world.daemon("central").operations.decide("ship2", "decommission", {}));
  world.loseDisk("ship2");
  await world.start("ship2");
  await world.until(() => world.node("ship2").link === "online", "the new machine is there");
  world.crash("central");
  await world.start("central");
  await world.advance(2.5 * 3_600_000);
  expect(world.ledger.runs.map(({ node }) => node)).toEqual(["ship1", "ship1"]);
  expect(world.daemon("central").operations.job(job.id)).toMatchObject({
    state: "scheduled",
    counts: { cancelled: 1 },
  });
  await expectSound(world);
});

test("a node that was never heard, and for which messages are held, is known after a crash of central too", async () => {
  const world = await settled(await createWorld());
  const order = { to: "ship7", subject: WORK, data: {}, approval: true, knownNodesOnly: false } as const;
  await world.drive(world.daemon("central").operations.createJob(order));
  expect(world.node("ship7")).toMatchObject({ link: "neverSeen" });
  world.crash("central");
  await world.start("central");
  expect(world.node("ship7")).toMatchObject({ link: "neverSeen" });
});

test("decommission refuses a name that no node has, the management station itself, and another place than that", async () => {
  const world = await settled(await createWorld());
  const decommission = (at: string, node: string) =>
    world.drive(world.daemon(at).operations.decide(node, "decommission", {}));
  await expect(decommission("central", "shipl")).rejects.toMatchObject({
    code: "node-unknown",
    message: expect.stringContaining("did you mean ship1?"),
  });
  await expect(decommission("central", "central")).rejects.toMatchObject({ code: "usage" });
  await expect(decommission("ship1", "central")).rejects.toMatchObject({ code: "not-central" });
});
