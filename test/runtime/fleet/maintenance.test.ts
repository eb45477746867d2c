import { expect, test } from "vitest";
import type { HoldOrder, HoldView } from "../../../src/runtime/operate/table/maintenance.ts";
import { expectSound, settled } from "../../harness/world/sound.ts";
import { createWorld, type World } from "../../harness/world/world.ts";

const WORK = "ship1.command.work.os";
/** An hour of this world, ms. */
const HOUR = 300_000;

const central = (world: World) => world.daemon("central").operations;
const hold = (world: World, order: Partial<HoldOrder> = {}): Promise<HoldView[]> =>
  world.drive(central(world).hold({ to: "ship1", ...order }));
const release = (world: World, to = "ship1") => world.drive(central(world).unhold({ to }));

test("a node that is held gets nothing until its hold ends by itself; nothing fails, and all of it is shown", async () => {
  const world = await settled(await createWorld({ nodes: { ship1: {}, ship2: {} } }));
  const endsAt = Math.ceil(world.time.now() / 1_000) * 1_000 + 6 * HOUR;
  await hold(world, { endsAt, note: "dry dock" });
  const [held = ""] = await world.submit({ subject: WORK, data: { n: 1 } });
  const [other = ""] = await world.submit({ subject: "ship2.command.work.os", data: { n: 2 } });
  await world.advance(2 * HOUR);
  expect(world.state(other)).toBe("succeeded");
  const until = new Date(endsAt).toISOString().replace(".000Z", "Z");
  expect(world.message(held)).toMatchObject({ state: "held", reason: `maintenance until ${until}: dry dock` });
  expect(central(world).messages({ state: "held" })).toMatchObject([{ id: held, final: false }]);
  expect(central(world).messages({ open: true })).toMatchObject([{ id: held }]);
  expect(world.node("ship1")).toMatchObject({
    link: "online",
    hold: { endsAt, note: "dry dock", by: "central" },
    waiting: 1,
  });
  expect(world.node("ship1").lanes).toMatchObject([{ subject: WORK, reason: `maintenance until ${until}: dry dock` }]);
  expect(central(world).holds()).toMatchObject([{ node: "ship1", endsAt, waiting: 1, underWay: 0 }]);
  expect(central(world).health()).toMatchObject({ ok: true, held: [{ node: "ship1", endsAt }] });
  expect(await world.count("central", "steward_node_held", 'node="ship1"')).toBe(1);
  const { processes } = await world.drive(central(world).processes());
  expect(processes).toContainEqual(
    expect.objectContaining({ subject: WORK, state: "paused", held: `maintenance until ${until}: dry dock` }),
  );
  await world.advance(4 * HOUR + 1_000);
  expect(await world.ended(held)).toMatchObject({ state: "succeeded" });
  expect(world.node("ship1").hold).toBeUndefined();
  expect(central(world).health().held).toBeUndefined();
  await expectSound(world);
});

test("the deadline that is shown is that of a message which waits, whatever was sent before", async () => {
  const world = await settled(await createWorld());
  const early = await world.send(WORK, { n: 1 }, { deliverBy: HOUR });
  await world.ended(early);
  await hold(world);
  const id = await world.send(WORK, { n: 2 }, { deliverBy: 6 * HOUR });
  expect(central(world).holds()[0]?.nextDeliverBy).toBe(world.message(id).deliverBy);
  expect(world.node("ship1").lanes).toMatchObject([{ nextDeliverBy: world.message(id).deliverBy }]);
});

test("deadlines count during maintenance, and the message says why it expired", async () => {
  const world = await settled(await createWorld());
  const [view] = await hold(world);
  expect(view).toMatchObject({ endsAt: null, waiting: 0, nextDeliverBy: null });
  const id = await world.send(WORK, { n: 1 }, { deliverBy: HOUR });
  await world.advance(1_000);
  expect(central(world).holds()[0]?.nextDeliverBy).toBe(world.message(id).deliverBy);
  await world.advance(HOUR);
  expect(world.message(id)).toMatchObject({
    state: "expired",
    reason: "not delivered before its deadline: ship1 was held (maintenance until it is released)",
  });
  expect(world.ledger.runs).toEqual([]);
  await release(world);
  await expectSound(world);
});

test("commands that a node has go on and can be cancelled, and what was sent is said to be under way", async () => {
  const world = await settled(await createWorld());
  world.setFaults("ship1", { out: { drop: 1 } });
  const sent = await world.send(WORK, { n: 1 });
  await world.until(() => world.state(sent) === "sent", "it is on the way");
  const [view] = await hold(world);
  expect(view).toMatchObject({ underWay: 1 });
  expect(world.message(sent).reason).toMatch(
    /^maintenance until it is released; it was sent before, and may have arrived/,
  );
  const waits = await world.send(WORK, { n: 2 });
  expect(await world.drive(central(world).cancel(waits))).toMatchObject({ kind: "done" });
  world.setFaults("ship1", {});
  await world.advance(HOUR);
  expect(await release(world)).toEqual(["ship1"]);
  expect(await world.ended(sent)).toMatchObject({ state: "succeeded" });
  expect(world.state(waits)).toBe("cancelled");
  await expectSound(world);
});

test("a hold outlives central, and the absence of its node and of the broker", async () => {
  const world = await settled(await createWorld());
  await hold(world);
  const id = await world.send(WORK, { n: 1 });
  world.crash("central");
  await world.start("central");
  world.broker.down();
  await world.advance(20_000);
  world.broker.up();
  await world.stop("ship1");
  await world.advance(20_000);
  await world.start("ship1");
  await world.advance(60_000);
  expect(world.node("ship1")).toMatchObject({ link: "online", hold: { by: "central" } });
  expect(world.message(id)).toMatchObject({ state: "held", attempts: 0 });
  expect(world.ledger.runs).toEqual([]);
  await release(world);
  expect(await world.ended(id)).toMatchObject({ state: "succeeded" });
  expect(await release(world)).toEqual([]);
  await expectSound(world);
});

test("a hold whose end passes while central is down ends when central is back, and a clock that is set back does not end one", async () => {
  const world = await settled(await createWorld());
  await hold(world, { endsAt: world.time.now() + HOUR });
  const id = await world.send(WORK, { n: 1 });
  await world.advance(HOUR / 2);
  world.setClock("central", -2 * HOUR);
  await world.advance(HOUR);
  expect(world.state(id)).toBe("held");
  world.setClock("central", 0);
  world.crash("central");
  await world.advance(HOUR);
  await world.start("central");
  expect(await world.ended(id)).toMatchObject({ state: "succeeded" });
  expect(central(world).holds()).toEqual([]);
  await expectSound(world);
});

test("a hold that is not right holds no node, and only central holds", async () => {
  const world = await settled(await createWorld({ nodes: { ship1: {}, ship2: {} } }));
  const refused = (order: HoldOrder, at = "central") =>
    world.drive(world.daemon(at).operations.hold(order)).catch((error) => `${error.code}: ${error.message}`);
  expect(await refused({ to: "ship1", endsAt: 5 })).toMatch(
    /^hold-invalid: .*its end, 1970-01-01T00:00:00.005Z, is over/,
  );
  expect(await refused({ to: "ship1,central" })).toMatch(/central is the node that delivers/);
  expect(await refused({ to: "ship1" }, "ship1")).toMatch(/nodes are held at central/);
  expect(await refused({ to: "class=tanker" })).toMatch(/^target-invalid: .*no node has a label or a fact class/);
  expect(central(world).holds()).toEqual([]);
  expect(await hold(world, { to: "ship*" })).toHaveLength(2);
  expect(await release(world, "all")).toEqual(["ship1", "ship2"]);
  const operations = await world.drive(central(world).audit({ what: "operation" }));
  const done = operations.flatMap(({ operation, nodes }) =>
    Array.isArray(nodes) && nodes.length === 2 ? [operation] : [],
  );
  expect(done).toEqual(["hold for maintenance", "release from maintenance"]);
});

test("a name that no node has is refused, by whichever way it is asked for", async () => {
  const world = await settled(await createWorld({ nodes: { ship1: {} } }));
  const slip = { code: "node-unknown", details: { node: "shpi1 (did you mean ship1?)" } };
  const operations = central(world);
  expect(() => operations.messages({ node: "shpi1" })).toThrow(expect.objectContaining(slip));
  for (const asked of [
    () => operations.unhold({ to: "shpi1" }),
    () => operations.unmute({ to: "shpi1" }),
    () => operations.logs({ node: "shpi1" }),
    () => operations.searchLogs({ node: "shpi1" }),
  ])
    await expect(asked()).rejects.toMatchObject(slip);
  expect(operations.messages({ node: "ship1" })).toEqual([]);
  expect(await operations.logs({ node: "ship1" })).toEqual([]);
});
