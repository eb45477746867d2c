import { expect, test } from "vitest";
import type { StewardError } from "../../../src/message/errors.ts";
import { expectSound } from "../../harness/world/sound.ts";
import { audited, OperatorScene, WORK } from "./operator-scene.ts";

const ALL = { subject: "command.work.*" };
const central = (...approvals: readonly object[]) => ({ central: { approvals: approvals as never } });

async function refusal(scene: OperatorScene, act: Promise<unknown>): Promise<string> {
  return scene.world.drive(
    act.then(
      () => "done",
      (error: StewardError) => error.code,
    ),
  );
}

test("a request that two must want is held, and goes when another operator approves it, once and with its statement", async () => {
  const scene = await OperatorScene.open({
    ...central(ALL),
    ship1: { subscribe: [{ subject: "command.work.os", signed: true }] },
  });
  const { world } = scene;
  const order = scene.signed("ann", WORK);
  const [accepted] = await scene.submit("ann", order);
  expect(accepted?.held).toContain("another operator than ann@central has to approve it");
  await world.advance(60_000);
  expect(world.message(order.id)).toMatchObject({
    state: "held",
    reason: expect.stringContaining("held (approval)"),
    operator: "ann@central",
  });
  const { id, nodes, operator } = scene.as("bob").approvals()[0] ?? {};
  expect([id, nodes, operator]).toEqual([order.id, ["ship1"], "ann@central"]);

  // Neither the one who asked, nor a nameless user of the socket.
  expect(await refusal(scene, scene.as("ann").approve(order.id))).toBe("approval-own");
  expect(await refusal(scene, world.daemon("central").operations.approve(order.id))).toBe("approval-unnamed");
  expect(world.state(order.id)).toBe("held");
  // A restart changes nothing.
  world.crash("central");
  await world.start("central");
  expect(await refusal(scene, scene.as("ann").approve(order.id))).toBe("approval-own");
  expect(await refusal(scene, scene.as("bob").approve(order.id.slice(0, 20)))).toBe("done");
  expect(await world.ended(order.id)).toMatchObject({ state: "succeeded", operator: "ann@central" });
  expect(await refusal(scene, scene.as("bob").approve(order.id))).toBe("approval-none");
  expect(world.ledger.runs).toHaveLength(1);
  expect(await audited(world, "central", { what: "approval" })).toContainEqual(
    expect.objectContaining({ by: "bob@central", operation: "approve", askedBy: "ann@central", ids: [order.id] }),
  );
  await expectSound(world);
});

test("a request ends when it is refused, when who asked takes it back, and at its deadline", async () => {
  const scene = await OperatorScene.open({ ...central(ALL), ship1: {} });
  const { world } = scene;
  const asked = async (deliverBy = 3_600_000): Promise<string> =>
    (await scene.submit("ann", { subject: WORK, data: {}, deliverBy }))[0]?.id ?? "";
  const [refused, taken, late] = [await asked(), await asked(), await asked(30_000)];
  expect(await refusal(scene, scene.as("bob").refuse(refused))).toBe("done");
  expect(world.message(refused)).toMatchObject({ state: "cancelled", reason: "bob@central refused it" });
  expect(await refusal(scene, scene.as("ann").cancel(taken))).toBe("done");
  expect(world.state(taken)).toBe("cancelled");
  await world.advance(31_000);
  expect(world.message(late)).toMatchObject({ state: "expired" });
  expect(await refusal(scene, scene.as("bob").approve(late))).toBe("approval-none");
  expect(scene.as("bob").approvals()).toEqual([]);
  expect(world.ledger.runs).toEqual([]);
  expect(world.faults).toEqual([]);
});

test("a rule counts the nodes of one request, and only those that it means; all its messages are decided on together", async () => {
  const scene = await OperatorScene.open({
    ...central({ ...ALL, on: "ship*", nodes: 2 }),
    ship1: {},
    ship2: {},
    tug: {},
  });
  const { world } = scene;
  const order = (to: string) => ({ to, subject: "command.work.os", data: {} });
  expect((await scene.submit("ann", order("ship1,tug"))).map(({ held }) => held)).toEqual([undefined, undefined]);
  const held = await scene.submit("ann", order("ship1,ship2,tug"));
  expect(held.map(({ id }) => world.state(id))).toEqual(["held", "held", "held"]);
  expect(await refusal(scene, scene.as("bob").approve(held[2]?.id ?? ""))).toBe("done");
  for (const { id } of held) expect(await world.ended(id)).toMatchObject({ state: "succeeded" });
  await expectSound(world);
});

test("nobody without a name asks for it, and one who was removed since gets nothing through", async () => {
  const scene = await OperatorScene.open({ ...central(ALL), ship1: {} });
  const { world } = scene;
  expect(await refusal(scene, world.daemon("central").operations.submit([{ subject: WORK, data: {} }]))).toBe(
    "approval-unnamed",
  );
  expect(() => world.daemon("central").operations.drafts([{ subject: WORK, data: {} }])).toThrow(/two people/);
  const job = { to: "ship1", subject: "command.work.os", data: {} };
  expect(await refusal(scene, world.daemon("central").operations.createJob(job))).toBe("approval-unnamed");
  const [asked] = await scene.submit("ann", { subject: WORK, data: {} });
  scene.change("ann", { standing: "removed" });
  expect(await refusal(scene, scene.as("bob").approve(asked?.id ?? ""))).toBe("approval-none");
  expect(await refusal(scene, scene.as("bob").refuse(asked?.id ?? ""))).toBe("done");
});
