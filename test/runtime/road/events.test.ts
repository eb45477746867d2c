import { expect, test } from "vitest";
import type { Json } from "../../../src/message/message.ts";
import { expectSound, settled } from "../../harness/world/sound.ts";
import { createWorld } from "../../harness/world/world.ts";

const NEWS = "central.event.note.news";

const numbered = (from: number, count: number): Json[] => Array.from({ length: count }, (_, i) => ({ n: from + i }));
const drafts = (data: readonly Json[]) => data.map((one) => ({ subject: NEWS, data: one }));

test("events of a node arrive at central complete, in order and in batches", async () => {
  const world = await settled(await createWorld());
  world.setSink("central", 50);
  for (let i = 0; i < 10; i++) {
    await world.submit(drafts(numbered(i * 50, 50)), "ship1");
    await world.advance(20);
  }
  await world.until(() => world.ledger.notesOf("central", "ship1").length === 500, "all are there");
  await world.drained();
  expect(world.ledger.notesOf("central", "ship1")).toEqual(numbered(0, 500));
  expect(world.ledger.batches.length).toBeLessThan(30);
  await expectSound(world);
});

test("an event is at its end when its receiver has it", async () => {
  const world = await settled(await createWorld());
  const [id = ""] = await world.submit(drafts([{ n: 1 }]), "ship1");
  expect(await world.ended(id, "ship1")).toMatchObject({ state: "received", final: true });
  await expectSound(world);
});

test("an event that central refuses is told with central's reason, and not as a subject that it does not take", async () => {
  const world = await settled(await createWorld());
  const id = await world.send("ship1.command.work.os", { ms: 20_000 });
  await world.until(() => world.state(id) === "running", "it runs");
  world.crash("central");
  world.loseDisk("central");
  await world.start("central");
  await world.until(() => world.alerts("ship1").includes("refused"), "the outcome is refused");
  const [alert] = world.happenings("ship1", "alert").filter(({ code }) => code === "refused");
  expect(alert?.text).toBe(
    `central refused a message on central.event.work.os: no command ${id} is known here; it is kept at ship1: type \`steward dead\` there`,
  );
});

test("events of two nodes and two domains keep apart, each in its order", async () => {
  const world = await settled(
    await createWorld({
      nodes: {
        central: { subscribe: [{ subject: "event.note.nginx" }, { subject: "event.note.apache" }] },
        ship1: {},
        ship2: {},
      },
    }),
  );
  for (let n = 0; n < 60; n++) {
    const domain = n % 2 === 0 ? "nginx" : "apache";
    await world.submit([{ subject: `central.event.note.${domain}`, data: { n } }], n % 3 === 0 ? "ship1" : "ship2");
  }
  await world.drained();
  for (const node of ["ship1", "ship2"]) {
    for (const [domain, odd] of [
      ["nginx", 0],
      ["apache", 1],
    ] as const) {
      const expected = Array.from({ length: 60 }, (_, n) => n).filter(
        (n) => n % 2 === odd && (n % 3 === 0) === (node === "ship1"),
      );
      expect(world.ledger.notesOf("central", node, domain)).toEqual(expected.map((n) => ({ n })));
    }
  }
  await expectSound(world);
});

test("central is killed between a sink's work and its record: the batch comes again with the old checkpoint, nothing twice", async () => {
  const world = await settled(await createWorld());
  for (let round = 0; round < 6; round++) {
    await world.submit(drafts(numbered(round * 20, 20)), "ship1");
    world.setSink("central", 100);
    await world.advance(30 + round * 20);
    world.crash("central");
    world.setSink("central", 0);
    await world.start("central");
    await world.advance(2_000);
  }
  await world.until(() => world.isDrained(), "all is handled", 600_000);
  expect(world.ledger.notesOf("central", "ship1")).toEqual(numbered(0, 120));
  await expectSound(world);
});

test("central is away for a while: its nodes' events wait in their journals, over a crash, and arrive complete and in order", async () => {
  const world = await settled(await createWorld());
  await world.submit(drafts(numbered(0, 30)), "ship1");
  await world.advance(10);
  await world.stop("central");
  await world.submit(drafts(numbered(30, 30)), "ship1");
  await world.advance(600_000);
  world.crash("ship1");
  await world.start("ship1");
  await world.submit(drafts(numbered(60, 30)), "ship1");
  await world.start("central");
  await world.until(() => world.ledger.notesOf("central", "ship1").length === 90, "all are there");
  expect(world.ledger.notesOf("central", "ship1")).toEqual(numbered(0, 90));
  await expectSound(world);
});

test("one bad event becomes a dead letter; those before and behind it are recorded once, in order", async () => {
  const world = await settled(await createWorld());
  const all = [...numbered(0, 10), { poison: true, n: 10 }, ...numbered(11, 10)];
  await world.submit(drafts(all), "ship1");
  await world.drained();
  expect(world.ledger.notesOf("central", "ship1")).toEqual([...numbered(0, 10), ...numbered(11, 10)]);
  expect(world.daemon("central").operations.dead()).toMatchObject([
    { subject: NEWS, origin: "ship1", attempts: 3, reason: "poison" },
  ]);
  await expectSound(world);
});

test.each([1, 2, 3, 4])(
  "duplicates, losses, reordering and crashes on both sides, seed %i: the sink holds every event once, in order",
  async (seed) => {
    const world = await settled(await createWorld({ seed }));
    const faults = { duplicate: 0.3, drop: 0.1, reorder: { share: 0.5, within: 100 } };
    world.setFaults("ship1", { in: faults, out: faults });
    world.setSink("central", 20);
    let sent = 0;
    for (let round = 0; round < 25; round++) {
      const count = 1 + Math.floor(world.random.next() * 20);
      await world.submit(drafts(numbered(sent, count)), "ship1");
      sent += count;
      await world.advance(Math.floor(world.random.next() * 200));
      const victim = ["central", "ship1", undefined, undefined][Math.floor(world.random.next() * 4)];
      if (victim !== undefined) {
        world.crash(victim);
        await world.advance(Math.floor(world.random.next() * 1_000));
        await world.start(victim);
      }
    }
    world.setFaults("ship1", {});
    await world.drained();
    expect(world.ledger.notesOf("central", "ship1")).toEqual(numbered(0, sent));
    await expectSound(world);
  },
);

test("events handled on a slow disk while their process breaks are not handled twice", async () => {
  const world = await settled(
    await createWorld({
      nodes: {
        central: { supervision: { intensity: 1000, period: "1s", backoff: { min: "1ms", max: "5ms" } } },
        ship1: {},
      },
    }),
  );
  world.setFlush("central", 30);
  world.setSink("central", 10);
  let n = 0;
  const expected: Json[] = [];
  for (let round = 0; round < 60; round++) {
    const data: Json = round % 7 === 3 ? { poison: true } : { n: n++ };
    if (!("poison" in (data as object))) expected.push(data);
    await world.submit(drafts([data]), "ship1");
    await world.advance(7);
  }
  await world.drained();
  expect(world.ledger.notesOf("central", "ship1")).toEqual(expected);
  await expectSound(world);
});

test("nobody hears that an event was received, which is its end, while the disk refuses to keep that", async () => {
  const world = await settled(await createWorld());
  world.setFaults("ship1", { in: { delay: 2_000 } });
  const [id = ""] = await world.submit(drafts(numbered(0, 1)), "ship1");
  const heard = () =>
    world.happenings("ship1", "message").flatMap((each) => (each.id === id && each.state === "received" ? [id] : []));
  await world.until(() => world.ledger.notesOf("central", "ship1").length === 1, "central has it");
  world.disk("ship1").fault = "ENOSPC";
  await world.advance(10_000);
  expect(world.state(id, "ship1")).toBe("received");
  expect(heard()).toEqual([]);
  delete world.disk("ship1").fault;
  await world.until(() => heard().length === 1, "it is told");
  await expectSound(world);
});

test("those who watch hear that an event was received, once", async () => {
  const world = await settled(await createWorld());
  const heard: string[] = [];
  world.daemon("central").operations.watch((happening) => {
    if (happening.type === "message" && happening.subject === "ship1.event.note.news") heard.push(happening.state);
  });
  await world.ended(await world.send("ship1.event.note.news", { n: 1 }));
  await world.advance(1_000);
  expect(heard).toEqual(["queued", "received"]);
});
