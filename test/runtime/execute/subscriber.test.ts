import { expect, test } from "vitest";
import { expectSound, settled } from "../../harness/world/sound.ts";
import { createWorld, type World } from "../../harness/world/world.ts";

const WORK = "ship1.command.work.os";
const REDO = "ship1.command.redo.os";

const process_ = (world: World, subject: string) =>
  world
    .drive(world.daemon("ship1").operations.processes())
    .then(({ processes }) => processes.find((view) => view.subject === subject));

test("the actor of a subject works from the first command on until none has come for a second, and is told of each once", async () => {
  const world = await settled(await createWorld());
  const changes = () =>
    world
      .happenings("ship1", "transition")
      .filter(({ actor, role }) => actor === WORK && role === "subscriber")
      .map(({ from, to }) => `${from} → ${to}`);
  await world.submit([1, 2].map((n) => ({ subject: WORK, data: { n, ms: 2_000 } })));
  await world.until(() => world.ledger.runs.length > 0, "the first of them runs");
  expect(await process_(world, WORK)).toMatchObject({ state: "working" });
  await world.allEnded();
  expect(await process_(world, WORK)).toMatchObject({ state: "idle" });
  // The next one comes within the second: an actor that heard of each would fill the log.
  await world.advance(500);
  await world.ended(await world.send(WORK, { n: 3 }));
  expect(changes()).toEqual(["idle → working"]);
  await world.advance(2_000);
  expect(changes()).toEqual(["idle → working", "working → idle"]);
  await world.ended(await world.send(WORK, { n: 4 }));
  expect(changes().at(-1)).toBe("idle → working");
  await expectSound(world);
});

test.each(["throw", "reject"])(
  "a method that does %s: its command failed, its process is restarted, what waits behind it runs",
  async (how) => {
    const world = await settled(await createWorld());
    const [bad = "", good = ""] = await world.submit([
      { subject: WORK, data: { n: 1, do: how } },
      { subject: WORK, data: { n: 2 } },
    ]);
    expect(await world.ended(bad)).toMatchObject({
      state: "failed",
      reason: expect.stringMatching(/it broke|it rejected/),
    });
    expect(await world.ended(good)).toMatchObject({ state: "succeeded" });
    expect(await process_(world, WORK)).toMatchObject({ restarts: 1 });
    expect(world.ledger.runs.map(({ n }) => n)).toEqual([1, 2]);
    await world.until(
      () => world.ledger.failures.some(({ origin }) => origin === "ship1"),
      "central hears of the failure",
    );
    await expectSound(world);
  },
);

test("an idempotent command that throws once is run again and succeeds", async () => {
  const world = await settled(await createWorld());
  const id = await world.send(REDO, { do: "throwOnce" });
  expect(await world.ended(id)).toMatchObject({ state: "succeeded" });
  expect(world.ledger.runsOf(id)).toBe(2);
  await expectSound(world);
});

test("a poisoned message fails its process three times, becomes a dead letter, and the subject goes on; the others never notice", async () => {
  const world = await settled(await createWorld());
  const poison = await world.send(REDO, { do: "throw" });
  const behind = await world.send(REDO, { n: 2 });
  const elsewhere = await world.send(WORK, { n: 3 });
  expect(await world.ended(elsewhere, "central", 100)).toMatchObject({ state: "succeeded" });
  expect(await world.ended(poison)).toMatchObject({ state: "failed", reason: "dead letter: it broke" });
  expect(await world.ended(behind)).toMatchObject({ state: "succeeded" });
  expect(world.ledger.runsOf(poison)).toBe(3);
  const { operations } = world.daemon("ship1");
  expect(operations.dead()).toMatchObject([{ id: poison, attempts: 3, reason: "it broke" }]);
  expect(await world.count("ship1", "steward_messages_dead_lettered_total")).toBe(1);
  expect(await process_(world, WORK)).toMatchObject({ restarts: 0 });
  await world.until(() => world.ledger.failures.some(({ code }) => code === "dead-letter"), "central hears of it");
  await expectSound(world);
});

test("a dead letter can be sent through its process again, or dropped", async () => {
  const world = await settled(await createWorld());
  const id = await world.send(REDO, { do: "throw" });
  await world.ended(id);
  const { operations } = world.daemon("ship1");
  await world.advance(60_000);
  await world.drive(operations.retryDead(id));
  await world.until(() => world.ledger.runsOf(id) === 6, "it ran three times more");
  await world.advance(5_000);
  expect(operations.dead()).toHaveLength(1);
  await world.drive(operations.dropDead(id));
  expect(operations.dead()).toEqual([]);
  await expect(operations.retryDead(id)).rejects.toMatchObject({ code: "dead-letter-unknown" });
  await expectSound(world);
});

test("a subject that fails too often is quarantined, visible, refuses nothing, and goes on when it is revived", async () => {
  const world = await settled(await createWorld());
  const ids = await world.submit(Array.from({ length: 6 }, (_, n) => ({ subject: WORK, data: { n, do: "throw" } })));
  await world.until(() => world.daemon("ship1").operations.health().quarantined.includes(WORK), "it is quarantined");
  expect(world.daemon("ship1").operations.health().ok).toBe(false);
  const waits = await world.send(WORK, { n: 9 });
  const other = await world.send(REDO, {});
  await world.ended(other, "central", 1_000);
  await world.advance(60_000);
  expect(world.state(waits)).toBe("received");
  expect(world.ledger.failures.map(({ code }) => code)).toContain("process-quarantined");
  await world.drive(world.daemon("central").operations.control("ship1", "command.work.os", "revive"));
  expect(await world.ended(waits)).toMatchObject({ state: "succeeded" });
  for (const id of ids) expect(await world.ended(id)).toMatchObject({ state: "failed" });
  await expectSound(world);
});

test("a method that never ends, and heeds neither timeout nor cancel, is given up after its time; the subject goes on", async () => {
  const world = await settled(await createWorld());
  const stuck = await world.send(WORK, { n: 1, do: "never" }, { timeout: 10_000 });
  const behind = await world.send(WORK, { n: 2 });
  await world.advance(5_000);
  await world.ended(await world.send(REDO), "central", 1_000);
  expect(await world.ended(stuck)).toMatchObject({
    state: "failed",
    reason: "the method did not end by itself after its timeout",
  });
  expect(await world.ended(behind)).toMatchObject({ state: "succeeded" });
  await expectSound(world);
});

test("a method that calls back long after it was given up changes nothing", async () => {
  const world = await settled(await createWorld());
  const late = await world.send(WORK, { n: 1, do: "late", ms: 60_000 }, { timeout: 10_000 });
  expect(await world.ended(late)).toMatchObject({ state: "failed" });
  await world.advance(120_000);
  expect(world.message(late)).toMatchObject({ state: "failed" });
  expect(world.message(late).conflict).toBeUndefined();
  await expectSound(world);
});

test("a command taken while its process is failing is not lost and not called interrupted: it runs when the process is back", async () => {
  const world = await settled(
    await createWorld({ nodes: { ship1: { subscribe: [{ subject: "command.work.os", concurrency: 2 }] } } }),
  );
  // One breaks its process while another one is being made durable.
  world.setFlush("ship1", 50);
  const first = await world.send(WORK, { n: 2, do: "fail", ms: 20 });
  const second = await world.send(WORK, { n: 3, do: "reject", ms: 60 });
  await world.advance(75);
  const third = await world.send(WORK, { n: 4 });
  for (const id of [first, second, third]) await world.ended(id);
  world.setFlush("ship1", 0);
  expect(world.state(third)).toBe("succeeded");
  expect(world.ledger.runsOf(third)).toBe(1);
  await expectSound(world);
});

test.each([1, 2, 3, 4, 5, 6])(
  "methods that break at random while frames arrive on a slow disk, seed %i: each command runs once and none is called interrupted",
  async (seed) => {
    const world = await settled(
      await createWorld({
        seed,
        nodes: {
          ship1: {
            subscribe: [{ subject: "command.work.os", concurrency: 4 }],
            supervision: { intensity: 1000, period: "1s", backoff: { min: "1ms", max: "20ms" } },
          },
        },
      }),
    );
    world.setFlush("ship1", 30);
    for (let n = 0; n < 60; n++) {
      const broken = world.random.next() < 0.3;
      await world.send(WORK, { n, ms: Math.floor(world.random.next() * 40), ...(broken ? { do: "reject" } : {}) });
      await world.advance(Math.floor(world.random.next() * 40));
    }
    await world.allEnded(600_000);
    const states = world.accepted.map(({ id }) => world.state(id));
    expect(states.filter((state) => state !== "succeeded" && state !== "failed")).toEqual([]);
    await world.drained();
    expect(world.accepted.map(({ id }) => world.ledger.runsOf(id)).filter((times) => times !== 1)).toEqual([]);
  },
);
