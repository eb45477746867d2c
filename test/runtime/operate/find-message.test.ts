import { expect, test } from "vitest";
import { settled } from "../../harness/world/sound.ts";
import { createWorld } from "../../harness/world/world.ts";

test("a message is found by @1, by its end and by its beginning, at its origin and at its node, whatever steward sent meanwhile", async () => {
  const world = await settled(await createWorld());
  const ids: string[] = [];
  for (let n = 0; n < 3; n++) {
    const id = await world.send("ship1.command.work.os", { n });
    ids.push(id);
    await world.ended(id);
  }
  await world.ended(await world.send("ship1.command.ping.steward", null));
  await world.advance(60_000);
  const [first = "", , last = ""] = ids;
  const central = world.daemon("central").operations;
  expect([central.message("@1").id, central.message("@3").id]).toEqual([last, first]);
  expect(() => central.message("@999999")).toThrow(expect.objectContaining({ code: "message-unknown" }));
  for (const operations of [central, world.daemon("ship1").operations]) {
    expect(operations.message(first.slice(-10)).id).toBe(first);
    expect(operations.message(last.toLowerCase()).id).toBe(last);
  }
  const beginning = first.slice(0, 3);
  expect(() => central.message(beginning)).toThrow(expect.objectContaining({ code: "message-ambiguous" }));
});

test("the beginning of an id of a job stands for the job and all its messages; what else begins so is found beside it", async () => {
  const world = await settled(await createWorld());
  const central = world.daemon("central").operations;
  const order = { to: "ship1", subject: "command.work.os", data: {}, most: 10 };
  const { id } = await world.drive(central.createJob(order));
  const [node] = central.jobNodes(id);
  await world.until(() => central.job(id).state === "done", "the job is done");
  // The clock of an id has ten characters; chance follows it, and ids of one moment differ at their ends.
  const beginning = id.slice(0, 20).toLowerCase();
  expect(node?.id.startsWith(id.slice(0, 20))).toBe(true);
  expect(central.found(beginning)).toMatchObject({ jobs: [{ id, state: "done" }], messages: [], more: false });
  const alone = await world.send("ship1.command.work.os", {});
  await world.ended(alone);
  for (let n = 0; n < 30; n++) await world.send("ship1.command.work.os", {});
  const other = central.found(alone);
  expect(other).toMatchObject({ jobs: [], messages: [{ id: alone }], more: false });
  const all = central.found(id.slice(0, 2));
  expect([all.jobs.length, all.messages.length, all.more]).toEqual([1, 20, true]);
  expect(all.messages.map((message) => message.id)).not.toContain(node?.id);
  expect(central.found("ZZZ")).toEqual({ jobs: [], messages: [], more: false });
});

test("more jobs than are listed are told of, and their messages are not listed in their place", async () => {
  const world = await settled(await createWorld());
  const central = world.daemon("central").operations;
  const order = { to: "ship1", subject: "command.work.os", data: {}, most: 10 };
  const ids: string[] = [];
  for (let n = 0; n < 22; n++) ids.push((await world.drive(central.createJob(order))).id);
  const found = central.found(ids[0]?.slice(0, 2) ?? "");
  expect([found.jobs.length, found.messages, found.more]).toEqual([20, [], true]);
});
