import { expect, test } from "vitest";
import { expectSound, settled } from "../../harness/world/sound.ts";
import { createWorld } from "../../harness/world/world.ts";

const WORK = "ship1.command.work.os";

test("a command to a node that was never seen waits and says why, and goes out once, at the node's first hello", async () => {
  const world = await createWorld();
  await world.start("central");
  const id = await world.send(WORK, { n: 1 });
  await world.advance(600_000);
  expect(world.message(id)).toMatchObject({ state: "queued", reason: "ship1 was never seen", final: false });
  expect(world.node("ship1")).toMatchObject({ link: "neverSeen", waiting: 1 });
  expect(world.time.now() - (world.node("ship1").oldestCreatedAt ?? 0)).toBeGreaterThanOrEqual(600_000);
  await world.start("ship1");
  expect(await world.ended(id, "central", 3_000)).toMatchObject({ state: "succeeded" });
  await expectSound(world);
});

test("a node that said bye is offline; its commands wait with that reason and go out when it is back", async () => {
  const world = await settled(await createWorld());
  await world.stop("ship1");
  expect(world.node("ship1")).toMatchObject({ link: "offline", cause: "bye: it was stopped" });
  const ids = await world.submit([1, 2, 3].map((n) => ({ subject: WORK, data: { n } })));
  await world.advance(3_600_000);
  expect(ids.map((id) => world.message(id).state)).toEqual(["queued", "queued", "queued"]);
  expect(world.reason(ids[0] ?? "")).toBe("ship1 is offline");
  await world.start("ship1");
  await world.ended(ids[2] ?? "", "central", 3_000);
  expect(world.ledger.runs.map(({ n }) => n)).toEqual([1, 2, 3]);
  await expectSound(world);
});

test.each([4, 9, 18, 33])(
  "a node that was killed and comes back %i s later gets what waits at its first sign of life, not a backoff later",
  async (s) => {
    const world = await settled(await createWorld());
    world.crash("ship1");
    const id = await world.send(WORK, { n: 1 });
    await world.advance(s * 1_000);
    expect(world.node("ship1").link).toBe("late");
    await world.start("ship1");
    expect(await world.ended(id, "central", 200)).toMatchObject({ state: "succeeded" });
    await expectSound(world);
  },
);

test("what waits for an away node survives restarts of central, graceful and not", async () => {
  const world = await createWorld();
  await world.start("central");
  const first = await world.send(WORK, { n: 1 });
  await world.stop("central");
  await world.start("central");
  const second = await world.send(WORK, { n: 2 });
  world.crash("central");
  await world.start("central");
  expect([first, second].map((id) => world.state(id))).toEqual(["queued", "queued"]);
  await world.start("ship1");
  await world.ended(second);
  expect(world.ledger.runs.map(({ n }) => n)).toEqual([1, 2]);
  await expectSound(world);
});

test("deliverBy passes while the node is away: the command expires in time, never runs, and the lane goes on", async () => {
  const world = await createWorld();
  await world.start("central");
  const [late = "", next = ""] = await world.submit([
    { subject: WORK, data: { n: 1 }, deliverBy: 30_000 },
    { subject: WORK, data: { n: 2 }, deliverBy: null },
  ]);
  await world.advance(29_900);
  expect(world.state(late)).toBe("queued");
  await world.advance(200);
  expect(world.message(late)).toMatchObject({
    state: "expired",
    final: true,
    reason: "not delivered before its deadline: ship1 was away",
  });
  await world.start("ship1");
  expect(await world.ended(next)).toMatchObject({ state: "succeeded" });
  expect(world.ledger.runs.map(({ n }) => n)).toEqual([2]);
  expect(world.message(late).history.map(({ state, by }) => `${state} ${by}`)).toEqual([
    "queued central",
    "expired central",
  ]);
  expect(await world.count("central", "steward_outcomes_total", "expired")).toBe(1);
  await expectSound(world);
});

test("a deadline that passes while central itself is down is kept when it comes back", async () => {
  const world = await createWorld();
  await world.start("central");
  const late = await world.send(WORK, { n: 1 }, { deliverBy: 30_000 });
  await world.stop("central");
  await world.advance(60_000);
  await world.start("central", "ship1");
  expect(await world.ended(late)).toMatchObject({ state: "expired" });
  expect(world.ledger.runs).toEqual([]);
  await expectSound(world);
});

test("a deadline that passes while the command waits on its node ends it there", async () => {
  const world = await settled(await createWorld());
  const busy = await world.send(WORK, { n: 1, ms: 30_000 });
  const late = await world.send(WORK, { n: 2 }, { deliverBy: 10_000 });
  await world.until(() => world.state(late) === "received", "it waits on the node");
  expect(await world.ended(late)).toMatchObject({
    state: "expired",
    reason: "its deadline passed while it waited on the node",
  });
  expect(world.state(busy)).toBe("succeeded");
  expect(world.ledger.runs.map(({ n }) => n)).toEqual([1]);
  await expectSound(world);
});

test("the node measures a deadline by its own clock from when the frame was sealed, however wrong that clock is", async () => {
  const world = await createWorld();
  world.setClock("ship1", 10 * 365 * 86_400_000);
  await settled(world);
  const fresh = await world.send(WORK, { n: 1 }, { deliverBy: 5_000 });
  expect(await world.ended(fresh)).toMatchObject({ state: "succeeded" });
  expect(world.node("ship1").clockSkew).toBeGreaterThan(86_400_000);
  await expectSound(world);
});

test("a command that was on its way when the node went away, and whose deadline passed, is decided by the node alone", async () => {
  const world = await settled(await createWorld());
  world.setFaults("ship1", { in: { drop: 1 } });
  const lost = await world.send(WORK, { n: 1 }, { deliverBy: 20_000 });
  await world.advance(30_000);
  expect(world.message(lost)).toMatchObject({ state: "sent", final: false });
  world.setFaults("ship1", {});
  expect(await world.ended(lost)).toMatchObject({ state: "expired" });
  expect(world.message(lost).history.at(-1)).toMatchObject({ state: "expired", by: "ship1" });
  expect(world.ledger.runs).toEqual([]);
  await expectSound(world);
});

test("nobody is told of an expiry that is not durable: a crash would take it back", async () => {
  const world = await createWorld();
  await world.start("central");
  const id = await world.send(WORK, {}, { deliverBy: 5_000 });
  await world.advance(4_990);
  world.setFlush("central", 1_000);
  await world.advance(500);
  expect(world.finals.get(id)).toBeUndefined();
  world.crash("central");
  world.setFlush("central", 0);
  await world.start("central");
  await world.advance(1_000);
  expect(world.finals.get(id)).toEqual(["expired"]);
  await expectSound(world);
});
