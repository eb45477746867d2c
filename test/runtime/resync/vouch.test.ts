import { expect, test } from "vitest";
import type { Packet } from "../../../src/broker/transport.ts";
import { expectSound, settled } from "../../harness/world/sound.ts";
import { quiet } from "../../harness/world/time.ts";
import { createWorld, type World } from "../../harness/world/world.ts";
import type { Disk } from "../../twins/memory-store.ts";

/** Hosts that are put back in place, disk and all: their files are the very same, and nothing on them shows it. */
const WORK = "ship1.command.work.os";
const REDO = "ship1.command.redo.os";
const SHELL = "ship1.command.shellcommand.os";
const DOUBT = "was restored from a copy: whether it ran since cannot be proved";

const codes = (world: World, node: string): unknown[] =>
  world.lines(node).map(({ fields }) => (fields as { code?: string }).code);
const ran = (world: World): unknown[] => world.ledger.runs.map(({ n }) => n);

/** A ship1 on which one command runs and `waits` lies behind it, and its disk as it was then. */
async function held(subject = WORK, data: object = { n: 2 }): Promise<{ world: World; waits: string; image: Disk }> {
  const world = await settled(await createWorld());
  await world.send(WORK, { n: 1, ms: 30_000 });
  if (subject !== WORK) await world.send(subject, subject === SHELL ? ["sleep", "30000"] : { n: 1, ms: 30_000 });
  const waits = await world.send(subject, data as never);
  await world.until(() => world.state(waits) === "received", "it waits on the node");
  return { world, waits, image: world.backup("ship1") };
}

async function putBack(world: World, name: string, image: Disk): Promise<void> {
  world.powerCut(name);
  world.restore(name, image, { inPlace: true });
  await world.start(name);
}

test("what waited on a node when its image was made, and ran since, does not begin again: its origin knows better", async () => {
  const { world, waits, image } = await held();
  expect(await world.ended(waits)).toMatchObject({ state: "succeeded" });
  await putBack(world, "ship1", image);
  await world.until(() => world.message(waits, "ship1").final, "it is over on the node too");
  expect(world.reason(waits, "ship1")).toContain(DOUBT);
  expect(world.state(waits)).toBe("succeeded");
  expect(codes(world, "ship1")).toContain("journal-restored");
  const next = await world.send(WORK, { n: 3 });
  expect(await world.ended(next)).toMatchObject({ state: "succeeded" });
  expect(ran(world)).toEqual([1, 2, 3]);
});

test("a node that was put back, and whose clock went back with it, takes no end back that was told", async () => {
  const { world, waits, image } = await held();
  expect(await world.ended(waits)).toMatchObject({ state: "succeeded" });
  world.powerCut("ship1");
  world.setClock("ship1", -86_400_000);
  world.restore("ship1", image, { inPlace: true });
  await world.start("ship1");
  await world.until(() => world.message(waits, "ship1").final, "it is over on the node too");
  await world.advance(60_000);
  expect(world.message(waits)).toMatchObject({ state: "succeeded", conflict: { state: "interrupted" } });
});

test("a node that was put back gives numbers again: none of its events counts as received before all of them are", async () => {
  const world = await settled(await createWorld());
  const note = (n: number): Promise<string> => world.send("central.event.note.news", { n }, {}, "ship1");
  await note(1);
  await world.drained();
  const image = world.backup("ship1");
  // Both are on their way to the disk of central when the node gives the second number again, and a third one after it.
  world.setFlush("central", 5_000);
  await note(2);
  await world.advance(50);
  await putBack(world, "ship1", image);
  const events = [await note(3), await note(4)];
  world.setFlush("central", 0);
  for (const id of events) await world.until(() => world.message(id, "ship1").final, "central has it");
  await world.drained();
  const stored = world.ledger.notesOf("central", "ship1").map((data) => (data as { n: number }).n);
  expect(stored.sort()).toEqual([1, 2, 3, 4]);
});

test("a program that waited when the image was made, and ran since, is not started again", async () => {
  const { world, waits, image } = await held(SHELL, ["exit", "0"]);
  expect(await world.ended(waits)).toMatchObject({ state: "succeeded" });
  await putBack(world, "ship1", image);
  await world.until(() => world.message(waits, "ship1").final, "it is over on the node too");
  expect(world.host("ship1").ledger.filter((id) => id === waits)).toHaveLength(1);
});

test("a command that waits for the word of an origin that does not give it is shown, with an alert, until it goes on", async () => {
  const { world, waits } = await held();
  world.cut("central");
  world.powerCut("ship1");
  await world.start("ship1");
  const told = (): unknown => codes(world, "ship1").filter((code) => code === "command-waits");
  await world.advance(20_000);
  expect(told()).toEqual([]);
  await world.advance(15_000);
  expect(told()).toEqual(["command-waits"]);
  world.heal("central");
  expect(await world.ended(waits)).toMatchObject({ state: "succeeded" });
});

test("a program that had its turn and did not begin before a crash begins before those that were taken after it", async () => {
  const world = await settled(await createWorld());
  // The crash comes between the word that it is about to begin, and its begin.
  world.setFlush("ship1", 5_000);
  const [first = "", second = ""] = await world.submit(
    ["a", "b"].map((text) => ({ subject: SHELL, data: ["print", text] })),
  );
  await world.until(() => world.host("ship1").prepared.has(first), "the first is about to begin");
  await world.advance(100);
  world.crash("ship1");
  expect(world.host("ship1").ledger).toEqual([]);
  world.setFlush("ship1", 0);
  await world.start("ship1");
  await world.ended(first);
  await world.ended(second);
  expect(world.host("ship1").ledger).toEqual([first, second]);
  await expectSound(world);
});

test("a program that had its turn before a crash, and that its origin has forgotten since, is not begun, and not tried for ever", async () => {
  const world = await settled(await createWorld());
  world.setFlush("ship1", 5_000);
  const [first = ""] = await world.submit([{ subject: SHELL, data: ["print", "a"] }]);
  await world.until(() => world.host("ship1").prepared.has(first), "it is about to begin");
  await world.advance(100);
  world.crash("ship1");
  world.crash("central");
  world.loseDisk("central");
  await world.start("central");
  world.setFlush("ship1", 0);
  await world.start("ship1");
  await world.until(() => world.message(first, "ship1").final, "it is over on the node");
  expect(world.reason(first, "ship1")).toContain(DOUBT);
  expect(world.host("ship1").ledger).toEqual([]);
});

test("a node that was put back and whose origin was only told of other things doubts what it holds all the same", async () => {
  const { world, waits, image } = await held();
  // It runs, and nobody hears of that; but central hears of an event that came after.
  await world.until(() => world.ledger.runsOf(waits) === 1, "it runs");
  world.crash("ship1");
  await world.start("ship1");
  const told = await world.send("central.event.note.news", { n: 9 }, {}, "ship1");
  await world.until(() => world.message(told, "ship1").final, "central has the event");
  await putBack(world, "ship1", image);
  await world.until(() => world.message(waits, "ship1").final, "it is over on the node too");
  expect(world.ledger.runsOf(waits)).toBe(1);
});

test("a command that is sent again to a node that was put back, and may have run there before, waits for the word too", async () => {
  const world = await settled(await createWorld());
  await world.ended(await world.send(WORK, { n: 1 }));
  const image = world.backup("ship1");
  await world.ended(await world.send(REDO, { n: 2 }));
  world.setFaults("ship1", { out: { drop: 1 } });
  const twice = await world.send(WORK, { n: 3 });
  await world.until(() => world.ledger.runsOf(twice) === 1, "it ran, and nobody heard of it");
  world.setFaults("ship1", {});
  await putBack(world, "ship1", image);
  expect(await world.ended(twice)).toMatchObject({ state: "interrupted" });
  expect(world.ledger.runsOf(twice)).toBe(1);
});

test("a first sending that comes a life too late, to a node that was put back since, begins nothing", async () => {
  const world = await settled(await createWorld());
  await world.ended(await world.send(WORK, { n: 1 }));
  const image = world.backup("ship1");
  // A slow way, or somebody at the broker, has a copy of all that is sent.
  const late = world.broker.connect("late");
  await quiet();
  const kept: Packet[] = [];
  late.subscribe(WORK, (packet) => kept.push(packet));
  const once = await world.send(WORK, { n: 2 });
  expect(await world.ended(once)).toMatchObject({ state: "succeeded" });
  await putBack(world, "ship1", image);
  for (const { subject, payload, reply } of kept.splice(0)) late.publish(subject, payload, reply);
  await world.drained();
  expect(codes(world, "ship1")).toContain("journal-restored");
  const next = await world.send(WORK, { n: 3 });
  expect(await world.ended(next)).toMatchObject({ state: "succeeded" });
  expect(world.state(once)).toBe("succeeded");
  expect(ran(world)).toEqual([1, 2, 3]);
});

test("what waits on a node whose host was booted begins when its origin vouches for it, and not before", async () => {
  const { world, waits } = await held();
  world.powerCut("ship1");
  world.cut("ship1");
  await world.start("ship1");
  await world.advance(600_000);
  expect(world.message(waits, "ship1")).toMatchObject({
    state: "received",
    reason: "waits until central says that it has not run: this daemon was restarted",
  });
  world.heal("ship1");
  expect(await world.ended(waits)).toMatchObject({ state: "succeeded" });
  expect(ran(world)).toEqual([1, 2]);
  await expectSound(world);
});

test("what may run twice waits for nobody", async () => {
  const { world, waits } = await held(REDO);
  world.powerCut("ship1");
  world.cut("ship1");
  await world.start("ship1");
  await world.advance(60_000);
  expect(world.message(waits, "ship1").state).toBe("succeeded");
});

test("a question or a word that is lost is asked again, and what comes meanwhile keeps its place behind", async () => {
  const { world, waits } = await held();
  world.powerCut("ship1");
  world.setFaults("ship1", { out: { drop: 0.7 } });
  await world.start("ship1");
  const next = await world.send(WORK, { n: 3 });
  expect(await world.ended(waits, "central", 900_000)).toMatchObject({ state: "succeeded" });
  expect(await world.ended(next, "central", 900_000)).toMatchObject({ state: "succeeded" });
  expect(ran(world)).toEqual([1, 2, 3]);
});

test("what its origin does not know any more does not begin after a restart of the node", async () => {
  const { world, waits } = await held();
  world.crash("ship1");
  world.crash("central");
  world.loseDisk("central");
  await world.start("central", "ship1");
  await world.until(() => world.message(waits, "ship1").final, "it is over on the node");
  expect(world.message(waits, "ship1")).toMatchObject({ state: "interrupted" });
  expect(ran(world)).toEqual([1]);
});

test("central that is put back asks for the ends that it had heard of and forgot, also when nothing else shows it", async () => {
  const world = await settled(await createWorld());
  const id = await world.send(WORK, { n: 1, ms: 10_000 });
  await world.until(() => world.state(id) === "running", "it runs");
  const image = world.backup("central");
  expect(await world.ended(id)).toMatchObject({ state: "succeeded" });
  await putBack(world, "central", image);
  expect(await world.ended(id)).toMatchObject({ state: "succeeded" });
  expect(ran(world)).toEqual([1]);
});

test("central that is put back and forgot what it had sent gives no number twice, and nothing runs again", async () => {
  const world = await settled(await createWorld());
  await world.ended(await world.send(WORK, { n: 1 }));
  const image = world.backup("central");
  for (let n = 2; n <= 5; n++) await world.ended(await world.send(WORK, { n }));
  await putBack(world, "central", image);
  const next = await world.send(WORK, { n: 6 });
  expect((await world.ended(next, "central", 600_000)).state).toMatch(/succeeded|interrupted/);
  const last = await world.send(WORK, { n: 7 });
  expect(await world.ended(last, "central", 600_000)).toMatchObject({ state: "succeeded" });
  expect(codes(world, "central")).toContain("journal-restored");
  expect(new Set(ran(world)).size).toBe(ran(world).length);
});

test("what is submitted while the core is built anew is refused, and not accepted into a journal that is closed", async () => {
  const world = await settled(await createWorld());
  const image = world.backup("central");
  await world.ended(await world.send(WORK, { n: 1 }));
  await putBack(world, "central", image);
  await world.send(WORK, { n: 2 });
  const answers: unknown[] = [];
  const tell = (answer: unknown): void => void answers.push(answer);
  for (let i = 0; i < 60; i++) {
    world
      .daemon("central")
      .operations.submit([{ subject: WORK, data: { n: 10 + i } }])
      .then(
        ([accepted]) => tell(accepted?.id),
        (error: { code: string }) => tell(error.code),
      );
    await world.advance(10);
  }
  await world.advance(5_000);
  expect(answers).toHaveLength(60);
  expect(answers).toContain("journal-failed");
  const ids = answers.filter((answer) => answer !== "journal-failed") as string[];
  expect(ids.length).toBeGreaterThan(0);
  for (const id of ids) expect(world.message(id).id).toBe(id);
});
