import { expect, test } from "vitest";
import type { Journal } from "../../../src/journal/journal.ts";
import type { Json } from "../../../src/message/message.ts";
import { defineMethod } from "../../../src/methods/define.ts";
import { JournalLosses } from "../../../src/runtime/resync/journal-losses.ts";
import { settled } from "../../harness/world/sound.ts";
import { createWorld, readDisk, type World } from "../../harness/world/world.ts";

const NEWS = "central.event.note.news";
const note = (n: number) => ({ subject: NEWS, data: { n } });

/** What a node said of lost journals, with its code. */
const said = (world: World, node: string): string[] =>
  world.lines(node).flatMap(({ fields, text }) => {
    const { code } = fields as { code?: string };
    return code === "journal-lost" || code === "new-epoch" ? [`${code}: ${text}`] : [];
  });

/** What central says when it lacks events that ship1 holds ACKs for. */
const lacks = (numbers: string, count: number): string =>
  `journal-lost: ${count === 1 ? "1 event was" : `${count} events were`} acknowledged to ship1 by a journal of this node ` +
  `that is gone, and ${count === 1 ? "is" : "are"} not here: ${NEWS} ${numbers}. ship1 does not send them again: look for them where they came from.`;

test("the receiver loses its disk and a lane to it is not used again: it is asked all the same, and says once what it lacks", async () => {
  const world = await settled(await createWorld());
  await world.submit([note(1), note(2), note(3)], "ship1");
  await world.drained();
  await world.stop("central");
  world.loseDisk("central");
  await world.start("central");
  await world.until(() => said(world, "central").length > 0, "it is noticed");
  expect(world.alerts()).toContain("journal-lost");
  for (const node of ["ship1", "central"]) {
    await world.advance(60_000);
    world.crash(node);
    await world.start(node);
  }
  await world.advance(60_000);
  expect(said(world, "central")).toEqual([lacks("1 to 3", 3)]);
  expect(said(world, "ship1").filter((text) => text.includes(NEWS))).toEqual([]);
});

test("a receiver that is stopped before it could say what it lacks says it in its next life", async () => {
  const world = await settled(await createWorld());
  await world.submit([note(1), note(2)], "ship1");
  await world.drained();
  await world.stop("central");
  world.loseDisk("central");
  await world.submit([note(3)], "ship1");
  await world.start("central");
  await world.drained();
  expect(said(world, "central")).toEqual([]);
  world.crash("central");
  await world.start("central");
  await world.until(() => said(world, "central").length > 0, "it is said");
  expect(said(world, "central")).toEqual([lacks("1 to 2", 2)]);
});

test("the receiver loses its disk twice: what was said to be lost is not said again, what came in between is", async () => {
  const world = await settled(await createWorld());
  const lose = async () => {
    await world.stop("central");
    world.loseDisk("central");
    await world.start("central");
    await world.advance(120_000);
  };
  await world.submit([note(1), note(2)], "ship1");
  await world.drained();
  await lose();
  await world.submit([note(3)], "ship1");
  await world.drained();
  expect(said(world, "central")).toEqual([lacks("1 to 2", 2)]);
  await lose();
  expect(said(world, "central")).toEqual([lacks("1 to 2", 2), lacks("1 to 3", 3)]);
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
      /^new-epoch: ship1 has a new journal .*; what it had not sent may be lost: .*note\.news after 2$/,
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

test("a journal that moves to another disk loses nothing: nobody says so, on either side, and numbers go on", async () => {
  const world = await settled(await createWorld());
  await world.submit([note(1), note(2), note(3)], "ship1");
  await world.submit([{ subject: "ship1.event.note.news", data: { n: 4 } }]);
  await world.ended(await world.send("ship1.command.work.os", { n: 5 }));
  await world.drained();
  for (const moved of ["central", "ship1"]) {
    await world.stop(moved);
    world.restore(moved, world.backup(moved));
    await world.start(moved);
    await world.advance(120_000);
  }
  expect([...said(world, "central"), ...said(world, "ship1")]).toEqual([]);
  await world.submit([note(6)], "ship1");
  await world.drained();
  await world.advance(120_000);
  expect([...said(world, "central"), ...said(world, "ship1")]).toEqual([]);
});

test("a receiver that is put back to an earlier state says which numbers it lacks, once, and those alone", async () => {
  const world = await settled(await createWorld());
  await world.submit([note(1), note(2)], "ship1");
  await world.drained();
  const backup = world.backup("central");
  await world.submit([note(3), note(4), note(5)], "ship1");
  await world.drained();
  for (let times = 0; times < 2; times++) {
    await world.stop("central");
    world.restore("central", times === 0 ? backup : world.backup("central"));
    await world.start("central");
    await world.advance(120_000);
  }
  expect(said(world, "ship1")).toEqual([]);
  expect(said(world, "central")).toEqual([lacks("3 to 5", 3)]);
});

test("a sender that is put back to an earlier state: its receiver says what it has forgotten, and nothing of lanes that are whole", async () => {
  const world = await settled(await createWorld());
  await world.submit([note(1), note(2)], "ship1");
  await world.submit([{ subject: "central.event.echo.os", data: {} }], "ship1").catch(() => undefined);
  await world.drained();
  const backup = world.backup("ship1");
  await world.submit([note(3), note(4)], "ship1");
  await world.drained();
  await world.stop("ship1");
  world.restore("ship1", backup);
  await world.start("ship1");
  await world.advance(120_000);
  expect(said(world, "central")).toEqual([
    expect.stringMatching(
      /^new-epoch: ship1 goes on with an earlier state of its journal \(\w+\): .* it has forgotten central\.event\.note\.news 3 to 4/,
    ),
  ]);
  await world.submit([note(5)], "ship1");
  await world.drained();
  expect(world.ledger.notesOf("central", "ship1").map((each) => (each as { n: number }).n)).toEqual([1, 2, 3, 4, 5]);
});

test("two hosts with the name of central: while both are there nobody says that something is lost", async () => {
  const world = await createWorld({ nodes: { ship1: {}, twin: { node: "central" } } });
  await world.start("central", "ship1");
  await world.advance(2_500);
  for (let n = 0; n < 20; n++) await world.submit([note(n)], "ship1");
  await world.drained();
  const backup = world.backup("central");
  await world.submit([note(20)], "ship1");
  await world.ended(await world.send("ship1.command.work.os", { n: 21 }));
  await world.drained();
  world.restore("twin", backup);
  await world.start("twin");
  for (let n = 22; n < 34; n++) {
    await world.submit([note(n)], "ship1");
    await world.advance(10_000);
  }
  for (const node of ["central", "twin", "ship1"]) expect(said(world, node), node).toEqual([]);
});

test("a node that lacks events of many others says so in one alert, with the sum and those of most of them", async () => {
  const world = await settled(await createWorld());
  const { journal, failures, told } = notebook(world);
  const open = (): JournalLosses =>
    new JournalLosses({
      node: "central",
      journal,
      failures,
      identities: { ask: () => undefined, heard: () => undefined, watch: () => undefined },
      methods: new Map([["work", work]]),
      publishers: { ask: () => undefined },
    });
  const first = open();
  for (let n = 1; n <= 12; n++) first.missing(`ship${n}`, NEWS, 5, 4 + n);
  first.missing("ship1", NEWS, 9, 9);
  first.missing("ship1", "central.event.work.os", 1, 100);
  first.missing("ship1", "ship1.command.work.os", 1, 100);
  // What was noticed in one life is told in the next one, and not a second time.
  const second = open();
  second.settled("central", undefined);
  open().settled("central", undefined);
  expect(told).toEqual([
    expect.stringMatching(
      /^79 events of 12 nodes were acknowledged .* not here: ship12 12, ship11 11, .*, and 2 nodes more\. /,
    ),
  ]);
});

const work = defineMethod({
  name: "work",
  summary: "does nothing",
  command: { check: () => undefined, run: async () => ({ state: "succeeded" }) },
});

/** The checkpoints of a journal without lanes, and the alerts that were raised. */
function notebook(world: World) {
  const rows = new Map<string, Json>();
  const told: string[] = [];
  const disk = readDisk(world.backup("central"), "central", world.time);
  const journal: Journal = {
    ...disk,
    checkpoint: (key) => rows.get(key),
    setCheckpoint: ({ key, value }) => void rows.set(key, value),
  };
  return { journal, told, failures: { report: (_code: string, text: string) => void told.push(text) } };
}
