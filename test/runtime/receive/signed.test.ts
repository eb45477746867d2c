import { expect, test } from "vitest";
import type { AskedBy } from "../../../src/message/message.ts";
import { falseCentral } from "../../harness/world/false-central.ts";
import { expectSound } from "../../harness/world/sound.ts";
import { audited, OperatorScene, WORK } from "../operate/operator-scene.ts";

const SIGNED = { subscribe: [{ subject: "command.work.os", from: ["central"], signed: true }] };

test("a command that an operator signed runs where the policy asks for it, and both ends name the operator", async () => {
  const scene = await OperatorScene.open({ ship1: SIGNED });
  const { world } = scene;
  const order = scene.signed("ann", WORK);
  const [accepted] = await scene.submit("ann", order);
  expect(accepted?.id).toBe(order.id);
  expect(await world.ended(order.id)).toMatchObject({ state: "succeeded", operator: "ann@central", signed: true });
  expect(world.message(order.id, "ship1")).toMatchObject({ operator: "ann@central" });
  const audit = await audited(world, "ship1", { what: "decision" });
  expect(audit).toContainEqual(expect.objectContaining({ by: "ann@central", signed: true, allowed: true }));
  expect(await audited(world, "central", { what: "submit" })).toContainEqual(
    expect.objectContaining({ by: "ann@central", ids: [order.id] }),
  );
  await expectSound(world);
});

test("without a signature central sends nothing there, whatever name it puts in", async () => {
  const scene = await OperatorScene.open({ ship1: SIGNED });
  const { world } = scene;
  const plain = await world.send(WORK);
  expect(await world.ended(plain)).toMatchObject({
    state: "rejected",
    reason: expect.stringMatching(
      /signed is true, and no operator whom this node knows has signed it \(steward.yaml:\d+\)/,
    ),
  });
  // Ann herself, by a session that has no key: her name alone is central's word.
  const [named] = await scene.submit("ann", { subject: WORK, data: {} });
  expect(await world.ended(named?.id ?? "")).toMatchObject({ state: "rejected", operator: "ann@central" });
  expect(await audited(world, "ship1", { refused: true })).toContainEqual(
    expect.objectContaining({ by: "central", says: "ann" }),
  );
  expect(world.ledger.runs).toEqual([]);
  await expectSound(world);
});

test("central in other hands forges no statement, moves none to another content or id, and uses none twice, also across a restart", async () => {
  const scene = await OperatorScene.open({ ship1: SIGNED }, { sealed: false });
  const { world } = scene;
  const [order, other] = [scene.signed("ann", WORK, { n: 1 }), scene.signed("ann", "ship2.command.work.os", { n: 1 })];
  const byAnn = (statement: AskedBy["statement"]): AskedBy => ({
    name: "ann",
    ...(statement === undefined ? {} : { statement }),
  });
  const { send, refused, ran } = await falseCentral(scene);
  const statement = order.statement as NonNullable<AskedBy["statement"]>;
  await send(order.id, { n: 2 }, byAnn(statement));
  await send("01K00000000000000000000000", { n: 1 }, byAnn(statement));
  await send(other.id, { n: 1 }, byAnn(other.statement));
  await send(order.id, { n: 1 }, { name: "bob", statement });
  await send(order.id, { n: 1 }, byAnn({ ...statement, signature: "A".repeat(86) }));
  expect(ran()).toEqual([]);
  expect(await refused()).toHaveLength(5);
  for (const why of await refused()) expect(why).toContain("it is not on this command, for this node");
  // Central can keep a command back and pass it on later, but not a second time.
  await send(order.id, { n: 1 }, byAnn(statement));
  expect(ran()).toEqual([order.id]);
  await send(order.id, { n: 1 }, byAnn(statement));
  expect((await refused()).at(-1)).toContain("it was used already: a command runs once");
  world.crash("ship1");
  await world.start("ship1");
  await send(order.id, { n: 1 }, byAnn(statement));
  expect((await refused()).at(-1)).toContain("it was used already: a command runs once");
  expect(ran()).toEqual([order.id]);
});

test("a statement whose time is over, and one of an operator who was removed, are refused", async () => {
  const scene = await OperatorScene.open({ ship1: SIGNED }, { sealed: false });
  const { world } = scene;
  const [late, gone] = [scene.signed("ann", WORK, {}, 60_000), scene.signed("bob", WORK)];
  const { send, refused, ran } = await falseCentral(scene);
  await world.advance(3_600_000);
  await send(late.id, {}, { name: "ann", statement: late.statement as NonNullable<AskedBy["statement"]> });
  expect((await refused()).at(-1)).toContain("it held until");
  scene.change("bob", { standing: "removed" });
  await send(gone.id, {}, { name: "bob", statement: gone.statement as NonNullable<AskedBy["statement"]> });
  expect((await refused()).at(-1)).toContain("bob is no operator any more");
  expect(ran()).toEqual([]);
});

test("a command that waits at its node is refused when its operator is removed before it begins", async () => {
  const scene = await OperatorScene.open({ ship1: SIGNED });
  const { world } = scene;
  const [first, second] = [scene.signed("ann", WORK, { ms: 5_000 }), scene.signed("bob", WORK)];
  await scene.submit("ann", first);
  await scene.submit("bob", second);
  await world.until(
    () => world.state(second.id) === "received" && world.state(first.id) === "running",
    "one runs, one waits",
  );
  scene.change("bob", { standing: "removed" });
  expect(await world.ended(second.id)).toMatchObject({
    state: "rejected",
    reason: expect.stringContaining("bob is no operator any more"),
  });
  expect(await world.ended(first.id)).toMatchObject({ state: "succeeded" });
  await expectSound(world);
});

test("central itself refuses a statement that does not fit, and an id that another message has or that is not new", async () => {
  const scene = await OperatorScene.open({ ship1: SIGNED });
  const { world } = scene;
  const order = scene.signed("ann", WORK);
  const refusal = async (name: string, changed: object): Promise<string> =>
    world.drive(
      scene
        .as(name)
        .submit([{ ...order, ...changed }])
        .then(
          () => "taken",
          (error: { code: string }) => error.code,
        ),
    );
  expect(await refusal("ann", { data: { other: 1 } })).toBe("command-signature");
  expect(await refusal("bob", {})).toBe("command-signature");
  expect(await refusal("ann", { id: "01K00000000000000000000000" })).toBe("command-signature");
  expect(await refusal("ann", { id: "01K00000000000000000000000", statement: undefined })).toBe("message-invalid");
  expect(await refusal("ann", { to: "ship1", subject: "command.work.os" })).toBe("message-invalid");
  expect(await refusal("ann", {})).toBe("taken");
  expect(await refusal("ann", {})).toBe("message-invalid");
  await world.ended(order.id);
});
