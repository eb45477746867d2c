import { expect, test } from "vitest";
import { expectSound, settled } from "../../harness/world/sound.ts";
import { createWorld } from "../../harness/world/world.ts";

test("a node that refuses is told with its own reason, and how to look at it", async () => {
  const world = await settled(await createWorld());
  const asked = world.daemon("central").operations.control("ship1", "command.none.os", "start");
  await expect(world.drive(asked)).rejects.toMatchObject({
    code: "node-refused",
    message: "ship1 did not do this (failed): node ship1 has no process ship1.command.none.os",
    remedy: "`steward ps ship1` lists the processes of ship1, `steward node ship1` tells how it is.",
  });
  await expectSound(world);
});

test("a node that is away is told as silent, not as an answer of the daemon", async () => {
  const world = await settled(await createWorld());
  world.crash("ship1");
  const asked = world.daemon("central").operations.processes({ node: "ship1" });
  await expect(world.drive(asked)).rejects.toMatchObject({
    code: "node-silent",
    message: "ship1 did not answer within 10 s",
    exit: 3,
  });
  await world.start("ship1");
  await expectSound(world);
});
