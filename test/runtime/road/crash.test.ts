import { expect, test } from "vitest";
import { expectSound, settled } from "../../harness/world/sound.ts";
import { createWorld } from "../../harness/world/world.ts";

const WORK = "ship1.command.work.os";
const REDO = "ship1.command.redo.os";
const SHELL = "ship1.command.shellcommand.os";

test("the node is killed before what it received is durable: it comes again and runs once", async () => {
  const world = await settled(await createWorld());
  world.setFlush("ship1", 100);
  const id = await world.send(WORK, { n: 1 });
  await world.advance(50);
  world.crash("ship1");
  expect(world.ledger.runs).toEqual([]);
  world.setFlush("ship1", 0);
  await world.start("ship1");
  expect(await world.ended(id)).toMatchObject({ state: "succeeded" });
  await expectSound(world);
});

test("the node is killed between `received` and the ACK: it comes again, is a duplicate, and runs once", async () => {
  const world = await settled(await createWorld());
  await world.send(WORK, { n: 1, ms: 5_000 });
  await world.advance(1_000);
  world.setFaults("ship1", { out: { drop: 1 } });
  const id = await world.send(WORK, { n: 2 });
  await world.advance(1_000);
  expect(world.message(id, "ship1").state).toBe("received");
  expect(world.state(id)).toBe("sent");
  world.crash("ship1");
  world.setFaults("ship1", {});
  await world.start("ship1");
  expect(await world.ended(id)).toMatchObject({ state: "succeeded" });
  await world.advance(10_000);
  expect(await world.count("ship1", "steward_messages_duplicate_total")).toBeGreaterThan(0);
  await expectSound(world);
});

test("the node is killed while a command runs: it is interrupted and never run again, what waited behind it runs", async () => {
  const world = await settled(await createWorld());
  const caught = await world.send(WORK, { n: 1, ms: 60_000 });
  const behind = await world.send(WORK, { n: 2 });
  await world.until(() => world.state(behind) === "received", "both are there");
  world.crash("ship1");
  await world.advance(1_000);
  await world.start("ship1");
  expect(await world.ended(caught)).toMatchObject({ state: "interrupted", reason: "the daemon ended while it ran" });
  expect(await world.ended(behind)).toMatchObject({ state: "succeeded" });
  expect(world.ledger.runs.map(({ n }) => n)).toEqual([1, 2]);
  await expectSound(world);
});

test("a command whose method is idempotent runs again after a crash, and succeeds", async () => {
  const world = await settled(await createWorld());
  const id = await world.send(REDO, { ms: 5_000 });
  await world.until(() => world.state(id) === "running", "it runs");
  world.crash("ship1");
  await world.start("ship1");
  expect(await world.ended(id)).toMatchObject({ state: "succeeded" });
  expect(world.ledger.runsOf(id)).toBe(2);
  await expectSound(world);
});

test("a program outlives a crash of its daemon: the next one adopts it, and tells its whole output and its true end", async () => {
  const world = await settled(
    await createWorld({
      programs: {
        talk: async ({ print, sleep }) => {
          print("before ");
          await sleep(10_000);
          print("after");
          return 3;
        },
      },
    }),
  );
  const id = await world.send(SHELL, ["talk"]);
  await world.until(() => world.message(id).output.length > 0, "it talks");
  world.crash("ship1");
  await world.advance(2_000);
  await world.start("ship1");
  await world.advance(1_000);
  expect(world.state(id)).toBe("running");
  const detail = await world.ended(id);
  expect(detail).toMatchObject({ state: "failed", code: 3 });
  expect(detail.output.map(({ text }) => text).join("")).toBe("before after");
  expect(world.host("ship1").ledger).toEqual([id]);
  await expectSound(world);
  expect(world.host("ship1").runs.size).toBe(0);
});

test("a program that ended while its daemon was away has its true end too", async () => {
  const world = await settled(await createWorld());
  const id = await world.send(SHELL, ["sleep", "3000"]);
  await world.until(() => world.state(id) === "running", "it runs");
  world.crash("ship1");
  await world.advance(60_000);
  await world.start("ship1");
  expect(await world.ended(id)).toMatchObject({ state: "succeeded", code: 0 });
  expect(world.host("ship1").ledger).toEqual([id]);
  await expectSound(world);
});

test("a program that died with its host is interrupted", async () => {
  const world = await settled(await createWorld());
  const id = await world.send(SHELL, ["sleep", "30000"]);
  await world.until(() => world.state(id) === "running", "it runs");
  world.powerCut("ship1");
  await world.start("ship1");
  expect(await world.ended(id)).toMatchObject({ state: "interrupted" });
  await expectSound(world);
});

test("a graceful stop hands running programs over, and lets other commands end", async () => {
  const world = await settled(await createWorld());
  const program = await world.send(SHELL, ["sleep", "30000"]);
  const work = await world.send(WORK, { ms: 4_000 });
  await world.until(() => [program, work].every((id) => world.state(id) === "running"), "both run");
  await world.stop("ship1");
  await world.start("ship1");
  expect(await world.ended(work)).toMatchObject({ state: "succeeded" });
  expect(await world.ended(program)).toMatchObject({ state: "succeeded" });
  await expectSound(world);
});

test("a graceful stop does not wait for ever for a command that goes on: it is interrupted", async () => {
  const world = await settled(await createWorld());
  const work = await world.send(WORK, { ms: 120_000 });
  await world.until(() => world.state(work) === "running", "it runs");
  const before = world.time.monotonic();
  await world.stop("ship1");
  expect(world.time.monotonic() - before).toBeLessThan(30_000);
  await world.start("ship1");
  expect(await world.ended(work)).toMatchObject({ state: "interrupted" });
  await expectSound(world);
});

test("central is killed after it printed an id: the command is there and runs", async () => {
  const world = await settled(await createWorld());
  const id = await world.send(WORK);
  world.crash("central");
  await world.start("central");
  expect(await world.ended(id)).toMatchObject({ state: "succeeded" });
  await expectSound(world);
});

test("central is killed before a submit is durable: no id was printed, and nothing runs", async () => {
  const world = await settled(await createWorld());
  world.setFlush("central", 100);
  const never = world.daemon("central").operations.submit([{ subject: WORK, data: { n: 1 } }]);
  void never;
  await world.advance(50);
  world.crash("central");
  world.setFlush("central", 0);
  await world.start("central");
  await world.advance(20_000);
  expect(world.ledger.runs).toEqual([]);
  await expectSound(world);
});

test("central is killed while a command is on its way, runs, and comes home: the outcome is not lost", async () => {
  const world = await settled(await createWorld());
  for (const [step, ms] of [
    [1, 0],
    [2, 1],
    [3, 500],
    [4, 1_500],
  ] as const) {
    const id = await world.send(WORK, { n: step, ms: 1_000 });
    await world.advance(ms);
    world.crash("central");
    await world.advance(200);
    await world.start("central");
    expect(await world.ended(id), `killed ${ms} ms after`).toMatchObject({ state: "succeeded" });
  }
  await expectSound(world);
});

test("central is killed between folding an outcome and its ACK: the node sends it again, and it changes nothing", async () => {
  const world = await settled(await createWorld());
  const id = await world.send(WORK, { n: 1, ms: 1_000 });
  await world.until(() => world.state(id) === "running", "it runs");
  world.setFaults("ship1", { in: { drop: 1 } });
  await world.until(() => world.state(id) === "succeeded", "it is folded");
  await world.advance(10);
  world.crash("central");
  world.setFaults("ship1", {});
  await world.start("central");
  expect(world.message(id)).toMatchObject({ state: "succeeded", outcome: { result: 1 } });
  await expectSound(world);
  expect(await world.count("central", "steward_messages_duplicate_total")).toBeGreaterThan(0);
});

test("the node is killed before the start of what waited is durable: it has not begun, and runs once afterwards", async () => {
  const world = await settled(await createWorld());
  await world.send(WORK, { n: 1, ms: 1_000 });
  const id = await world.send(WORK, { n: 2 });
  await world.until(() => world.state(id) === "received", "it waits");
  world.setFlush("ship1", 100);
  await world.until(() => world.message(id, "ship1").state === "running", "it is about to begin");
  await world.advance(50);
  expect(world.ledger.runsOf(id)).toBe(0);
  world.crash("ship1");
  world.setFlush("ship1", 0);
  await world.start("ship1");
  expect(await world.ended(id)).toMatchObject({ state: "succeeded" });
  await expectSound(world);
});

test("a disk that refuses stops nothing for good: nothing runs that is not durable, and all goes on when it can", async () => {
  const world = await settled(await createWorld());
  world.disk("ship1").fault = "ENOSPC";
  const id = await world.send(WORK, { n: 1 });
  await world.advance(3_000);
  expect(world.ledger.runs).toEqual([]);
  expect(world.state(id)).toBe("sent");
  delete world.disk("ship1").fault;
  expect(await world.ended(id, "central", 30_000)).toMatchObject({ state: "succeeded" });
  expect(world.broker.subscriptions.match(WORK)).toHaveLength(1);
  await expectSound(world);
});

test("what runs while the core starts anew does not outlive it unseen: programs are adopted, other commands interrupted, late ends change nothing", async () => {
  const world = await settled(await createWorld());
  const program = await world.send(SHELL, ["sleep", "40000"], { timeout: 60_000 });
  const work = await world.send(WORK, { n: 1, ms: 60_000 }, { timeout: 90_000 });
  const deaf = await world.send(REDO, { do: "late", ms: 50_000 }, { timeout: 5_000 });
  await world.until(() => [program, work, deaf].every((id) => world.state(id) === "running"), "all run");
  world.disk("ship1").broken = "EIO";
  const next = await world.send(WORK, { n: 2 });
  await world.advance(12_000);
  delete world.disk("ship1").broken;
  expect(await world.ended(program)).toMatchObject({ state: "succeeded" });
  expect(await world.ended(work)).toMatchObject({ state: "interrupted" });
  expect(await world.ended(next)).toMatchObject({ state: "succeeded" });
  await world.ended(deaf);
  await world.advance(300_000);
  expect(world.ledger.runs.filter(({ method }) => method === "work").map(({ n }) => n)).toEqual([1, 2]);
  await expectSound(world);
});

test("a stop between the record that a program begins and its begin leaves it to the next daemon, and nothing behind", async () => {
  const world = await settled(await createWorld());
  world.setFlush("ship1", 500);
  const first = await world.send(SHELL, ["sleep", "80"]);
  const second = await world.send(SHELL, ["sleep", "1200"]);
  // Its daemon waits for the end of this one while it stops.
  await world.send(WORK, { n: 1, ms: 1_500 });
  // Taken after half a second; that they run is on its way to the disk.
  await world.advance(610);
  await world.stop("ship1");
  expect(world.leftovers).toEqual([]);
  world.setFlush("ship1", 0);
  await world.start("ship1");
  expect(await world.ended(first)).toMatchObject({ state: "succeeded" });
  expect(await world.ended(second)).toMatchObject({ state: "succeeded" });
  expect(world.host("ship1").ledger).toHaveLength(2);
  await expectSound(world);
});

test("what runs while the disk refuses goes on, and its outcome waits for the disk", async () => {
  const world = await settled(await createWorld());
  const work = await world.send(WORK, { n: 1, ms: 5_000 }, { timeout: 90_000 });
  await world.until(() => world.state(work) === "running", "it runs");
  world.disk("ship1").fault = "ENOSPC";
  await world.advance(30_000);
  expect(world.state(work)).toBe("running");
  delete world.disk("ship1").fault;
  expect(await world.ended(work)).toMatchObject({ state: "succeeded" });
  expect(world.ledger.runs.map(({ n }) => n)).toEqual([1]);
  await expectSound(world);
});

test("a submit that the disk refuses once it is under way is refused, and never runs", async () => {
  const world = await settled(await createWorld());
  await world.stop("ship1");
  const sending = world.daemon("central").operations.submit([{ subject: WORK, data: { n: 1 } }]);
  world.disk("central").fault = "ENOSPC";
  const refused = expect(sending).rejects.toMatchObject({ code: "journal-failed" });
  await world.advance(10_000);
  await refused;
  delete world.disk("central").fault;
  await world.start("ship1");
  await world.advance(60_000);
  const id = await world.send(WORK, { n: 2 });
  await world.ended(id);
  expect(world.ledger.runs.map(({ n }) => n)).toEqual([2]);
  await expectSound(world);
});

test("the hello of a node whose disk refuses tells central, and so does that of one whose disk has room again", async () => {
  const world = await settled(await createWorld());
  const storage = (): string | undefined =>
    world
      .daemon("central")
      .operations.nodes()
      .find(({ name }) => name === "ship1")?.storage;
  world.disk("ship1").fault = "EROFS";
  await world.advance(60_000);
  expect(storage()).toBe("full");
  delete world.disk("ship1").fault;
  await world.advance(60_000);
  expect(storage()).toBe("ok");
});

test("a submit into a journal that cannot be written is refused, and never runs", async () => {
  const world = await settled(await createWorld());
  world.disk("central").fault = "EIO";
  await expect(world.send(WORK, { n: 1 })).rejects.toMatchObject({ code: "journal-failed" });
  delete world.disk("central").fault;
  await world.advance(60_000);
  const id = await world.send(WORK, { n: 2 });
  await world.ended(id);
  expect(world.ledger.runs.map(({ n }) => n)).toEqual([2]);
  await expectSound(world);
});

test("a node that lost its disk says so, takes new commands, and runs none of the old ones again", async () => {
  const world = await settled(await createWorld());
  const before = await world.send(WORK, { n: 1 });
  await world.ended(before);
  await world.stop("ship1");
  world.loseDisk("ship1");
  await world.start("ship1");
  const after = await world.send(WORK, { n: 2 });
  expect(await world.ended(after)).toMatchObject({ state: "succeeded" });
  expect(world.ledger.runs.map(({ n }) => n)).toEqual([1, 2]);
  await world.until(() => world.alerts("central").includes("new-epoch"), "it is said");
  await expectSound(world);
});

test("central that lost its disk begins a new count: its nodes say so and take what it sends", async () => {
  const world = await settled(await createWorld());
  await world.ended(await world.send(WORK, { n: 1 }));
  world.accepted.length = 0;
  await world.stop("central");
  world.loseDisk("central");
  await world.start("central");
  const after = await world.send(WORK, { n: 2 });
  expect(await world.ended(after)).toMatchObject({ state: "succeeded" });
  await world.until(() => world.ledger.failures.some(({ code }) => code === "new-epoch"), "central hears of it");
  await expectSound(world);
});

test.each([1, 2, 3, 4, 5, 6, 7, 8])(
  "both daemons are killed at random points, seed %i: no command is lost, none runs twice",
  async (seed) => {
    const world = await settled(await createWorld({ seed }));
    const chance = (n: number): number => Math.floor(world.random.next() * n);
    for (let round = 0; round < 30; round++) {
      const subject = [WORK, REDO, SHELL][chance(3)] ?? WORK;
      const data = subject === SHELL ? ["sleep", String(chance(2_000))] : { n: round, ms: chance(2_000) };
      if (world.isUp("central")) await world.submit([{ subject, data, deliverBy: null }]);
      await world.advance(chance(700));
      const victim = ["central", "ship1", ""][chance(3)] ?? "";
      if (victim !== "" && world.isUp(victim)) world.crash(victim);
      await world.advance(chance(3_000));
      for (const name of ["central", "ship1"]) if (!world.isUp(name)) await world.start(name);
    }
    await world.allEnded(3_600_000);
    const states = new Set(world.accepted.map(({ id }) => world.state(id)));
    expect([...states].filter((state) => state !== "succeeded" && state !== "interrupted")).toEqual([]);
    await expectSound(world);
  },
);

test("a command that began before it was durable is not called expired when its deadline passes before it comes back", async () => {
  const world = await settled(await createWorld());
  await world.ended(await world.send(REDO, { n: 0 }));
  world.setFlush("ship1", 1_000);
  const id = await world.send(REDO, { n: 1 }, { deliverBy: 10_000 });
  await world.until(() => world.ledger.runsOf(id) === 1, "it has begun");
  world.crash("ship1");
  world.setFlush("ship1", 0);
  await world.advance(20_000);
  await world.start("ship1");
  expect(await world.ended(id)).toMatchObject({
    state: "interrupted",
    reason: expect.stringContaining("it may have begun here before this node was started"),
  });
  await expectSound(world);
});

test("a command that began before it was durable is not called expired either when it comes back in time and has to wait", async () => {
  const world = await settled(await createWorld());
  const redo = (concurrency: number) => ({ subscribe: [{ subject: "command.redo.os", concurrency }] });
  await world.stop("ship1");
  world.configure("ship1", redo(2));
  await world.start("ship1");
  await world.ended(await world.send(REDO, { n: 0 }));
  world.setFlush("ship1", 1_000);
  const [before, id] = await world.submit([
    { subject: REDO, data: { n: 1, ms: 20_000 } },
    { subject: REDO, data: { n: 2 }, deliverBy: 10_000 },
  ]);
  await world.until(() => world.ledger.runs.length === 3, "both have begun");
  world.crash("ship1");
  world.setFlush("ship1", 0);
  world.configure("ship1", redo(1));
  await world.start("ship1");
  expect(await world.ended(before ?? "")).toMatchObject({ state: "succeeded" });
  expect(await world.ended(id ?? "")).toMatchObject({ state: "succeeded" });
  await expectSound(world);
});

test("a command that began before it was durable is not called rejected when its node does not take it any more", async () => {
  const world = await settled(await createWorld());
  world.setFlush("ship1", 1_000);
  const id = await world.send(REDO, { n: 1 });
  await world.until(() => world.ledger.runsOf(id) === 1, "it has begun");
  world.crash("ship1");
  world.setFlush("ship1", 0);
  world.configure("ship1", { subscribe: [{ subject: "command.work.os" }] });
  await world.start("ship1");
  expect(await world.ended(id)).toMatchObject({ state: "interrupted" });
  await expectSound(world);
});

test("a command that may run again and cannot have begun is expired: it was first sent to the node that answers", async () => {
  const world = await settled(await createWorld());
  await world.ended(await world.send(REDO, { n: 0 }));
  world.setFaults("ship1", { in: { drop: 1 } });
  const id = await world.send(REDO, { n: 1 }, { deliverBy: 10_000 });
  await world.advance(12_000);
  world.setFaults("ship1", {});
  expect(await world.ended(id)).toMatchObject({ state: "expired" });
  await expectSound(world);
});
