import { expect, test } from "vitest";
import { expectSound, settled } from "../../harness/world/sound.ts";
import { createWorld } from "../../harness/world/world.ts";

const WORK = "ship1.command.work.os";

test("a command to a node that is there goes through every state and comes back with its outcome", async () => {
  const world = await settled(await createWorld());
  const id = await world.send(WORK, { ms: 1000, n: 7 });
  expect(world.node("ship1").link).toBe("online");
  await world.until(() => world.state(id) === "running", "it runs");
  expect(world.message(id, "ship1")).toMatchObject({ state: "running", direction: "in" });
  const detail = await world.ended(id);
  expect(detail.outcome).toMatchObject({ state: "succeeded", code: 0, result: 7 });
  expect(detail.history.map(({ state, by }) => `${state} ${by}`)).toEqual([
    "queued central",
    "sent central",
    "received ship1",
    "running ship1",
    "succeeded ship1",
  ]);
  const told = world.happenings("central", "message").filter((happening) => happening.id === id);
  expect(told.map(({ state }) => state)).toEqual(["queued", "received", "running", "succeeded"]);
  expect(world.ledger.runs).toHaveLength(1);
  expect(world.message(id, "ship1")).toMatchObject({ state: "succeeded", final: true });
  expect(await world.count("central", "steward_messages_submitted_total", "command")).toBe(1);
  expect(await world.count("ship1", "steward_messages_accepted_total", "command")).toBe(1);
  expect(await world.count("central", "steward_outcomes_total", "succeeded")).toBe(1);
  expect(await world.count("central", "steward_messages_resent_total")).toBe(0);
  await expectSound(world);
});

test("output comes while a command runs, and its end tells the exit code and the true counts", async () => {
  const world = await settled(
    await createWorld({
      programs: {
        talk: async ({ print, sleep }) => {
          print("one\n");
          await sleep(5_000);
          print("two\n");
          print("oops\n", "stderr");
          return 4;
        },
      },
    }),
  );
  const id = await world.send("ship1.command.shellcommand.os", ["talk"]);
  await world.until(() => world.message(id).output.length > 0, "the first output is here");
  expect(world.message(id)).toMatchObject({
    state: "running",
    output: [{ stream: "stdout", offset: 0, text: "one\n" }],
  });
  const detail = await world.ended(id);
  expect(detail).toMatchObject({ state: "failed", code: 4, reason: "exit code 4" });
  expect(detail.output.map(({ stream, offset, text }) => `${stream} ${offset} ${text}`)).toEqual([
    "stderr 0 oops\n",
    "stdout 0 one\n",
    "stdout 4 two\n",
  ]);
  expect(detail.outcome?.totals).toMatchObject({ stdout: { bytes: 8 }, stderr: { bytes: 5 } });
  await expectSound(world);
});

test("a command that waits behind another one is received, then runs; commands of a lane run in the order of acceptance", async () => {
  const world = await settled(await createWorld());
  const ids = await world.submit([1, 2, 3, 4, 5].map((n) => ({ subject: WORK, data: { n, ms: 1000 } })));
  await world.until(() => world.state(ids[0] ?? "") === "running", "the first runs");
  expect(ids.map((id) => world.state(id))).toEqual(["running", "received", "received", "received", "received"]);
  await world.ended(ids[4] ?? "");
  expect(world.ledger.runs.map(({ n }) => n)).toEqual([1, 2, 3, 4, 5]);
  await expectSound(world);
});

test("as many commands run at once as the subscription says, and no more", async () => {
  const world = await settled(
    await createWorld({ nodes: { ship1: { subscribe: [{ subject: "command.work.os", concurrency: 3 }] } } }),
  );
  const ids = await world.submit([1, 2, 3, 4, 5, 6, 7].map((n) => ({ subject: WORK, data: { n, ms: 1000 } })));
  await world.until(() => world.state(ids[0] ?? "") === "running", "the first runs");
  await world.advance(500);
  expect(world.ledger.runs).toHaveLength(3);
  await world.ended(ids[6] ?? "");
  const starts = world.ledger.runs.map(({ at }) => at - (world.ledger.runs[0]?.at ?? 0));
  expect(starts.filter((at) => at < 1000)).toHaveLength(3);
  expect(starts.filter((at) => at >= 1000 && at < 2000)).toHaveLength(3);
  await expectSound(world);
});

test("a command that runs longer than its timeout is ended and says so; one without takes its sender's default", async () => {
  const world = await settled(await createWorld({ nodes: { central: { defaults: { timeout: "20s" } }, ship1: {} } }));
  const own = await world.send(WORK, { ms: 60_000 }, { timeout: 5_000 });
  expect(await world.ended(own)).toMatchObject({ state: "timedOut", reason: "ran longer than 5000 ms" });
  const program = await world.send("ship1.command.shellcommand.os", ["sleep", "60000"], { timeout: 5_000 });
  expect(await world.ended(program)).toMatchObject({ state: "timedOut", reason: "ended after 5 s, its timeout" });
  const default_ = await world.send(WORK, { ms: 60_000 });
  expect(await world.ended(default_)).toMatchObject({ state: "timedOut", reason: "ran longer than 20000 ms" });
  await expectSound(world);
});

test("nodes and subjects do not wait for each other", async () => {
  const world = await settled(await createWorld({ nodes: { ship1: {}, ship2: {} } }));
  const slow = await world.send(WORK, { ms: 60_000 }, { timeout: 90_000 });
  const other = await world.send("ship1.command.redo.os", {});
  const elsewhere = await world.send("ship2.command.work.os", {});
  await world.ended(other, "central", 5_000);
  await world.ended(elsewhere, "central", 5_000);
  await world.until(() => world.state(slow) === "running", "it runs");
  await world.ended(slow);
  await expectSound(world);
});

test("central can command itself, by the same road", async () => {
  const world = await settled(
    await createWorld({ nodes: { central: { subscribe: [{ subject: "command.work.os" }] } } }),
  );
  const id = await world.send("central.command.work.os", { n: 1 });
  expect(await world.ended(id)).toMatchObject({ state: "succeeded" });
  await expectSound(world);
});

test("thousands of commands at once, many frames on the way: each runs once, in the order of acceptance", async () => {
  const world = await settled(
    await createWorld({ nodes: { ship1: { subscribe: [{ subject: "command.work.os", queue: 5000 }] } } }),
  );
  await world.submit(Array.from({ length: 3000 }, (_, n) => ({ subject: WORK, data: { n } })));
  await world.until(() => world.ledger.runs.length === 3000, "all ran");
  expect(world.ledger.runs.every(({ n }, at) => n === at)).toBe(true);
  await world.allEnded();
  await expectSound(world);
});
