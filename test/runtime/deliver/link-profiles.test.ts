import { expect, test } from "vitest";
import type { Packet } from "../../../src/broker/transport.ts";
import { expectSound, settled } from "../../harness/world/sound.ts";
import { createWorld } from "../../harness/world/world.ts";

const DEFLATED = 1;

test("central sends to a satellite node as to a satellite: small frames, deflated, with patience for their ACK", async () => {
  const world = await settled(
    await createWorld({ nodes: { central: {}, ship1: { link: "satellite", hello: "10s" }, ship2: {} } }),
  );
  const seen = new Map<string, Packet[]>();
  for (const name of ["ship1", "ship2"]) {
    const packets: Packet[] = [];
    seen.set(name, packets);
    world.broker.connect(`beside-${name}`).subscribe(`${name}.command.work.os`, (packet) => void packets.push(packet));
  }
  const data = { n: 1, padding: "x".repeat(60_000) };
  const ids = [await world.send("ship1.command.work.os", data), await world.send("ship2.command.work.os", data)];
  for (const id of ids) await world.ended(id);

  const flags = (name: string): number[] => (seen.get(name) ?? []).map(({ payload }) => payload[3] ?? -1);
  expect(flags("ship1").every((flag) => (flag & DEFLATED) !== 0)).toBe(true);
  expect(seen.get("ship1")?.at(-1)?.payload.length).toBeLessThan(2_000);
  expect(flags("ship2").every((flag) => (flag & DEFLATED) === 0)).toBe(true);

  // On a local network a frame is sent again after five seconds; over a satellite it is waited for.
  world.setFaults("ship1", { out: { drop: 1 } });
  world.setFaults("ship2", { out: { drop: 1 } });
  for (const packets of seen.values()) packets.length = 0;
  const late = [
    await world.send("ship1.command.work.os", { n: 2 }),
    await world.send("ship2.command.work.os", { n: 2 }),
  ];
  await world.advance(20_000);
  expect(seen.get("ship1")).toHaveLength(1);
  expect(seen.get("ship2")?.length).toBeGreaterThan(1);
  for (const name of ["ship1", "ship2"]) world.setFaults(name, {});
  for (const id of late) await world.ended(id, "central", 300_000);
  await expectSound(world);
});

test("what a node's link is like is known after a restart of central, before the node has said it again", async () => {
  const world = await settled(
    await createWorld({ nodes: { central: {}, ship1: { link: "satellite", hello: "10s" } } }),
  );
  world.crash("central");
  world.cut("ship1");
  await world.start("central");
  const packets: Packet[] = [];
  world.broker.connect("beside").subscribe("ship1.command.work.os", (packet) => void packets.push(packet));
  const id = await world.send("ship1.command.work.os", { n: 1, padding: "x".repeat(5_000) });
  world.heal("ship1");
  await world.ended(id, "central", 300_000);
  expect((packets.at(-1)?.payload[3] ?? 0) & DEFLATED).toBe(DEFLATED);
  await expectSound(world);
});
