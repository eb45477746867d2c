import { expect, test } from "vitest";
import { expectSound, settled } from "../../harness/world/sound.ts";
import { createWorld, type World } from "../../harness/world/world.ts";

const WORK = "ship1.command.work.os";

const links = (world: World, name = "ship1"): string[] =>
  world
    .happenings("central", "node")
    .filter((change) => change.name === name && change.region === "link")
    .map(({ to }) => to);

test("a silent node is late after 2.5 hellos and offline after 6, by the configured interval; the first sign of life brings it back", async () => {
  const world = await settled(await createWorld({ nodes: { central: { hello: "4s" }, ship1: { hello: "4s" } } }));
  await world.advance(8_000);
  world.setFaults("ship1", { out: { drop: 1 } });
  const silentFrom = world.node("ship1").lastSeenAt ?? 0;
  await world.until(() => world.node("ship1").link === "late", "it is late");
  const lateAfter = world.time.now() - silentFrom;
  await world.until(() => world.node("ship1").link === "offline", "it is offline");
  const offlineAfter = world.time.now() - silentFrom;
  expect(lateAfter).toBeGreaterThanOrEqual(10_000);
  expect(lateAfter).toBeLessThan(10_500);
  expect(offlineAfter).toBeGreaterThanOrEqual(24_000);
  expect(offlineAfter).toBeLessThan(24_500);
  world.setFaults("ship1", {});
  await world.until(() => world.node("ship1").link === "online", "it is back", 4_100);
  expect(links(world)).toEqual(["online", "late", "offline", "online"]);
});

test("a hello that a frozen node left in its link does not bring the node back when the link passes it on", async () => {
  const world = await settled(await createWorld());
  await world.advance(20_000);
  world.setFaults("ship1", { out: { delay: 85_000 } });
  await world.advance(11_000);
  world.freeze("ship1");
  await world.until(() => world.node("ship1").link === "offline", "it is offline");
  await world.advance(60_000);
  expect(world.node("ship1").link).toBe("offline");
  expect(links(world)).toEqual(["online", "late", "offline"]);
  expect(await world.count("central", "steward_refused_total", "frame-outdated")).toBe(1);
  world.thaw("ship1");
  world.setFaults("ship1", {});
  await world.until(() => world.node("ship1").link === "online", "it is back", 30_000);
});

test("commands that an offline node has are unknown, and what they were when it speaks again", async () => {
  const world = await settled(await createWorld());
  const running = await world.send(WORK, { n: 1, ms: 300_000 }, { timeout: 600_000 });
  const waiting = await world.send(WORK, { n: 2 });
  await world.until(() => world.state(running) === "running" && world.state(waiting) === "received", "both are there");
  world.cut("ship1");
  await world.until(() => world.node("ship1").link === "offline", "it is offline");
  expect([running, waiting].map((id) => world.state(id))).toEqual(["unknown", "unknown"]);
  expect(world.reason(running)).toBe("ship1 is offline: what became of it is not known yet");
  const told = world.happenings("central", "message").filter(({ id }) => id === running);
  expect(told.at(-1)).toMatchObject({ state: "unknown" });
  world.heal("ship1");
  await world.until(() => world.node("ship1").link === "online", "it is back");
  expect([running, waiting].map((id) => world.state(id))).toEqual(["running", "received"]);
  await world.ended(waiting, "central", 600_000);
  await expectSound(world);
});

test("central restarted: nobody is called late or offline before a full grace period", async () => {
  const world = await settled(await createWorld());
  world.crash("central");
  // Away for longer than the grace period, so that what is in the journal is old.
  await world.advance(300_000);
  world.setFaults("ship1", { out: { drop: 1 } });
  await world.start("central");
  const started = world.time.now();
  expect(world.node("ship1").link).toBe("online");
  await world.until(() => world.node("ship1").link === "offline", "it is offline");
  expect(world.time.now() - started).toBeGreaterThanOrEqual(60_000);
  world.setFaults("ship1", {});
  await world.until(() => world.node("ship1").link === "online", "it is back");
});

test("central restarted among nodes that are there: none of them changes", async () => {
  const world = await settled(await createWorld({ nodes: { ship1: {}, ship2: {} } }));
  await world.stop("central");
  await world.advance(120_000);
  await world.start("central");
  await world.advance(120_000);
  expect([links(world), links(world, "ship2")]).toEqual([["online"], ["online"]]);
  expect(["ship1", "ship2"].map((name) => world.node(name).link)).toEqual(["online", "online"]);
});

test("while central has no broker nobody is called offline; when it is back everyone has a full grace period", async () => {
  const world = await settled(await createWorld());
  world.cut("central");
  await world.advance(600_000);
  expect(world.node("ship1").link).toBe("late");
  expect(world.node("central").link).toBe("offline");
  world.heal("central");
  await world.advance(11_000);
  expect(world.node("ship1").link).toBe("online");
  expect(links(world)).not.toContain("offline");
});

test("a graceful stop says bye: the node is offline at once, with the reason, and no alarm", async () => {
  const world = await settled(await createWorld());
  await world.stop("ship1");
  expect(world.node("ship1")).toMatchObject({ link: "offline", cause: "bye: it was stopped", session: "none" });
  await world.advance(300_000);
  expect(links(world)).toEqual(["online", "offline"]);
  await world.start("ship1");
  await world.advance(1_000);
  expect(world.node("ship1")).toMatchObject({ link: "online", session: "live" });
});

test("a node that was killed is late when the broker has nobody for it, offline when its time is over", async () => {
  const world = await settled(await createWorld());
  world.crash("ship1");
  await world.advance(1_000);
  expect(world.node("ship1").link).toBe("online");
  await world.send(WORK);
  await world.advance(1_000);
  expect(world.node("ship1")).toMatchObject({ link: "late", cause: "not subscribed at the broker" });
  await world.until(() => world.node("ship1").link === "offline", "it is offline");
  await world.start("ship1");
  await expectSound(world);
});

test("a new epoch is an alert, a restart is none", async () => {
  const world = await settled(await createWorld());
  await world.ended(await world.send(WORK));
  world.crash("ship1");
  await world.start("ship1");
  await world.ended(await world.send(WORK));
  expect(world.alerts()).not.toContain("new-epoch");
  await world.stop("ship1");
  world.loseDisk("ship1");
  await world.start("ship1");
  await world.ended(await world.send(WORK));
  await world.advance(60_000);
  expect(world.alerts().filter((code) => code === "new-epoch")).toHaveLength(1);
});

test("a node's clock that is wrong is shown, and its link is judged by time that passes", async () => {
  const world = await createWorld();
  world.setClock("ship1", -86_400_000);
  await settled(world);
  expect(world.node("ship1").clockSkew).toBeLessThan(-86_000_000);
  world.setClock("ship1", 10 * 365 * 86_400_000);
  await world.advance(60_000);
  expect(world.node("ship1")).toMatchObject({ link: "online" });
  world.setClock("central", 86_400_000);
  await world.advance(60_000);
  expect(links(world)).toEqual(["online"]);
  const id = await world.send(WORK, {}, { deliverBy: 5_000 });
  expect(await world.ended(id)).toMatchObject({ state: "succeeded" });
});

test("sixty nodes that come back in the same second all get what waits for them, and nobody is called offline", async () => {
  const names = Array.from({ length: 60 }, (_, i) => `n${i}`);
  const world = await settled(await createWorld({ nodes: Object.fromEntries(names.map((name) => [name, {}])) }));
  world.broker.down();
  for (const name of names) await world.send(`${name}.command.work.os`);
  await world.advance(30_000);
  world.broker.up();
  await world.allEnded();
  for (const name of names) expect(links(world, name)).not.toContain("offline");
  await expectSound(world);
});

test("two edges that have nothing to say to each other for long are not parted by it: the outcome of a long command comes home", async () => {
  const subscribe = [{ subject: "command.work.os", from: ["ship2"] }];
  const world = await settled(await createWorld({ nodes: { central: {}, ship1: { subscribe }, ship2: {} } }));
  const id = await world.send(WORK, { n: 1, ms: 600_000 }, { timeout: 900_000 }, "ship2");
  await world.until(() => world.state(id, "ship2") === "running", "it runs");
  await world.advance(500_000);
  expect(world.state(id, "ship2")).toBe("running");
  expect(await world.ended(id, "ship2", 110_000)).toMatchObject({ state: "succeeded" });
  await expectSound(world);
});
