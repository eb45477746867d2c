import { expect, test } from "vitest";
import { settled } from "../../harness/world/sound.ts";
import { createWorld, type World } from "../../harness/world/world.ts";

const WORK = "ship1.command.work.os";
const ALERT = "node-cloned";
const HELLO = 10_000;

/** A world in which `twin` is a second host that will call itself ship1. */
const withTwin = (seed = 1): Promise<World> =>
  createWorld({ seed, nodes: { ship1: {}, twin: { node: "ship1" }, central: { nodes: ["ship1"] } } });

/** Both live, the second on a copy of the data directory of the first. */
async function cloned(seed?: number): Promise<World> {
  const world = await withTwin(seed);
  await world.start("central", "ship1");
  await world.advance(2_500);
  await world.ended(await world.send(WORK, { n: 0 }));
  world.restore("twin", world.backup("ship1"));
  await world.start("twin");
  await world.until(() => world.alerts().includes(ALERT), "it is noticed", 6 * HELLO);
  return world;
}

test("two hosts with one name: both are held back, one alert names both journals, and nothing runs or is lost", async () => {
  const world = await cloned();
  const { heldBack = "" } = world.node("ship1");
  const epochs = /^two nodes call themselves ship1 \(journals ([0-9a-f]{16}) and ([0-9a-f]{16})\)$/.exec(heldBack);
  expect(new Set(epochs?.slice(1)).size).toBe(2);
  const waits = await world.send(WORK, { n: 1 });
  const event = await world.send("central.event.note.news", { n: 2 }, {}, "ship1");
  await world.advance(10 * HELLO);
  expect(world.alerts().filter((code) => code === ALERT)).toHaveLength(1);
  expect(world.message(waits)).toMatchObject({ state: "queued", reason: heldBack });
  expect(world.state(event, "ship1")).toBe("sent");
  expect(world.ledger.notesOf("central", "ship1")).toEqual([]);
  expect(await world.count("central", "steward_refused_total", ALERT)).toBeGreaterThan(0);
  // Their hellos are still evidence of life.
  expect(world.node("ship1").link).toBe("online");
  expect(world.ledger.runs).toHaveLength(1);
});

test.each(["ship1", "twin"])(
  "when one of two with one name is gone, the other goes on by itself: %s stops",
  async (gone) => {
    const world = await cloned();
    const id = await world.send(WORK, { n: 1 });
    const left = gone === "twin" ? "ship1" : "twin";
    const event = await world.send("central.event.note.news", { n: 2 }, {}, left);
    await world.stop(gone);
    expect(await world.ended(id)).toMatchObject({ state: "succeeded" });
    await world.until(() => world.message(event, left).final, "its event is there");
    expect(world.node("ship1").heldBack).toBeUndefined();
    expect(world.ledger.runs.map(({ node, n }) => [node, n])).toEqual([
      ["ship1", 0],
      [left, 1],
    ]);
    expect(world.ledger.notesOf("central", "ship1")).toEqual([{ n: 2 }]);
    const said = world.lines("central").filter(({ text }) => text.includes("is one node again"));
    expect(said.map(({ text }) => text)).toEqual([
      expect.stringMatching(/^ship1 is one node again: journal \w+ goes on, \w+ is not heard any more$/),
    ]);
    await world.until(() => world.node("ship1").session === "live", "they agree");
  },
);

test("a node that is installed anew and restored again and again is no clone, also when its packets are late and come twice", async () => {
  for (let seed = 1; seed <= 10; seed++) {
    const world = await settled(await createWorld({ seed }));
    const backup = world.backup("ship1");
    const late = { delay: 8_000, duplicate: 0.5, reorder: { share: 0.5, within: 5_000 } };
    world.setFaults("ship1", { out: late });
    for (const act of ["lose", "restore", "in place", "lose", "in place", "restore"]) {
      await world.advance(3_000 + world.random.next() * 20_000);
      world.powerCut("ship1");
      if (act === "lose") world.loseDisk("ship1");
      else world.restore("ship1", backup, { inPlace: act === "in place" });
      await world.start("ship1");
      await world.send(WORK, { n: 1 });
    }
    world.setFaults("ship1", {});
    await world.advance(6 * HELLO);
    expect(world.alerts(), `seed ${seed}`).not.toContain(ALERT);
    await world.end();
  }
});
