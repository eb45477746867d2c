import { expect, test } from "vitest";
import type { Draft } from "../../../src/message/draft.ts";
import { expectSound, settled } from "../../harness/world/sound.ts";
import { createWorld } from "../../harness/world/world.ts";

const WORK = "ship1.command.work.os";

const commands = (count: number, ms = 0): Draft[] =>
  Array.from({ length: count }, (_, n) => ({ subject: WORK, data: { n, ms } }));
const inOrder = (count: number): number[] => Array.from({ length: count }, (_, n) => n);
const queueOf = (queue: number) => ({ nodes: { ship1: { subscribe: [{ subject: "command.work.os", queue }] } } });

test.each([1, 2, 7, 100])("a queue of %i on the node: the sender waits for room and loses nothing", async (queue) => {
  const world = await settled(await createWorld(queueOf(queue)));
  await world.submit(commands(120, 50));
  let most = 0;
  for (let i = 0; i < 40; i++) {
    await world.advance(70);
    most = Math.max(most, [...world.store("ship1").range("pending", {})].length);
  }
  await world.allEnded();
  expect(most).toBeLessThanOrEqual(queue);
  expect(world.ledger.runs.map(({ n }) => n)).toEqual(inOrder(120));
  await expectSound(world);
});

test("a full queue is told to central as the reason why nothing moves", async () => {
  const world = await settled(await createWorld(queueOf(2)));
  const ids = await world.submit(commands(5, 30_000));
  await world.advance(1_000);
  const last = ids[4] ?? "";
  expect(world.reason(last)).toBe("ship1 has no room");
  await world.until(() => world.message(last).final, "it ran", 300_000);
  await expectSound(world);
});

test("the word that there is room again may be lost: the sender asks by itself", async () => {
  const world = await settled(await createWorld(queueOf(4)));
  await world.submit(commands(40, 2_000));
  await world.advance(1_000);
  world.setFaults("ship1", { out: { drop: 1 } });
  await world.advance(30_000);
  world.setFaults("ship1", {});
  await world.allEnded(600_000);
  await expectSound(world);
});

test("a node that restarts while its queue is full goes on when it is back", async () => {
  const world = await settled(await createWorld(queueOf(4)));
  await world.submit(commands(40, 2_000));
  await world.advance(5_000);
  world.crash("ship1");
  await world.start("ship1");
  await world.allEnded(600_000);
  await expectSound(world);
});

test("ACKs that overtake each other do not take the sender's credit for good", async () => {
  const world = await settled(await createWorld({ seed: 11, ...queueOf(8) }));
  world.setFaults("ship1", {
    out: { reorder: { share: 0.5, within: 3_000 } },
    in: { reorder: { share: 0.5, within: 500 } },
  });
  for (let i = 0; i < 30; i++) {
    await world.submit(commands(5, 100).map((draft, n) => ({ ...draft, data: { n: i * 5 + n, ms: 100 } })));
    await world.advance(300);
  }
  await world.allEnded(600_000);
  expect(world.ledger.runs.map(({ n }) => n)).toEqual(inOrder(150));
  await expectSound(world);
});

test("a cancel passes a full queue", async () => {
  const world = await settled(await createWorld(queueOf(2)));
  const ids = await world.submit(commands(20, 600_000));
  await world.until(() => world.state(ids[0] ?? "") === "running", "the first runs");
  await world.advance(5_000);
  for (const id of ids) await world.drive(world.daemon("central").operations.cancel(id));
  expect(await world.ended(ids[0] ?? "", "central", 2_000)).toMatchObject({ state: "cancelled" });
  await world.allEnded(600_000);
  expect(ids.map((id) => world.state(id))).toEqual(ids.map(() => "cancelled"));
  await expectSound(world);
});

test("a cancel passes a window that is full of something large", async () => {
  const world = await settled(await createWorld({ nodes: { central: { link: "gsm", hello: "10s" }, ship1: {} } }));
  const id = await world.send(WORK, { ms: 600_000 });
  await world.until(() => world.state(id) === "running", "it runs");
  // ACKs take their time: what is on the way keeps the window.
  world.setFaults("ship1", { out: { delay: 20_000 } });
  // Six of them leave less of the window's 128 KB than the smallest frame needs.
  const data = { big: "x".repeat(21_710) };
  const large = await world.submit(
    Array.from({ length: 10 }, (_, n) => ({
      subject: n < 5 ? "ship1.command.redo.os" : "ship1.event.note.news",
      data,
    })),
  );
  await world.advance(1_000);
  expect(world.state(large[9] ?? "")).toBe("queued");
  await world.drive(world.daemon("central").operations.cancel(id));
  await world.until(() => world.message(id, "ship1").state === "cancelled", "it is ended on the node", 1_000);
  world.setFaults("ship1", {});
  await world.allEnded();
  await expectSound(world);
});

test("a full journal refuses new messages with a clear error, and outcomes still come home", async () => {
  const world = await settled(
    await createWorld({ nodes: { central: { limits: { journalBytes: "1MB" } }, ship1: {} } }),
  );
  const running = await world.send(WORK, { ms: 20_000 });
  await world.until(() => world.state(running) === "running", "it runs");
  let refused: unknown;
  for (let i = 0; i < 100 && refused === undefined; i++) {
    await world
      .submit(Array.from({ length: 50 }, () => ({ subject: "ship9.command.work.os", data: { note: "x".repeat(400) } })))
      .catch((error) => {
        refused = error;
      });
    await world.advance(1_000);
  }
  expect(refused).toMatchObject({ code: "journal-full" });
  expect(world.daemon("central").operations.health().journal.state).toBe("full");
  expect(await world.ended(running)).toMatchObject({ state: "succeeded" });
});

test("a node whose journal is full takes no new command, and what it has comes to its end", async () => {
  const world = await settled(await createWorld({ nodes: { ship1: { limits: { journalBytes: "1MB" } } } }));
  const first = await world.send(WORK, { ms: 30_000 });
  await world.until(() => world.state(first) === "running", "it runs");
  // Something else fills the disk.
  const store = world.store("ship1");
  for (let i = 0; i < 2_600; i++) store.put("checkpoints", `filler ${i}`, "x".repeat(400));
  await world.advance(2_000);
  const waits = await world.send(WORK, { n: 2 });
  await world.advance(60_000);
  expect(world.state(first)).toBe("succeeded");
  expect(["sent", "queued"]).toContain(world.state(waits));
  expect(world.node("ship1").storage).toBe("full");
  for (let i = 0; i < 2_600; i++) store.remove("checkpoints", `filler ${i}`);
  expect(await world.ended(waits)).toMatchObject({ state: "succeeded" });
  await world.advance(10_000);
  expect(world.node("ship1").storage).toBe("ok");
  await expectSound(world);
});
