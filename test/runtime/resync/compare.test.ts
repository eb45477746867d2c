import { expect, test } from "vitest";
import { expectSound, settled } from "../../harness/world/sound.ts";
import { createWorld, type World } from "../../harness/world/world.ts";

const WORK = "ship1.command.work.os";
const REDO = "ship1.command.redo.os";
/** The codes of failures in a node's log. */
const saidBy = (world: World, node: string): unknown[] =>
  world.lines(node).map(({ fields }) => (fields as { code?: string }).code);
const LOST = "ship1 has lost its record of it: whether it ran cannot be proved";

/** A command that ran on a disk that is lost since; nobody heard of it, and its node is down and mute. */
async function ranOnLostDisk(world: World): Promise<string> {
  world.setFaults("ship1", { out: { drop: 1 } });
  const id = await world.send(WORK, { n: 1 });
  await world.until(() => world.ledger.runs.length === 1, "it ran, and nobody heard of it");
  world.crash("ship1");
  world.loseDisk("ship1");
  return id;
}

test("a node that is installed anew while commands are on it: each ends as interrupted, in words, and none runs again", async () => {
  const world = await settled(await createWorld());
  const runs = await world.send(WORK, { n: 1, ms: 60_000 });
  const waits = await world.send(WORK, { n: 2 });
  await world.until(() => world.state(waits) === "received", "both are there");
  world.powerCut("ship1");
  world.loseDisk("ship1");
  await world.start("ship1");
  expect(await world.ended(runs)).toMatchObject({ state: "interrupted", reason: LOST });
  expect(await world.ended(waits)).toMatchObject({ state: "interrupted", reason: LOST });
  // Who watches hears of it as well.
  await world.until(
    () => world.happenings("central", "message").some(({ id, state }) => id === waits && state === "interrupted"),
    "central tells of it",
  );
  const next = await world.send(WORK, { n: 3 });
  expect(await world.ended(next)).toMatchObject({ state: "succeeded" });
  expect(world.ledger.runs.map(({ n }) => n)).toEqual([1, 3]);
  expect(world.node("ship1").session).toBe("live");
});

test("a command that may have begun on a disk that is lost does not begin a second time on the next one", async () => {
  const world = await settled(await createWorld());
  world.setFaults("ship1", { out: { drop: 1 } });
  const once = await world.send(WORK, { n: 1 });
  const again = await world.send(REDO, { n: 2 });
  await world.until(() => world.ledger.runs.length === 2, "they ran, and nobody heard of it");
  world.crash("ship1");
  world.loseDisk("ship1");
  world.setFaults("ship1", {});
  await world.start("ship1");
  expect(await world.ended(once)).toMatchObject({
    state: "interrupted",
    reason: "it may have begun here before this node lost its journal",
  });
  // What may run twice does.
  expect(await world.ended(again)).toMatchObject({ state: "succeeded" });
  expect(world.ledger.runsOf(once)).toBe(1);
});

test("a first sending that was overtaken by the second and comes after the disk was lost runs nothing again", async () => {
  const world = await settled(await createWorld());
  world.setFaults("central", { out: { delay: 5_000 } });
  const late = await world.send(WORK, { n: 1 });
  await world.advance(50);
  world.setFaults("central", {});
  const next = await world.send(WORK, { n: 2 });
  await world.ended(late);
  await world.ended(next);
  world.crash("ship1");
  world.loseDisk("ship1");
  await world.start("ship1");
  await world.advance(10_000);
  expect(world.ledger.runs.map(({ n }) => n)).toEqual([1, 2]);
  expect(world.state(late)).toBe("succeeded");
  expect(await world.ended(await world.send(WORK, { n: 3 }))).toMatchObject({ state: "succeeded" });
  await expectSound(world);
});

test("what was never sent to the lost disk runs on the next one, also beside what was", async () => {
  const world = await settled(await createWorld());
  const doubtful = await ranOnLostDisk(world);
  await world.until(() => world.node("ship1").link === "offline", "it is away");
  const waits = await world.send(WORK, { n: 2 });
  world.setFaults("ship1", {});
  await world.start("ship1");
  expect(await world.ended(doubtful)).toMatchObject({ state: "interrupted" });
  expect(await world.ended(waits)).toMatchObject({ state: "succeeded" });
  expect(world.ledger.runs.map(({ n }) => n)).toEqual([1, 2]);
});

test("a node that was installed anew while central was down runs what waited for it", async () => {
  const world = await settled(await createWorld());
  await world.ended(await world.send(WORK, { n: 1 }));
  await world.stop("ship1");
  await world.until(() => world.node("ship1").link === "offline", "it is away");
  const waits = await world.send(WORK, { n: 2 });
  await world.stop("central");
  world.loseDisk("ship1");
  await world.start("ship1");
  await world.start("central");
  expect(await world.ended(waits)).toMatchObject({ state: "succeeded" });
  expect(world.ledger.runs.map(({ n }) => n)).toEqual([1, 2]);
});

test("a node that loses its disk before it was ever heard runs no command a second time", async () => {
  const world = await settled(await createWorld());
  world.setFaults("ship1", { out: { drop: 1 } });
  world.crash("central");
  world.loseDisk("central");
  await world.start("central");
  const id = await world.send(WORK, { n: 1 });
  await world.advance(10_000);
  world.crash("ship1");
  world.loseDisk("ship1");
  world.setFaults("ship1", {});
  await world.start("ship1");
  await world.ended(id);
  expect(world.ledger.runsOf(id)).toBe(world.state(id) === "succeeded" ? 1 : 0);
});

test("what went to a lost disk stays doubtful when the next disk answers for what came after it", async () => {
  const world = await settled(await createWorld());
  const first = await ranOnLostDisk(world);
  await world.start("ship1");
  world.setFaults("ship1", {});
  // The new journal meets the second command before the first comes again: it answers that one is missing.
  const second = await world.send(WORK, { n: 2 });
  expect(await world.ended(first)).toMatchObject({ state: "interrupted" });
  await world.ended(second);
  expect(world.ledger.runsOf(first)).toBe(1);
});

test("an ACK of a disk that is lost, which comes after the next one was asked, leaves no command open", async () => {
  const world = await settled(await createWorld());
  world.setFaults("central", { in: { delay: 3_000 } });
  const id = await world.send(REDO, { n: 1, ms: 60_000 });
  await world.until(() => world.ledger.runs.length === 1, "it runs; its ACK is on its way");
  world.setFaults("central", {});
  world.powerCut("ship1");
  world.loseDisk("ship1");
  // The ACK overtakes all that central asks the new disk.
  world.setFaults("ship1", { in: { delay: 5_000 } });
  await world.start("ship1");
  await world.until(() => world.state(id) === "running", "central has the ACK");
  world.setFaults("ship1", {});
  expect(await world.ended(id)).toMatchObject({ state: "interrupted", reason: LOST });
  await expectSound(world);
});

test("a command whose deadline passes after it went to a disk that is lost is not called expired", async () => {
  const world = await settled(await createWorld());
  world.setFaults("ship1", { out: { drop: 1 } });
  const id = await world.send(WORK, { n: 1 }, { deliverBy: 20_000 });
  await world.until(() => world.ledger.runs.length === 1, "it ran, and nobody heard of it");
  world.crash("ship1");
  world.loseDisk("ship1");
  await world.advance(60_000);
  world.setFaults("ship1", {});
  await world.start("ship1");
  expect(await world.ended(id)).toMatchObject({
    state: "interrupted",
    reason: "it may have begun here before this node lost its journal",
  });
});

test("a node that comes back with its disk is asked what became of its commands, and is live when both think the same", async () => {
  const world = await settled(await createWorld());
  const id = await world.send(WORK, { n: 1, ms: 20_000 });
  await world.until(() => world.state(id) === "running", "it runs");
  world.cut("ship1");
  await world.until(() => world.node("ship1").link === "offline", "it is offline", 600_000);
  expect(world.node("ship1").session).toBe("none");
  world.heal("ship1");
  await world.until(() => world.node("ship1").session === "live", "they agree");
  expect(await world.ended(id)).toMatchObject({ state: "succeeded" });
  const sessions = world.node("ship1").changes.filter(({ region }) => region === "session");
  expect(sessions.map(({ to }) => to)).toEqual(["resyncing", "live", "none", "resyncing", "live"]);
  await expectSound(world);
});

test.each([
  { way: "from a copy of its files", inPlace: false },
  { way: "with its whole host, files and all", inPlace: true },
])(
  "a node that is restored $way runs nothing again, loses nothing that it is sent, and says so",
  async ({ inPlace }) => {
    const world = await settled(await createWorld());
    await world.ended(await world.send(WORK, { n: 0 }));
    await world.stop("ship1");
    const backup = world.backup("ship1");
    await world.start("ship1");
    for (let n = 1; n <= 5; n++) await world.ended(await world.send(WORK, { n }));
    const running = await world.send(WORK, { n: 6, ms: 60_000 });
    await world.until(() => world.state(running) === "running", "it runs");
    world.powerCut("ship1");
    world.restore("ship1", backup, { inPlace });
    await world.start("ship1");
    expect(await world.ended(running)).toMatchObject({ state: "interrupted", reason: LOST });
    const next = await world.send(WORK, { n: 7 });
    expect(await world.ended(next, "central", 600_000)).toMatchObject({ state: "succeeded" });
    expect(world.ledger.runs.map(({ n }) => n)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(saidBy(world, "ship1")).toContain("journal-restored");
    // The outcomes of all commands that the node has forgotten are at central: nothing of them is lost.
    expect(saidBy(world, "ship1")).not.toContain("journal-lost");
    await world.until(
      () => world.ledger.failures.some(({ code }) => code === "journal-restored"),
      "central hears of it",
    );
  },
);

test("central that is restored from a backup sends what it holds again: nothing runs twice, and each outcome comes home", async () => {
  const world = await settled(await createWorld());
  await world.stop("ship1");
  const queued: string[] = [];
  for (let n = 1; n <= 5; n++) queued.push(await world.send(WORK, { n }));
  await world.stop("central");
  const backup = world.backup("central");
  await world.start("central", "ship1");
  for (const id of queued) await world.ended(id);
  const late = await world.send(WORK, { n: 6, ms: 20_000 });
  await world.until(() => world.state(late) === "running", "it runs");
  await world.stop("central");
  world.restore("central", backup);
  await world.start("central");
  for (const id of queued) expect(await world.ended(id, "central", 600_000)).toMatchObject({ state: "succeeded" });
  expect(saidBy(world, "central")).toContain("journal-restored");
  const next = await world.send(WORK, { n: 7 });
  expect(await world.ended(next, "central", 600_000)).toMatchObject({ state: "succeeded" });
  expect(world.ledger.runs.map(({ n }) => n)).toEqual([1, 2, 3, 4, 5, 6, 7]);
});

test("what a restored journal had unfinished is interrupted, for it may have run since", async () => {
  const world = await settled(await createWorld());
  await world.send(WORK, { n: 1, ms: 30_000 });
  const waits = await world.send(WORK, { n: 2 });
  await world.until(() => world.state(waits) === "received", "it waits on the node");
  world.powerCut("ship1");
  const backup = world.backup("ship1");
  await world.start("ship1");
  expect(await world.ended(waits)).toMatchObject({ state: "succeeded" });
  await world.stop("ship1");
  world.restore("ship1", backup);
  await world.start("ship1");
  await world.until(() => world.message(waits, "ship1").final, "it is over on the node too");
  expect(world.reason(waits, "ship1")).toContain("restored from a copy");
  expect(world.state(waits)).toBe("succeeded");
  expect(world.ledger.runsOf(waits)).toBe(1);
});

test("a node that is lost with a question that it has not answered is asked anew, and no question stays open", async () => {
  let lost = 0;
  for (let seed = 1; seed <= 20; seed++) {
    const world = await settled(await createWorld({ seed }));
    const id = await world.send(WORK, { n: 1, ms: 60_000 });
    await world.until(() => world.state(id) === "running", "it runs");
    const questions = () =>
      world
        .daemon("central")
        .operations.messages({ limit: 100 })
        .filter(({ subject }) => subject === "ship1.command.compare.steward");
    world.powerCut("ship1");
    world.setFaults("ship1", { out: { drop: 0.6 } });
    await world.start("ship1");
    await world.advance(500);
    lost += questions().filter(({ state }) => state === "received" || state === "running").length;
    world.powerCut("ship1");
    world.loseDisk("ship1");
    world.setFaults("ship1", {});
    await world.start("ship1");
    expect(await world.ended(id)).toMatchObject({ state: "interrupted" });
    await world.until(() => questions().every(({ final }) => final), "no question is open");
    await world.until(() => world.node("ship1").session === "live", "they agree");
  }
  // Some of them took a question, and their answer never came.
  expect(lost).toBeGreaterThan(0);
});

test("a node that lost its journal is found out also by a central that was restarted meanwhile", async () => {
  const world = await settled(await createWorld());
  world.crash("central");
  await world.start("central");
  const id = await world.send(WORK, { n: 1, ms: 60_000 });
  await world.until(() => world.state(id) === "running", "it runs");
  world.powerCut("ship1");
  world.loseDisk("ship1");
  await world.start("ship1");
  expect(await world.ended(id)).toMatchObject({ state: "interrupted", reason: LOST });
});

test("a node that has answered before its first hello, and then comes with another journal, has lost what it answered for", async () => {
  const world = await settled(await createWorld());
  world.crash("central");
  world.loseDisk("central");
  await world.start("central");
  const id = await world.send(WORK, { n: 1, ms: 60_000 });
  await world.until(() => world.state(id) === "running", "it runs");
  world.powerCut("ship1");
  world.loseDisk("ship1");
  await world.start("ship1");
  expect(await world.ended(id)).toMatchObject({ state: "interrupted", reason: LOST });
});
