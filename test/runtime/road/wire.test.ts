import { expect, test } from "vitest";
import type { Draft } from "../../../src/message/draft.ts";
import { expectSound, settled } from "../../harness/world/sound.ts";
import { createWorld, type World } from "../../harness/world/world.ts";

const WORK = "ship1.command.work.os";

const commands = (count: number): Draft[] => Array.from({ length: count }, (_, n) => ({ subject: WORK, data: { n } }));

/** So many commands, a few at a time, so that many frames travel. */
async function submitInTurns(world: World, count: number, atOnce = 4, every = 50): Promise<void> {
  for (const draft of batches(commands(count), atOnce)) {
    await world.submit(draft);
    await world.advance(every);
  }
}

function batches<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size));
}

const inOrder = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

test("a lost ACK does not run a command twice: it comes again, is taken as a duplicate, and acknowledged again", async () => {
  const world = await settled(await createWorld());
  world.setFaults("ship1", { out: { drop: 1 } });
  const id = await world.send(WORK, { n: 1 });
  await world.advance(20_000);
  expect(world.ledger.runsOf(id)).toBe(1);
  expect(world.state(id)).toBe("sent");
  expect(await world.count("central", "steward_messages_resent_total")).toBeGreaterThan(0);
  expect(await world.count("ship1", "steward_messages_duplicate_total")).toBeGreaterThan(0);
  world.setFaults("ship1", {});
  expect(await world.ended(id)).toMatchObject({ state: "succeeded" });
  await expectSound(world);
});

test("one ACK confirms what it covers and nothing else", async () => {
  const world = await settled(await createWorld());
  const known = await world.send(WORK, { n: 1 });
  await world.ended(known);
  world.setFaults("ship1", { in: { drop: 1 } });
  const lost = await world.send(WORK, { n: 2 });
  // On another lane the same node goes on acknowledging, once it hears again.
  await world.until(() => world.state(lost) === "sent", "it is sent");
  world.setFaults("ship1", {});
  const other = await world.send("ship1.command.redo.os");
  await world.ended(other, "central", 2_000);
  expect(world.state(lost)).toBe("sent");
  expect(await world.ended(lost)).toMatchObject({ state: "succeeded" });
  await expectSound(world);
});

test.each([
  ["duplicates of 30 %", { duplicate: 0.3 }],
  ["reordering of 50 %", { reorder: { share: 0.5, within: 200 } }],
  ["flipped bits in 1 %", { flip: 0.01 }],
  ["flipped bits in 20 %", { flip: 0.2 }],
  ["losses of 20 %", { drop: 0.2 }],
  ["a round trip of 600 ms and losses of 5 %", { delay: 300, drop: 0.05 }],
  ["all of it", { duplicate: 0.3, reorder: { share: 0.5, within: 200 }, flip: 0.05, drop: 0.1, delay: 50 }],
])("%s, in both directions: every command runs once, in order, with the same result", async (_name, faults) => {
  const world = await settled(await createWorld({ seed: 7 }));
  world.setFaults("ship1", { out: faults, in: faults });
  await submitInTurns(world, 100);
  await world.allEnded(3_600_000);
  world.setFaults("ship1", {});
  expect(world.ledger.runs.map(({ n }) => n)).toEqual(inOrder(100));
  for (const { id } of world.accepted) expect(world.state(id)).toBe("succeeded");
  await expectSound(world);
});

test("damaged frames are refused and counted; nothing of them is believed", async () => {
  const world = await settled(await createWorld({ seed: 3 }));
  world.setFaults("ship1", { in: { flip: 0.5 } });
  await submitInTurns(world, 40, 1);
  await world.allEnded(3_600_000);
  world.setFaults("ship1", {});
  expect(await world.count("ship1", "steward_refused_total", "seal-invalid")).toBeGreaterThan(0);
  await expectSound(world);
});

test("a link that is cut and healed again loses nothing", async () => {
  const world = await settled(await createWorld());
  for (let round = 0; round < 5; round++) {
    await world.submit(commands(20));
    world.cut("ship1");
    await world.advance(7_000);
    world.heal("ship1");
    await world.advance(500);
  }
  await world.allEnded();
  await expectSound(world);
});

test("a half-open link: the sender notices without a reset, and goes on when bytes flow again", async () => {
  const world = await settled(await createWorld());
  world.setFaults("ship1", { in: { drop: 1 }, out: { drop: 1 } });
  const id = await world.send(WORK);
  await world.advance(61_000);
  expect(world.node("ship1").link).toBe("offline");
  expect(world.node("central", "ship1").link).toBe("offline");
  world.setFaults("ship1", {});
  await world.ended(id);
  await expectSound(world);
});

test("one direction cut: the command runs, its outcome waits, the late outcome counts", async () => {
  const world = await settled(await createWorld());
  const id = await world.send(WORK, { ms: 2_000 });
  await world.until(() => world.state(id) === "running", "it runs");
  world.setFaults("ship1", { out: { drop: 1 } });
  await world.advance(65_000);
  expect(world.ledger.runsOf(id)).toBe(1);
  expect(world.message(id, "ship1").state).toBe("succeeded");
  expect(world.message(id)).toMatchObject({ state: "unknown", final: false });
  world.setFaults("ship1", {});
  expect(await world.ended(id)).toMatchObject({ state: "succeeded" });
  await expectSound(world);
});

test("an outcome that went with one whose second sending met nobody, after the first was acknowledged late, still arrives", async () => {
  const world = await settled(await createWorld());
  const first = await world.send(WORK, { n: 1, ms: 100 });
  const second = await world.send(WORK, { n: 2, ms: 5_050 });
  await world.until(() => world.state(second) === "received", "both are there");
  world.setFaults("ship1", { in: { delay: 6_000 } });
  await world.until(() => world.state(first) === "succeeded", "central has the first outcome; its ACK is on its way");
  world.cut("central");
  // The first outcome waits for its second sending by now, and the other one goes in the same frame.
  await world.until(() => world.state(second, "ship1") === "succeeded", "the second has ended");
  world.setFaults("ship1", { in: { delay: 1_500 } });
  // The ACK comes, and after it the word that nobody was there.
  await world.advance(10_000);
  world.setFaults("ship1", {});
  world.heal("central");
  expect(await world.ended(second)).toMatchObject({ state: "succeeded" });
  await expectSound(world);
});

test("the broker goes away and comes back empty: nothing is lost, nothing is doubled", async () => {
  const world = await settled(await createWorld());
  const before = await world.submit(commands(10));
  world.broker.down();
  const during = await world.submit(commands(10));
  await world.advance(3_600_000);
  expect(during.map((id) => world.state(id))).toEqual(during.map(() => "queued"));
  expect(world.daemon("central").operations.health().broker).toMatchObject({ state: "disconnected" });
  expect(world.reason(during[0] ?? "")).toBe("no broker");
  world.broker.up();
  for (const id of [...before, ...during]) await world.ended(id);
  await expectSound(world);
});

test("an hour without a broker costs no work: nothing goes round in a circle", async () => {
  const world = await settled(await createWorld());
  await world.submit(commands(10));
  world.broker.down();
  await world.advance(10_000);
  const lines = world.lines("central").length + world.lines("ship1").length;
  let steps = 0;
  const end = world.time.monotonic() + 3_600_000;
  while (await world.time.step(end)) steps++;
  // What is left are the looks at the journal, one a minute on each node.
  expect(steps).toBeLessThan(200);
  expect(world.lines("central").length + world.lines("ship1").length - lines).toBeLessThan(10);
  world.broker.up();
  await expectSound(world);
});

test("the broker flaps, and both daemons restart behind it: what was accepted ends, once", async () => {
  const world = await settled(await createWorld({ seed: 5 }));
  for (let round = 0; round < 8; round++) {
    await world.submit(commands(5));
    await world.advance(Math.floor(world.random.next() * 20));
    world.broker.down();
    if (round % 3 === 0) world.crash("ship1");
    await world.advance(20_000);
    world.broker.up();
    if (!world.isUp("ship1")) await world.start("ship1");
    if (round % 3 === 1) {
      await world.stop("central");
      await world.start("central");
    }
    await world.advance(5_000);
  }
  await world.allEnded();
  await expectSound(world);
});
