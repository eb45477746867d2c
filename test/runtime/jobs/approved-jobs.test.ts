import { expect, test } from "vitest";
import type { StewardError } from "../../../src/message/errors.ts";
import { expectSound } from "../../harness/world/sound.ts";
import { audited, OperatorScene } from "../operate/operator-scene.ts";
import { ended, job, lists, note } from "./scene.ts";

const RULE = { subject: "command.work.*", on: "ship*", nodes: 2 };
const NODES = { central: { approvals: [RULE] as never }, ship1: {}, ship2: {}, tug: {} };
const ORDER = { to: "ship1,ship2", subject: "command.work.os", data: {} };

async function refusal(scene: OperatorScene, act: Promise<unknown>): Promise<string> {
  return scene.world.drive(
    act.then(
      () => "done",
      (error: StewardError) => error.code,
    ),
  );
}

async function ordered(scene: OperatorScene, more: object = {}): Promise<string> {
  const { id } = await scene.world.drive(scene.as("ann").createJob({ ...ORDER, ...more }));
  note(scene.world, id);
  return id;
}

test("a job that a rule of approvals names waits until another operator approves it, by either command", async () => {
  const scene = await OperatorScene.open(NODES);
  const { world } = scene;
  const free = await ordered(scene, { to: "ship1,tug" });
  await ended(world, free, "done");
  const id = await ordered(scene, { waves: "1,100%" });
  await world.advance(60_000);
  expect(job(world, id)).toMatchObject({ state: "awaitingApproval", counts: { held: 2 } });
  expect(scene.as("bob").approvals()).toMatchObject([{ id, operator: "ann@central", nodes: ["ship1", "ship2"] }]);
  // Neither whoever ordered it, nor the users of the socket, who have no names.
  const nameless = world.daemon("central").operations;
  expect(await refusal(scene, scene.as("ann").steerJob(id, "approve"))).toBe("approval-own");
  expect(await refusal(scene, scene.as("ann").approve(id))).toBe("approval-own");
  expect(await refusal(scene, nameless.steerJob(id, "approve"))).toBe("approval-unnamed");
  expect(await refusal(scene, nameless.approve(id))).toBe("approval-unnamed");
  world.crash("central");
  await world.start("central");
  expect(await refusal(scene, scene.as("ann").approve(id.slice(0, 20)))).toBe("approval-own");
  expect(await refusal(scene, scene.as("bob").approve(id.slice(0, 20)))).toBe("done");
  await ended(world, id, "done");
  expect(lists(world, id)).toEqual({ succeeded: ["ship1", "ship2"] });
  expect(await audited(world, "central", { what: "approval" })).toContainEqual(
    expect.objectContaining({ by: "bob@central", operation: "approve", askedBy: "ann@central", ids: [id] }),
  );
  const other = await ordered(scene);
  expect(await refusal(scene, scene.as("bob").steerJob(other, "approve"))).toBe("done");
  await ended(world, other, "done");
  const refused = await ordered(scene);
  expect(await refusal(scene, scene.as("bob").refuse(refused))).toBe("done");
  expect(job(world, refused)).toMatchObject({ state: "cancelled" });
  expect(scene.as("bob").approvals()).toEqual([]);
  await expectSound(world);
});

test("another attempt of a job waits for its own approval, by another operator than the one who asks for it", async () => {
  const scene = await OperatorScene.open(NODES);
  const { world } = scene;
  const id = await ordered(scene, { data: { do: "fail" } });
  await world.drive(scene.as("bob").approve(id));
  await ended(world, id, "doneWithFailures");
  expect(await refusal(scene, world.daemon("central").operations.retryJob(id, { of: "failed" }))).toBe(
    "approval-unnamed",
  );
  await world.drive(scene.as("bob").retryJob(id, { of: "failed" }));
  note(world, id);
  await world.advance(10_000);
  expect(job(world, id)).toMatchObject({ state: "awaitingApproval" });
  expect(world.ledger.runs).toHaveLength(2);
  expect(await refusal(scene, scene.as("bob").approve(id))).toBe("approval-own");
  expect(await refusal(scene, scene.as("ann").approve(id))).toBe("done");
  await ended(world, id, "doneWithFailures");
  expect(world.ledger.runs).toHaveLength(4);
  await expectSound(world);
});

test("a job with a schedule is approved once for all of its times, and a draft when it is begun", async () => {
  const scene = await OperatorScene.open(NODES);
  const { world } = scene;
  const id = await ordered(scene, { every: "*/2 * * * *", draft: true });
  expect(job(world, id)).toMatchObject({ state: "draft" });
  expect(await refusal(scene, world.daemon("central").operations.steerJob(id, "start"))).toBe("done");
  expect(job(world, id)).toMatchObject({ state: "awaitingApproval" });
  await world.advance(5 * 60_000);
  expect(world.ledger.runs).toEqual([]);
  await world.drive(scene.as("bob").approve(id));
  await world.until(() => world.ledger.runs.length === 4, "two times of the schedule", 8 * 60_000);
  await world.drive(scene.as("ann").steerJob(id, "cancel"));
});

test("a job that gives nodes a schedule is held to the rule, and to the bounds, of what the schedule runs", async () => {
  const scene = await OperatorScene.open(NODES);
  const data = {
    name: "nightly",
    set: { every: "every day at 02:00", missed: "skip", subject: "command.work.os", data: {} },
  };
  const id = await ordered(scene, { subject: "command.schedule.steward", data });
  expect(job(scene.world, id)).toMatchObject({ state: "awaitingApproval" });
  await scene.world.drive(scene.as("ann").steerJob(id, "cancel"));
  scene.change("ann", { methods: ["schedule"] });
  expect(
    await refusal(
      scene,
      scene.as("ann").createJob({ ...ORDER, to: "ship1", subject: "command.schedule.steward", data }),
    ),
  ).toBe("reach-denied");
});

test("nobody approves a job whose operator was removed since", async () => {
  const scene = await OperatorScene.open(NODES);
  const id = await ordered(scene);
  scene.change("ann", { standing: "removed" });
  expect(await refusal(scene, scene.as("bob").approve(id))).toBe("approval-none");
  expect(await refusal(scene, scene.as("bob").steerJob(id, "approve"))).toBe("approval-none");
});
