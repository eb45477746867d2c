import { expect, test } from "vitest";
import { expectSound, settled } from "../../harness/world/sound.ts";
import { createWorld, type World } from "../../harness/world/world.ts";

/** Losses within ten minutes that are still none too many. */
const MOST = 5;

async function flap(world: World, times: number): Promise<void> {
  for (let i = 0; i < times; i++) {
    world.setFaults("ship1", { out: { drop: 1 } });
    await world.until(() => world.node("ship1").link === "late", "it is late");
    world.setFaults("ship1", {});
    await world.until(() => world.node("ship1").link === "online", "it is heard again");
  }
}

const alerts = (world: World, at = "central"): string[] =>
  world.happenings(at, "alert").flatMap(({ code, text }) => (code.startsWith("flapping") ? [text] : []));

/** Off and on, by the clock. */
async function cutAgainAndAgain(world: World, name: string, times: number, down: number, up: number): Promise<void> {
  for (let i = 0; i < times; i++) {
    world.cut(name);
    await world.advance(down);
    world.heal(name);
    await world.advance(up);
  }
}

const OWN = "this node has lost its broker for the 6th time within 10 minutes: its link flaps (the connection was cut)";

test("a node that is lost again and again is one alert, and one more word when its link is calm again", async () => {
  const world = await settled(await createWorld());
  await flap(world, MOST);
  expect(alerts(world)).toEqual([]);
  await flap(world, 1);
  const begun = "ship1 is late for the 6th time within 10 minutes: its link flaps (no sign of life)";
  expect(alerts(world)).toEqual([begun]);
  await flap(world, 10);
  expect(alerts(world)).toEqual([begun]);
  await world.advance(560_000);
  expect(alerts(world)).toEqual([begun]);
  await world.advance(60_000);
  expect(alerts(world)).toEqual([begun, "the link of ship1 was not lost for 10 minutes"]);
  await flap(world, MOST);
  expect(alerts(world)).toHaveLength(2);
  await expectSound(world);
});

test("a node that is lost now and then is no alert; a stop while one flaps leaves no timer", async () => {
  const world = await settled(await createWorld());
  for (let i = 0; i < MOST + 3; i++) {
    await flap(world, 1);
    await world.advance(180_000);
  }
  expect(alerts(world)).toEqual([]);
  await flap(world, MOST + 1);
  expect(alerts(world)).toHaveLength(1);
  await world.stop("central");
  expect(world.leftovers).toEqual([]);
});

test.each([
  ["lan", "10s"],
  ["gsm", "60s"],
  ["satellite", "300s"],
])(
  "a link that is cut for 20 s and back for 5 s, again and again, is one alert of the node that sees it: %s",
  async (link, hello) => {
    const profile = { link, hello };
    const world = await settled(await createWorld({ nodes: { central: profile, ship1: profile } }));
    await cutAgainAndAgain(world, "ship1", MOST, 20_000, 5_000);
    expect(alerts(world, "ship1")).toEqual([]);
    await cutAgainAndAgain(world, "ship1", 20, 20_000, 5_000);
    expect(alerts(world, "ship1")).toEqual([OWN]);
    // Its profile is more patient than that: nobody else has missed it, and central heard of it from the node itself.
    expect(alerts(world)).toEqual([]);
    expect(world.ledger.failures).toEqual([
      { at: expect.any(Number), origin: "ship1", code: "flapping", text: OWN, about: "flapping " },
    ]);
    await world.advance(610_000);
    expect(alerts(world, "ship1")).toEqual([OWN, "the link to the broker was not lost for 10 minutes"]);
    await expectSound(world);
  },
);

test("central's own broken link is an alert of its own, and blames no node", async () => {
  const world = await settled(await createWorld());
  await cutAgainAndAgain(world, "central", MOST + 3, 5_000, 15_000);
  expect(alerts(world)).toEqual([OWN]);
  await world.stop("central");
  expect(world.leftovers).toEqual([]);
});
