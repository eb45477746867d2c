import { expect, test } from "vitest";
import { createWorld, type World } from "../harness/world/world.ts";
import { check } from "./check.ts";
import type { Attempt } from "./play.ts";

/** A world in which one command has run and one event is stored, and what was submitted. */
async function ran(): Promise<{ world: World; attempts: Attempt[] }> {
  const world = await createWorld();
  await world.start();
  await world.advance(2_500);
  const command = await world.send("ship1.command.work.os", { n: 0 });
  const event = await world.send("central.event.note.news", { n: 1 }, {}, "ship1");
  await world.allEnded();
  await world.advance(1_000);
  return {
    world,
    attempts: [
      {
        n: 0,
        subject: "ship1.command.work.os",
        origin: "central",
        at: 0,
        startBy: null,
        answer: "accepted",
        id: command,
      },
      {
        n: 1,
        subject: "central.event.note.news",
        origin: "ship1",
        at: 0,
        startBy: null,
        answer: "accepted",
        id: event,
      },
    ],
  };
}

async function found({ world, attempts }: Awaited<ReturnType<typeof ran>>): Promise<string[]> {
  return (await check(world, attempts)).violations.map(({ kind }) => kind);
}

test("the check finds nothing in a fleet that did as it promised", async () => {
  expect(await found(await ran())).toEqual([]);
});

test("the check finds a run of which its origin knows nothing", async () => {
  const { world, attempts } = await ran();
  world.ledger.runs.push({
    ...(world.ledger.runs[0] as World["ledger"]["runs"][number]),
    id: "01ARZ3NDEKTSV4RRFFQ69G5FAV",
  });
  expect(await found({ world, attempts })).toEqual(["invented"]);
});

test("the check finds an event that was delivered and is nowhere, and one that is there twice and out of order", async () => {
  const gone = await ran();
  gone.world.ledger.notes.set("central ship1 news", []);
  expect(await found(gone)).toEqual(["vanished"]);
  const twice = await ran();
  twice.world.ledger.notes.set("central ship1 news", [{ n: 1 }, { n: 5 }, { n: 1 }]);
  expect(await found(twice)).toEqual(["doubled", "order"]);
});

test("the check finds a program that was started twice", async () => {
  const { world, attempts } = await ran();
  const [{ id } = { id: "" }] = world.accepted;
  world.host("ship1").ledger.push(id, id);
  expect(await found({ world, attempts })).toEqual(["doubled"]);
});

test("the check finds an id that its origin has forgotten", async () => {
  const { world, attempts } = await ran();
  world.accepted.push({ id: "01ARZ3NDEKTSV4RRFFQ69G5FAV", subject: "ship1.command.work.os", origin: "central" });
  expect(await found({ world, attempts })).toEqual(["lost", "breach"]);
});

test("the check does not ask an origin for what only its lost disk knew, and asks for everything that came after", async () => {
  const scene = await ran();
  const { world, attempts } = scene;
  await world.stop("central");
  world.loseDisk("central");
  await world.start("central");
  await world.advance(20_000);
  expect(world.forgotten).toEqual(new Set([attempts[0]?.id]));
  // The sink's files were on that disk too, and central was told when it met the lane again.
  const id = await world.send("central.event.note.news", { n: 2 }, {}, "ship1");
  attempts.push({
    n: 2,
    subject: "central.event.note.news",
    origin: "ship1",
    at: 30_000,
    startBy: null,
    answer: "accepted",
    id,
  });
  await world.ended(id, "ship1");
  await world.advance(1_000);
  expect(await found(scene)).toEqual([]);
});

test("the check finds an event that is missing though it came after its receiver lost its disk", async () => {
  const late = await ran();
  await late.world.stop("central");
  late.world.loseDisk("central");
  await late.world.start("central");
  const id = await late.world.send("central.event.note.news", { n: 2 }, {}, "ship1");
  const at = late.world.time.monotonic() + 1;
  late.attempts.push({
    n: 2,
    subject: "central.event.note.news",
    origin: "ship1",
    at,
    startBy: null,
    answer: "accepted",
    id,
  });
  await late.world.ended(id, "ship1");
  // Until it is settled who has which journal, what the lost disk held is told to nobody.
  await late.world.advance(20_000);
  late.world.ledger.notes.clear();
  expect(await found(late)).toEqual(["vanished"]);
});
