import { expect, test } from "vitest";
import { expectSound, settled } from "../../harness/world/sound.ts";
import { createWorld } from "../../harness/world/world.ts";

test("the queue of a node is what waits for it, in order, with size, deadline and reason; what is taken back is gone", async () => {
  const world = await settled(await createWorld());
  const { operations } = world.daemon("central");
  expect(operations.queue("ship1")).toMatchObject({ node: "ship1", link: "online", waiting: 0, messages: [] });
  world.cut("ship1");
  await world.advance(120_000);
  const ids: string[] = [];
  for (const [domain, n] of [
    ["work.os", 1],
    ["shellcommand.os", 2],
    ["work.os", 3],
  ] as const)
    ids.push(
      await world.send(`ship1.command.${domain}`, domain === "work.os" ? { n } : ["true"], { deliverBy: 3_600_000 }),
    );
  const queue = operations.queue("ship1");
  expect(queue.messages.map(({ id }) => id)).toEqual(ids);
  expect(queue).toMatchObject({ link: "offline", waiting: 3 });
  expect(queue.messages[0]).toMatchObject({
    state: "queued",
    reason: "ship1 is offline",
    deliverBy: world.message(ids[0] ?? "").deliverBy,
    expectedAt: null,
    bytes: expect.any(Number),
  });
  expect(queue.bytes).toBe(queue.messages.reduce((sum, { bytes }) => sum + bytes, 0));
  await world.drive(operations.cancel(ids[1] ?? ""));
  expect(operations.queue("ship1").messages.map(({ id }) => id)).toEqual([ids[0], ids[2]]);
  expect(operations.queue("ship1", { limit: 1 }).messages).toHaveLength(1);
  expect(() => operations.queue("nobody")).toThrow(/nobody/);
  world.heal("ship1");
  await world.allEnded();
  expect(operations.queue("ship1").messages).toEqual([]);
  await expectSound(world);
});
