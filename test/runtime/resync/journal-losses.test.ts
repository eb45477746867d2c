import { expect, test } from "vitest";
import { settled } from "../../harness/world/sound.ts";
import { createWorld, type World } from "../../harness/world/world.ts";

const NEWS = "central.event.note.news";
const note = (n: number) => ({ subject: NEWS, data: { n } });

/** What a node said of lost journals, with its code. */
const said = (world: World, node: string): string[] =>
  world.lines(node).flatMap(({ fields, text }) => {
    const { code } = fields as { code?: string };
    return code === "journal-lost" || code === "new-epoch" ? [`${code}: ${text}`] : [];
  });

test("the receiver loses its disk and a lane to it is not used again: its sender says once what can be lost, here and at central", async () => {
  const world = await settled(await createWorld());
  await world.submit([note(1), note(2), note(3)], "ship1");
  await world.drained();
  await world.stop("central");
  world.loseDisk("central");
  await world.start("central");
  const lost = "journal-lost: central has a new journal: what the one before had taken and not dealt with is lost";
  await world.until(() => said(world, "ship1").length > 0, "it is noticed");
  expect(said(world, "ship1")).toEqual([`${lost}: ${NEWS} 1 to 3`]);
  await world.until(() => world.ledger.failures.some(({ code }) => code === "journal-lost"), "central hears of it");
  await world.advance(60_000);
  world.crash("ship1");
  await world.start("ship1");
  await world.advance(60_000);
  expect(said(world, "ship1")).toHaveLength(1);
});

test("the receiver loses its disk twice: what was said to be lost is not said again, what came in between is", async () => {
  const world = await settled(await createWorld());
  const lose = async () => {
    await world.stop("central");
    world.loseDisk("central");
    await world.start("central");
    await world.advance(60_000);
  };
  await world.submit([note(1), note(2)], "ship1");
  await world.drained();
  await lose();
  await lose();
  await world.submit([note(3)], "ship1");
  await world.drained();
  await lose();
  const texts = said(world, "ship1").filter((text) => text.includes(NEWS));
  expect(texts.map((text) => text.slice(text.indexOf(NEWS) + NEWS.length).split(",")[0])).toEqual([" 1 to 2", " 3"]);
});

test("a lane on which more is to come is left to its receiver, who sees what is missing", async () => {
  const world = await settled(await createWorld());
  await world.submit([note(1)], "ship1");
  await world.drained();
  await world.stop("central");
  world.loseDisk("central");
  await world.submit([note(2)], "ship1");
  await world.start("central");
  await world.drained();
  expect(said(world, "central")).toContain(
    `journal-lost: ship1 sent ${NEWS} 1 to 1 to a journal of this node that is lost: they are not here`,
  );
  expect(said(world, "ship1")).toEqual([]);
});

test("the sender loses its disk and never sends on a lane again: its receiver says once after which number, also if it is restarted", async () => {
  const world = await settled(await createWorld());
  await world.submit([note(1), note(2)], "ship1");
  await world.drained();
  world.cut("ship1");
  await world.submit([note(3)], "ship1");
  await world.stop("ship1");
  world.loseDisk("ship1");
  world.heal("ship1");
  await world.start("ship1");
  await world.until(() => said(world, "central").length > 0, "it is noticed");
  expect(said(world, "central")).toEqual([
    expect.stringMatching(
      /^new-epoch: ship1 has a new journal .*; what it had not sent is lost: .*note\.news after 2$/,
    ),
  ]);
  expect(world.alerts("central")).toContain("new-epoch");
  await world.stop("central");
  await world.start("central");
  await world.submit([note(4)], "ship1");
  await world.drained();
  await world.advance(60_000);
  expect(said(world, "central")).toHaveLength(1);
});

test("a node that is restarted with its journal is not said to have lost anything", async () => {
  const world = await settled(await createWorld());
  await world.submit([note(1)], "ship1");
  await world.drained();
  for (const node of ["central", "ship1", "central"]) {
    world.crash(node);
    await world.start(node);
    await world.advance(30_000);
  }
  expect([...said(world, "central"), ...said(world, "ship1")]).toEqual([]);
});
