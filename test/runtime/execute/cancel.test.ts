import { expect, test } from "vitest";
import { expectSound, settled } from "../../harness/world/sound.ts";
import { createWorld, type World } from "../../harness/world/world.ts";

const WORK = "ship1.command.work.os";

async function cancel(world: World, id: string): Promise<string> {
  return (await world.drive(world.daemon("central").operations.cancel(id))).kind;
}

test("cancelled before it was sent: it ends here, never travels, and the lane goes on", async () => {
  const world = await createWorld();
  await world.start("central");
  const id = await world.send(WORK, { n: 1 });
  expect(await cancel(world, id)).toBe("done");
  expect(world.message(id)).toMatchObject({ state: "cancelled", reason: "cancelled before it was sent" });
  expect(await cancel(world, id)).toBe("tooLate");
  const next = await world.send(WORK, { n: 2 });
  await world.start("ship1");
  await world.ended(next);
  expect(world.ledger.runs.map(({ n }) => n)).toEqual([2]);
  expect(await world.count("central", "steward_outcomes_total", "cancelled")).toBe(1);
  await expectSound(world);
});

test("cancelled while it is on its way: the node is asked, and if it never came it will not start", async () => {
  const world = await settled(await createWorld());
  world.setFaults("ship1", { in: { drop: 1 } });
  const id = await world.send(WORK, { n: 1 });
  await world.until(() => world.state(id) === "sent", "it is sent");
  expect(await cancel(world, id)).toBe("requested");
  expect(world.message(id)).toMatchObject({ state: "sent" });
  expect(world.message(id).cancelRequestedAt).toBeGreaterThan(0);
  world.setFaults("ship1", {});
  expect(await world.ended(id)).toMatchObject({ state: "cancelled" });
  expect(world.ledger.runs).toEqual([]);
  await expectSound(world);
});

test("a cancel that overtakes its command is remembered, over a crash of the node too", async () => {
  const world = await settled(await createWorld());
  // The lane's frame is lost, so that the cancel comes first on its own lane.
  world.setFaults("ship1", { in: { drop: 1 } });
  const id = await world.send(WORK, { n: 1 });
  await world.until(() => world.state(id) === "sent", "it is sent");
  world.setFaults("ship1", {});
  expect(await cancel(world, id)).toBe("requested");
  await world.until(() => [...world.store("ship1").range("cancelled", {})].length === 1, "the cancel is there");
  await world.advance(100);
  expect(world.state(id)).toBe("sent");
  world.crash("ship1");
  await world.start("ship1");
  expect(await world.ended(id)).toMatchObject({ state: "cancelled", reason: "central cancelled it before it arrived" });
  expect(world.ledger.runs).toEqual([]);
  expect([...world.store("ship1").range("cancelled", {})]).toEqual([]);
  await expectSound(world);
});

test("cancelled while it waits on the node: it does not start", async () => {
  const world = await settled(await createWorld());
  const busy = await world.send(WORK, { n: 1, ms: 20_000 });
  const id = await world.send(WORK, { n: 2 });
  await world.until(() => world.state(id) === "received", "it waits");
  expect(await cancel(world, id)).toBe("requested");
  expect(await world.ended(id, "central", 1_000)).toMatchObject({
    state: "cancelled",
    reason: "central cancelled it before it started",
  });
  expect(world.message(id).history.map(({ state }) => state)).not.toContain("running");
  await world.until(() => world.state(busy) === "running", "the other runs");
  await world.ended(busy);
  expect(world.ledger.runs.map(({ n }) => n)).toEqual([1]);
  await expectSound(world);
});

test("cancelled while it runs: it is ended", async () => {
  const world = await settled(await createWorld());
  const work = await world.send(WORK, { ms: 60_000 });
  const program = await world.send("ship1.command.shellcommand.os", ["stay", "on"]);
  for (const id of [work, program]) {
    await world.until(() => world.state(id) === "running", "it runs");
    expect(await cancel(world, id)).toBe("requested");
    expect(await world.ended(id, "central", 1_000)).toMatchObject({
      state: "cancelled",
      reason: "ended on request while it ran",
    });
    expect(await cancel(world, id)).toBe("tooLate");
  }
  expect(world.host("ship1").alive).toBe(0);
  await expectSound(world);
});

test("a cancel that meets the end of its command changes nothing: the first end stands", async () => {
  const world = await settled(await createWorld());
  const id = await world.send(WORK, { ms: 1_000 });
  await world.until(() => world.state(id) === "running", "it runs");
  // The outcome is on the node and cannot come home yet.
  world.setFaults("ship1", { out: { drop: 1 } });
  await world.advance(2_000);
  expect(await cancel(world, id)).toBe("requested");
  await world.advance(2_000);
  world.setFaults("ship1", {});
  expect(await world.ended(id)).toMatchObject({ state: "succeeded" });
  expect(world.message(id).conflict).toBeUndefined();
  await expectSound(world);
});

test("two cancels at once: one end, one answer each", async () => {
  const world = await settled(await createWorld());
  const id = await world.send(WORK, { ms: 60_000 });
  await world.until(() => world.state(id) === "running", "it runs");
  const { operations } = world.daemon("central");
  const both = await world.drive(Promise.all([operations.cancel(id), operations.cancel(id)]));
  expect(both.map(({ kind }) => kind)).toEqual(["requested", "requested"]);
  expect(await world.ended(id)).toMatchObject({ state: "cancelled" });
  await expectSound(world);
  const asked = world.daemon("central").operations.messages({ method: "cancel", direction: "out" });
  const answers = asked.map((view) => world.message(view.id).outcome?.result);
  expect(asked.map(({ state }) => state)).toEqual(["succeeded", "succeeded"]);
  expect(answers).toEqual([{ answer: expect.any(String) }, { answer: expect.any(String) }]);
});

test("cancelling what nobody knows is refused; an event that its receiver has is past cancelling", async () => {
  const world = await settled(await createWorld());
  const { operations } = world.daemon("central");
  await expect(operations.cancel("01ARZ3NDEKTSV4RRFFQ69G5FAV")).rejects.toMatchObject({ code: "message-unknown" });
  const event = await world.send("ship1.event.note.news", { n: 1 });
  await world.ended(event);
  expect(await cancel(world, event)).toBe("tooLate");
  expect(world.state(event)).toBe("received");
  await expectSound(world);
});

test("a cancel from a node that may not control this one is rejected, and the command goes on", async () => {
  const world = await settled(await createWorld({ nodes: { ship1: { control: { from: [] } } } }));
  const id = await world.send(WORK, { ms: 5_000 });
  await world.until(() => world.state(id) === "running", "it runs");
  await cancel(world, id);
  expect(await world.ended(id)).toMatchObject({ state: "succeeded" });
  const [asked] = world.daemon("central").operations.messages({ method: "cancel", direction: "out" });
  expect(asked).toMatchObject({ state: "rejected" });
  await expectSound(world);
});

test("a cancelled command does not come back to life when its node restarts", async () => {
  const world = await settled(await createWorld());
  await world.send(WORK, { n: 1, ms: 60_000 });
  const id = await world.send(WORK, { n: 2 });
  await world.until(() => world.state(id) === "received", "it waits");
  await cancel(world, id);
  expect(await world.ended(id)).toMatchObject({ state: "cancelled" });
  world.crash("ship1");
  await world.start("ship1");
  await expectSound(world);
  expect(world.ledger.runs.map(({ n }) => n)).toEqual([1]);
});
