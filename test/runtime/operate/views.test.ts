import { expect, test } from "vitest";
import { expectSound, settled } from "../../harness/world/sound.ts";
import { createWorld } from "../../harness/world/world.ts";

const WORK = "ship1.command.work.os";

test("a cancel of what is only sent does not claim that its node has it", async () => {
  const world = await settled(await createWorld());
  world.freeze("ship1");
  const id = await world.send(WORK, {}, { deliverBy: null });
  await world.until(() => world.state(id) === "sent", "it is sent");
  expect(await world.drive(world.daemon("central").operations.cancel(id))).toMatchObject({
    kind: "requested",
    reason: expect.stringContaining("ship1 may not have the message yet"),
  });
  world.thaw("ship1");
  expect(await world.ended(id)).toMatchObject({ final: true });
  await expectSound(world);
});

test("a deadline that passes while central has no broker is not blamed on the node", async () => {
  const world = await settled(await createWorld());
  world.cut("central");
  const id = await world.send(WORK, {}, { deliverBy: 5_000 });
  await world.advance(6_000);
  expect(world.message(id)).toMatchObject({
    state: "expired",
    reason: "not delivered before its deadline: central, where it waits, had no broker",
  });
  world.heal("central");
  await expectSound(world);
});

test("a command for central itself needs no broker: it runs, and nobody calls it away, unknown or late", async () => {
  const work = "command.work.os";
  const world = await settled(await createWorld({ nodes: { central: { subscribe: [{ subject: work }] }, ship1: {} } }));
  world.cut("central");
  await world.until(() => world.node("central").link === "offline", "central has no broker");
  const { operations } = world.daemon("central");
  const order = { subject: `central.${work}`, data: { ms: 5_000 } };
  const [first, waits] = await world.drive(operations.submit([order, order, { subject: WORK, data: {} }]));
  expect(first).toMatchObject({ link: "online", here: true });
  expect(first).not.toHaveProperty("broker");
  const id = first?.id ?? "";
  await world.until(() => world.state(id) === "running", "it runs");
  expect(world.message(waits?.id ?? "")).toMatchObject({
    state: "received",
    reason: `waits for ${id} (concurrency 1)`,
  });
  const ended = await world.ended(id);
  expect(ended).toMatchObject({ state: "succeeded" });
  expect(ended.history.map(({ state }) => state)).not.toContain("unknown");
  const job = await world.drive(operations.createJob({ to: "central", subject: work, data: {}, ifAway: "skip" }));
  await world.until(() => operations.job(job.id).state === "done", "the job is over");
  expect(operations.job(job.id).counts).toMatchObject({ succeeded: 1 });
  world.heal("central");
  await world.allEnded();
  await expectSound(world);
});

test("nobody waits for what was cancelled before it was sent: it is in no count and no age, also after a crash", async () => {
  const world = await createWorld();
  await world.start("central");
  const ids = await world.submit([1, 2, 3, 4].map((n) => ({ subject: WORK, data: { n }, deliverBy: null })));
  await world.advance(5_000);
  const last = await world.send(WORK, { n: 5 }, { deliverBy: null });
  const { operations } = world.daemon("central");
  for (const id of ids) await world.drive(operations.cancel(id));
  expect(world.node("ship1")).toMatchObject({ waiting: 1, oldestCreatedAt: world.time.now() });
  await world.drive(operations.cancel(last));
  expect(world.node("ship1")).toMatchObject({ waiting: 0, oldestCreatedAt: null });
  world.crash("central");
  await world.start("central");
  expect(world.node("ship1")).toMatchObject({
    waiting: 0,
    oldestCreatedAt: null,
    lanes: [{ waiting: 0, oldestCreatedAt: null }],
  });
  await world.start("ship1");
  await world.drained();
  const next = await world.send(WORK, { n: 6 });
  expect(await world.ended(next)).toMatchObject({ state: "succeeded" });
  expect(world.node("ship1")).toMatchObject({ waiting: 0 });
  await expectSound(world);
});

test("after a crash of central it is still known when each node was last seen, and that it was not heard since", async () => {
  const world = await settled(await createWorld());
  await world.advance(39 * 60_000);
  world.crash("central");
  world.cut("ship1");
  await world.start("central");
  const { lastSeenAt, link, unheard } = world.node("ship1");
  // Noted once a minute, and at each orderly stop.
  expect(world.time.now() - (lastSeenAt ?? 0)).toBeLessThan(75_000);
  expect({ link, unheard }).toEqual({ link: "online", unheard: true });
  world.heal("ship1");
  await world.advance(1_000);
  expect(world.node("ship1").unheard).toBeUndefined();
});

test("a command that waits for others of its subject says for which, and how many run at once", async () => {
  const world = await settled(await createWorld());
  const first = await world.send(WORK, { ms: 5_000 });
  const second = await world.send(WORK, {});
  await world.until(() => world.state(second) === "received", "it waits");
  expect(world.reason(second)).toBe(`waits for ${first} (concurrency 1)`);
  await world.allEnded();
  expect(world.message(second).reason).toBeUndefined();
  await expectSound(world);
});

test("a command whose subscription was removed while it waited says so, on its node and at its origin", async () => {
  const world = await settled(await createWorld());
  await world.send(WORK, { ms: 2_000 });
  const id = await world.send(WORK, {}, { deliverBy: null });
  await world.until(() => world.state(id) === "received", "it waits");
  await world.reload("ship1", { subscribe: [{ subject: "event.note.news" }] });
  const gone = "ship1 takes nothing on ship1.command.work.os any more: its subscription is gone";
  expect(world.reason(id, "ship1")).toBe(gone);
  await world.advance(11_000);
  expect(world.message(id)).toMatchObject({ state: "received", reason: gone });
  world.crash("ship1");
  await world.start("ship1");
  await world.advance(61_000);
  expect(world.message(id)).toMatchObject({ state: "received", reason: gone });
  await world.reload("ship1", { subscribe: [{ subject: "command.work.os" }] });
  expect(await world.ended(id)).toMatchObject({ state: "succeeded" });
});
