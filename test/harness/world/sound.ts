import { expect } from "vitest";
import { judge } from "./check.ts";
import type { World } from "./world.ts";

/** Lets the queues drain and holds the world against the promise; `open`: messages that may stay open. */
export async function expectSound(world: World, { open = 0 }: { open?: number } = {}): Promise<void> {
  await world.drained();
  await world.advance(100);
  const { ok, ...verdict } = judge(world);
  expect({ ...verdict, open: verdict.open.length }).toEqual({ lost: [], doubled: [], breaches: [], open });
  expect(ok + open).toBe(world.accepted.length);
  expect(world.faults).toEqual([]);
  expect(world.witness.faults).toEqual([]);
}

/** A world whose nodes have all been heard. */
export async function settled(world: World): Promise<World> {
  await world.start();
  await world.advance(2_500);
  return world;
}
