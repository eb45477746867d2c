import { expect, test } from "vitest";
import { createWorld, type World } from "../../harness/world.ts";
import { expectSound, settled } from "./sound.ts";

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

const alerts = (world: World): string[] =>
  world.happenings("central", "alert").flatMap(({ code, text }) => (code.startsWith("flapping") ? [text] : []));

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

test("a node that is lost now and then, and central's own broken link, are no alert; a stop while one flaps leaves no timer", async () => {
  const world = await settled(await createWorld());
  for (let i = 0; i < MOST + 3; i++) {
    await flap(world, 1);
    await world.advance(180_000);
  }
  for (let i = 0; i < MOST + 3; i++) {
    world.cut("central");
    await world.advance(5_000);
    world.heal("central");
    await world.advance(15_000);
  }
  expect(alerts(world)).toEqual([]);
  await flap(world, MOST + 1);
  expect(alerts(world)).toHaveLength(1);
  await world.stop("central");
  expect(world.leftovers).toEqual([]);
});
