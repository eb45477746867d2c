import { expect, test } from "vitest";
import { judge } from "./check.ts";
import { expectSound, settled } from "./sound.ts";
import { createWorld } from "./world.ts";

/** Everything that can be seen of a run with faults of all kinds. */
async function story(seed: number): Promise<unknown> {
  const world = await settled(await createWorld({ seed, nodes: { ship1: {}, ship2: {} } }));
  const faults = { drop: 0.1, duplicate: 0.2, flip: 0.05, reorder: { share: 0.3, within: 100 } };
  world.setFaults("ship1", { in: faults, out: faults });
  for (let n = 0; n < 12; n++) {
    await world.submit([
      { subject: `ship${1 + (n % 2)}.command.work.os`, data: { n, ms: 300 } },
      { subject: `ship${1 + (n % 2)}.command.redo.os`, data: n % 5 === 0 ? { do: "throwOnce" } : {} },
    ]);
    await world.submit({ subject: "central.event.note.news", data: { n } }, "ship2");
    await world.advance(Math.floor(world.random.next() * 500));
    if (n % 4 === 1) world.crash("ship1");
    await world.advance(Math.floor(world.random.next() * 500));
    if (!world.isUp("ship1")) await world.start("ship1");
  }
  world.setFaults("ship1", {});
  await world.allEnded();
  await expectSound(world);
  return {
    runs: world.ledger.runs,
    notes: [...world.ledger.notes],
    happenings: world.nodes.map((name) => world.happenings(name, "transition")),
    messages: world.nodes.map((name) => world.happenings(name, "message")),
    end: world.time.now(),
  };
}

test("the same seed gives the same run, to the last transition; another one gives another", async () => {
  const first = await story(42);
  expect(await story(42)).toEqual(first);
  expect(await story(43)).not.toEqual(first);
});

test("a daemon that was stopped leaves nothing behind: no timer, no link, no subscription", async () => {
  const world = await settled(await createWorld());
  await world.ended(await world.send("ship1.command.work.os"));
  await world.ended(await world.send("ship1.command.redo.os", { do: "throw" }));
  await world.ended(await world.send("ship1.command.shellcommand.os", ["sleep", "1000"]));
  await world.stop("ship1", "central");
  expect(world.leftovers).toEqual([]);
  for (const subject of ["ship1.command.work.os", "central.event.work.os", "_INBOX.ship1.x.y"]) {
    expect(world.broker.subscriptions.match(subject)).toEqual([]);
  }
});

test("a daemon that is stopped while it waits to resume its publishers leaves no timer behind", async () => {
  const world = await settled(await createWorld({ nodes: { ship1: {}, ship2: {} } }));
  await world.ended(await world.send("ship1.command.work.os"));
  await world.stop("ship1");
  await world.start("ship1");
  await world.stop("central");
  expect(world.leftovers).toEqual([]);
});

test("a daemon that is stopped while a program runs hands it over, and leaves no timer behind", async () => {
  const world = await settled(await createWorld());
  const id = await world.send("ship1.command.shellcommand.os", ["sleep", "30000"]);
  await world.until(() => world.state(id) === "running", "it runs");
  await world.stop("ship1");
  expect(world.leftovers).toEqual([]);
});

test("the check finds what it is there to find: a second run, a lost message, a changed end", async () => {
  const world = await settled(await createWorld());
  const id = await world.send("ship1.command.work.os");
  await world.ended(id);
  world.accepted.push({ id: "01ARZ3NDEKTSV4RRFFQ69G5FAV", subject: "ship1.command.work.os", origin: "central" });
  world.ledger.runs.push(...world.ledger.runs);
  world.finals.set(id, ["expired", "succeeded"]);
  const { lost, doubled, breaches } = judge(world);
  expect(lost).toEqual(["01ARZ3NDEKTSV4RRFFQ69G5FAV"]);
  expect(doubled).toEqual([id]);
  expect(breaches).toEqual([
    expect.stringContaining("changed its final state"),
    expect.stringContaining("ran 2 times"),
    expect.stringContaining("is not in the journal"),
  ]);
});

test("the check finds a journal of which the rows do not agree", async () => {
  const world = await settled(await createWorld());
  await world.ended(await world.send("ship1.command.work.os"));
  expect(judge(world).breaches).toEqual([]);
  const store = world.store("ship1");
  store.put("progress", [77, 0], []);
  expect(judge(world).breaches).toEqual(["the journal of ship1 is not sound: progress [77,0]: there is no such frame"]);
  store.remove("progress", [77, 0]);
});
