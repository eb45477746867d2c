import { expect, test } from "vitest";
import { expectSound, settled } from "../../harness/world/sound.ts";
import { createWorld } from "../../harness/world/world.ts";

const work = (more: Record<string, string | number> = {}) => ({ subject: "command.work.os", ...more });
const redo = { subject: "command.redo.os" };
const note = { subject: "event.note.news" };

const start = async () => settled(await createWorld({ nodes: { ship1: { subscribe: [work(), note] } } }));

test("a subscription that is added takes commands from then on; the others are left running", async () => {
  const world = await start();
  const running = await world.send("ship1.command.work.os", { n: 1, ms: 20_000 });
  await world.until(() => world.state(running) === "running", "it runs");
  const before = await world.send("ship1.command.redo.os");
  expect(await world.ended(before, "central", 1_000)).toMatchObject({ state: "rejected" });
  const answer = await world.reload("ship1", { subscribe: [work(), note, redo] });
  expect(answer.changes).toHaveLength(1);
  expect(answer.needRestart).toEqual([]);
  const after = await world.send("ship1.command.redo.os");
  expect(await world.ended(after, "central", 1_000)).toMatchObject({ state: "succeeded" });
  expect(world.state(running)).toBe("running");
  expect(await world.ended(running)).toMatchObject({ state: "succeeded" });
  await expectSound(world);
});

test("a subscription that is removed is rejected from then on, what runs there comes to its end", async () => {
  const world = await settled(await createWorld());
  const running = await world.send("ship1.command.work.os", { ms: 5_000 });
  await world.until(() => world.state(running) === "running", "it runs");
  await world.reload("ship1", { subscribe: [redo, note] });
  expect(await world.ended(running)).toMatchObject({ state: "succeeded" });
  const after = await world.send("ship1.command.work.os");
  expect(await world.ended(after)).toMatchObject({ state: "rejected" });
  const other = await world.send("ship1.command.redo.os");
  expect(await world.ended(other)).toMatchObject({ state: "succeeded" });
  await expectSound(world);
});

test("a subscription that is changed works by its new settings; what waited there still runs, once", async () => {
  const world = await start();
  const ids = await world.submit(
    [1, 2, 3, 4].map((n) => ({ subject: "ship1.command.work.os", data: { n, ms: 2_000 } })),
  );
  await world.until(() => world.state(ids[0] ?? "") === "running", "the first runs");
  await world.reload("ship1", { subscribe: [work({ concurrency: 4 }), note] });
  for (const id of ids) expect(await world.ended(id)).toMatchObject({ state: "succeeded" });
  expect(world.ledger.runs.map(({ n }) => n)).toEqual([1, 2, 3, 4]);
  const starts = world.ledger.runs.map(({ at }) => at);
  expect(starts[3]).toBe(starts[1]);
  await expectSound(world);
});

test("programs that run while their subscription is changed go on and come home once", async () => {
  const world = await settled(await createWorld());
  const id = await world.send("ship1.command.shellcommand.os", ["sleep", "10000"]);
  await world.until(() => world.state(id) === "running", "it runs");
  await world.reload("ship1", { subscribe: [{ subject: "command.shellcommand.os", concurrency: 3 }] });
  expect(await world.ended(id)).toMatchObject({ state: "succeeded" });
  expect(world.host("ship1").ledger).toEqual([id]);
  await expectSound(world);
});

test("a bad file changes nothing and says what is wrong", async () => {
  const world = await start();
  await expect(world.reload("ship1", { subscribe: [{ subject: "nonsense" }] })).rejects.toMatchObject({
    code: "config-invalid",
  });
  const id = await world.send("ship1.command.work.os");
  expect(await world.ended(id)).toMatchObject({ state: "succeeded" });
  await expectSound(world);
});

test("the same file again changes nothing", async () => {
  const world = await start();
  await world.reload("ship1", {});
  expect(await world.reload("ship1", {})).toEqual({ changes: [], needRestart: [] });
});

test("who may control a node is asked anew at each command: what was withdrawn is refused, what was granted is taken", async () => {
  const nodes = { central: {}, ship1: { control: { from: ["central", "ship2"] } }, ship2: {} };
  const world = await settled(await createWorld({ nodes }));
  const ping = async (from: string): Promise<unknown> => {
    const id = await world.send("ship1.command.ping.steward", null, {}, from);
    return (await world.ended(id, from)).state;
  };
  expect([await ping("central"), await ping("ship2")]).toEqual(["succeeded", "succeeded"]);
  const { changes, needRestart } = await world.reload("ship1", { control: { from: ["central"] } });
  expect([changes, needRestart]).toEqual([["control.from: [central, ship2] → [central]"], []]);
  expect([await ping("central"), await ping("ship2")]).toEqual(["succeeded", "rejected"]);
  await world.reload("ship1", { control: { from: ["ship2"] } });
  expect([await ping("central"), await ping("ship2")]).toEqual(["rejected", "succeeded"]);
  await expectSound(world);
});
