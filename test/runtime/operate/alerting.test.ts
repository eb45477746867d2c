import { expect, test } from "vitest";
import { expectSound, settled } from "../../harness/world/sound.ts";
import { quiet } from "../../harness/world/time.ts";
import { createWorld, type NodeOptions, type World } from "../../harness/world/world.ts";

const WORK = "ship1.command.work.os";
const MINUTE = 60_000;
const BUS = { bus: { publish: "alerts.fleet" } };

async function fleet(central: NodeOptions, ships = ["ship1", "ship2"]): Promise<World> {
  const edges = Object.fromEntries(ships.map((name) => [name, { labels: { class: "tanker" } }]));
  return settled(await createWorld({ nodes: { central: { destinations: BUS, ...central }, ...edges } }));
}

/** Hears what comes to the destination, from now on. */
async function listener(world: World): Promise<Record<string, unknown>[]> {
  const link = world.broker.connect("office");
  await quiet();
  const heard: Record<string, unknown>[] = [];
  link.subscribe("alerts.fleet", ({ payload }) => void heard.push(JSON.parse(Buffer.from(payload).toString("utf8"))));
  return heard;
}

const texts = (heard: readonly Record<string, unknown>[]): unknown[] => heard.map(({ text }) => text);
const central = (world: World) => world.daemon("central").operations;

test("nodes that go offline are told of once, together, and so is their return; the list says since when and to whom", async () => {
  const world = await fleet({ alerts: { away: { when: "offline", nodes: "class=tanker", for: "2m", to: ["bus"] } } });
  expect([central(world).health().alertRules, world.daemon("ship1").operations.health().alertRules]).toEqual([
    1,
    undefined,
  ]);
  const heard = await listener(world);
  for (const ship of ["ship1", "ship2"]) world.cut(ship);
  await world.advance(6 * MINUTE);
  expect(heard).toMatchObject([
    {
      text: "away: 2 nodes: ship1, ship2",
      rule: "away",
      state: "raised",
      count: 2,
      nodes: ["ship1", "ship2"],
      about: "alert",
    },
  ]);
  expect(central(world).openAlerts()).toMatchObject([
    { rule: "away", node: "ship1", text: "ship1 is offline", to: ["bus"], toldAt: expect.any(Number) },
    { rule: "away", node: "ship2" },
  ]);
  for (const ship of ["ship1", "ship2"]) world.heal(ship);
  await world.advance(4 * MINUTE);
  expect(texts(heard)).toEqual(["away: 2 nodes: ship1, ship2", "away: over: 2 nodes: ship1, ship2"]);
  expect(central(world).openAlerts()).toEqual([]);
});

test("a broker that goes down is no news of its nodes, and what is told meanwhile waits for it", async () => {
  const world = await fleet({ alerts: { away: { when: "offline", for: "0s", to: ["bus"] } } });
  const heard = await listener(world);
  world.cut("ship1");
  await world.until(() => central(world).openAlerts().length > 0, "ship1 is found to be offline");
  world.broker.down();
  await world.advance(10 * MINUTE);
  expect(central(world).errands()).toMatchObject([{ to: "bus", fault: "there is no connection to the broker" }]);
  world.crash("central");
  world.broker.up();
  await world.start("central");
  const again = await listener(world);
  await world.advance(10 * MINUTE);
  expect(texts(heard.concat(again)).filter((text) => String(text).includes("raised"))).toEqual([]);
  expect(new Set(texts(again))).toEqual(new Set(["away: ship1 is offline"]));
  expect(central(world).errands()).toEqual([]);
});

test("a muted node is not told of until its mute ends, across a restart of central", async () => {
  const world = await fleet({ alerts: { away: { when: "offline", for: "1m", to: ["bus"] } } });
  await world.drive(central(world).mute({ to: "ship1", endsAt: world.time.now() + 20 * MINUTE, note: "dry dock" }));
  const heard = await listener(world);
  world.cut("ship1");
  await world.advance(5 * MINUTE);
  world.crash("central");
  await world.start("central");
  await world.advance(5 * MINUTE);
  expect(heard).toEqual([]);
  expect(central(world).mutes()).toMatchObject([{ node: "ship1", note: "dry dock", by: "central" }]);
  expect(central(world).openAlerts()).toMatchObject([{ node: "ship1", muted: true }]);
  await world.advance(12 * MINUTE);
  expect(texts(heard)).toEqual(["away: ship1 is offline"]);
  expect(central(world).mutes()).toEqual([]);
});

test("alerts of the list are told by their codes, facts by an expression, and a reload changes the rules", async () => {
  const world = await fleet({ alerts: { faults: { when: "alert", codes: ["flapping"], for: "0s", to: ["bus"] } } });
  const heard = await listener(world);
  const flap = async (): Promise<void> => {
    for (let i = 0; i < 7; i++) {
      await world.stop("ship1");
      await world.start("ship1");
      await world.advance(3_000);
    }
  };
  await flap();
  await world.advance(2 * MINUTE);
  expect(texts(heard)).toEqual([
    expect.stringMatching(/^faults: central: flapping: ship1 is offline for the 6th time/),
  ]);
  await world.reload("central", {
    destinations: BUS,
    alerts: { old: { when: "class=tanker", for: "0s", to: ["bus"] } },
  });
  await world.advance(2 * MINUTE);
  expect(texts(heard).slice(1)).toEqual(["old: 2 nodes: ship1, ship2"]);
});

test("the outcome of a command goes to the destination that it names, once, also when central dies in between", async () => {
  const world = await fleet({});
  const heard = await listener(world);
  world.cut("ship1");
  const [id = ""] = await world.submit({ subject: WORK, data: { n: 1 }, reply: ["bus"] });
  expect(world.message(id).reply).toEqual(["bus"]);
  world.crash("central");
  await world.start("central");
  world.heal("ship1");
  await world.ended(id);
  await world.advance(MINUTE);
  expect(heard).toMatchObject([{ about: "outcome", key: `${id}-bus`, id, node: "ship1", state: "succeeded" }]);
  expect(world.message(id).reply).toBeUndefined();
  const [late = ""] = await world.submit({ subject: WORK, data: { n: 2 }, reply: ["bus"], deliverBy: 1 });
  const [taken = ""] = await world.submit({ subject: "ship2.command.work.os", data: { n: 3 } });
  await world.advance(MINUTE);
  expect(heard.map(({ id: of }) => of)).toEqual([id, late]);
  expect(world.state(taken)).toBe("succeeded");
  await expectSound(world);
});

test("a reply to a destination that there is not is refused, and so is one of an event; a test says what it sends", async () => {
  const world = await fleet({ alerts: { away: { when: "offline", to: ["bus"] } } });
  const refused = (subject: string, reply: string[]) =>
    world.drive(central(world).submit([{ subject, data: {}, reply }])).then(
      () => "",
      (error) => `${error.code}: ${error.message}`,
    );
  expect(await refused(WORK, ["bus", "elsewhere"])).toMatch(
    /^message-invalid: .*no destination "elsewhere".*; it has bus/,
  );
  expect(await refused("ship1.event.note.news", ["bus"])).toMatch(/only a command has an outcome/);
  const heard = await listener(world);
  expect(await world.drive(central(world).testAlert({}))).toMatchObject([{ to: "bus", about: "alert" }]);
  await expect(central(world).testAlert({ to: ["nobody"] })).rejects.toMatchObject({ code: "destination-unknown" });
  await world.advance(MINUTE);
  expect(texts(heard)).toEqual(["test of the alerts of central"]);
  await expect(central(world).dropErrand("x")).rejects.toMatchObject({ code: "errand-unknown" });
  await expectSound(world);
});

test("a job that failed, a dead letter and a journal without room are told of by rules", async () => {
  const tight = { limits: { journalBytes: "1MB" } };
  const world = await fleet({
    subscribe: [{ subject: "event.note.news" }, { subject: "command.redo.os", from: ["central"] }],
    alerts: {
      faults: { when: "alert", codes: ["job-failed", "dead-letter"], for: "0s", to: ["bus"] },
      room: { when: "storage", for: "0s", to: ["bus"] },
    },
  });
  const heard = await listener(world);
  const said = (): string => texts(heard).join("\n");
  const job = { to: "ship1", subject: "command.work.os", data: { do: "fail" } } as const;
  const { id } = await world.drive(central(world).createJob(job));
  await world.advance(MINUTE);
  expect(said()).toContain(`faults: central: job-failed: job ${id}: the last message has ended: 1 failed`);
  await world.send("central.command.redo.os", { do: "throw" });
  await world.advance(2 * MINUTE);
  expect(said()).toMatch(/faults: central: dead-letter: \w+ on central\.command\.redo\.os failed its process/);
  await world.stop("ship1");
  world.configure("ship1", tight);
  await world.start("ship1");
  // What waits for a node that never comes fills it, until it takes no more.
  const fill = () => world.send("ship9.event.note.news", { text: "x".repeat(20_000) }, {}, "ship1");
  for (let i = 0; i < 60; i++) if ((await fill().catch(() => "full")) === "full") break;
  await world.until(() => said().includes("room: the journal of ship1 is"), "the journal of ship1 is told of", 600_000);
});
