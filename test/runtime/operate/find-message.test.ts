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
