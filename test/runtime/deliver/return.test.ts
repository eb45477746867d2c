import { expect, test } from "vitest";
import { expectSound, settled } from "../../harness/world/sound.ts";
import { createWorld } from "../../harness/world/world.ts";

const WORK = "ship1.command.work.os";

/** Nothing here waits for the ACK timeout, which is so long that it cannot be missed. */
const central = { link: "satellite" };

test("a node that was killed before it had what was on the way gets it at its next hello, not an ACK timeout later", async () => {
  const world = await settled(await createWorld({ nodes: { central, ship1: {} } }));
  world.setFaults("ship1", { in: { drop: 1 } });
  const id = await world.send(WORK, { n: 1 });
  await world.advance(100);
  world.crash("ship1");
  world.setFaults("ship1", {});
  await world.start("ship1");
  expect(await world.ended(id, "central", 200)).toMatchObject({ state: "succeeded" });
  await expectSound(world);
});

test("what vanished on the way goes out again when the node is heard after a silence, not an ACK timeout later", async () => {
  const world = await settled(await createWorld({ nodes: { central, ship1: {} } }));
  await world.ended(await world.send(WORK, { n: 0 }));
  world.setFaults("ship1", { in: { drop: 1 }, out: { drop: 1 } });
  await world.until(() => world.node("ship1").link === "late", "it is late", 600_000);
  const id = await world.send(WORK, { n: 1 });
  await world.advance(1_000);
  world.setFaults("ship1", {});
  await world.until(() => world.node("ship1").link === "online", "it is heard again");
  expect(await world.ended(id, "central", 5_000)).toMatchObject({ state: "succeeded" });
  await expectSound(world);
});

test("what is on the way to a node that is heard again is not sent twice when its ACK comes as soon as ACKs do", async () => {
  const world = await settled(await createWorld({ nodes: { central, ship1: {} } }));
  const slow = { in: { delay: 300 }, out: { delay: 300 } };
  world.setFaults("ship1", slow);
  await world.ended(await world.send(WORK, { n: 0 }));
  world.setFaults("ship1", { in: { drop: 1 }, out: { drop: 1 } });
  await world.until(() => world.node("ship1").link === "late", "it is late", 600_000);
  world.setFaults("ship1", slow);
  await world.advance(1);
  await world.ended(await world.send(WORK, { n: 1 }));
  expect(await world.count("central", "steward_messages_resent_total")).toBe(0);
  await expectSound(world);
});
