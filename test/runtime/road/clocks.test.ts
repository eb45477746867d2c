import { expect, test } from "vitest";
import { createWorld } from "../../harness/world.ts";
import { expectSound, settled } from "./sound.ts";

const WORK = "ship1.command.work.os";
const YEARS = 10 * 365 * 86_400_000;

/** How far a wall clock jumps while something waits, ms. */
const JUMPS = { "ten years on": YEARS, "a day back": -86_400_000, "back to 1970": -Date.UTC(2029, 11, 31) };

test.each(Object.entries(JUMPS))(
  "the clock of the origin jumps %s while a command waits for its node: it is delivered in its time",
  async (_, jump) => {
    const world = await createWorld();
    await world.start("central");
    const id = await world.send(WORK, {}, { deliverBy: 60_000 });
    await world.advance(10_000);
    world.setClock("central", jump);
    await world.advance(20_000);
    expect(world.state(id)).toBe("queued");
    await world.start("ship1");
    expect(await world.ended(id, "central", 5_000)).toMatchObject({ state: "succeeded" });
    await expectSound(world);
  },
);

test.each(Object.entries(JUMPS))(
  "the clock of the origin jumps %s while a command waits for its node: it expires in its time",
  async (_, jump) => {
    const world = await createWorld();
    await world.start("central");
    const id = await world.send(WORK, {}, { deliverBy: 60_000 });
    await world.advance(10_000);
    world.setClock("central", jump);
    // Written after the jump, and held to the time after it.
    const later = await world.send(WORK, {}, { deliverBy: 55_000 });
    await world.advance(49_000);
    expect([id, later].map((each) => world.state(each))).toEqual(["queued", "queued"]);
    await world.advance(2_000);
    expect(world.state(id)).toBe("expired");
    await world.advance(5_000);
    expect(world.state(later)).toBe("expired");
    await world.start("ship1");
    await expectSound(world);
    expect(world.ledger.runs).toEqual([]);
  },
);

test.each(Object.entries(JUMPS))(
  "the clock of the origin jumps %s before a command is sent again: its node still knows how much time is left",
  async (_, jump) => {
    const world = await settled(await createWorld());
    world.setFaults("ship1", { in: { drop: 1 } });
    const inTime = await world.send(WORK, { n: 1 }, { deliverBy: 60_000 });
    const late = await world.send(WORK, { n: 2 }, { deliverBy: 9_000 });
    await world.advance(1_000);
    world.setClock("central", jump);
    await world.advance(9_000);
    world.setFaults("ship1", {});
    expect(await world.ended(inTime)).toMatchObject({ state: "succeeded" });
    expect(await world.ended(late)).toMatchObject({ state: "expired" });
    await expectSound(world);
    expect(world.ledger.runs.map(({ n }) => n)).toEqual([1]);
  },
);

test("central comes back with a clock that is behind what it wrote itself: nothing expires early", async () => {
  const world = await createWorld();
  await world.start("central");
  const id = await world.send(WORK, {}, { deliverBy: 60_000 });
  await world.stop("central");
  world.setClock("central", -YEARS);
  await world.start("central");
  await world.advance(50_000);
  expect(world.state(id)).toBe("queued");
  await world.advance(11_000);
  expect(world.state(id)).toBe("expired");
  await world.start("ship1");
  await expectSound(world);
});
