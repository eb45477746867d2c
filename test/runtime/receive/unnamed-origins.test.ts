import { expect, test } from "vitest";
import type { Transport } from "../../../src/broker/transport.ts";
import { idMaker } from "../../../src/message/id.ts";
import type { Json } from "../../../src/message/message.ts";
import { encodeAck, type Frame } from "../../../src/message/wire/frame.ts";
import { encodeFrame } from "../../harness/packets.ts";
import { seededRandom } from "../../harness/random.ts";
import { expectSound, settled } from "../../harness/world/sound.ts";
import { quiet } from "../../harness/world/time.ts";
import { createWorld, type World } from "../../harness/world/world.ts";

interface Stranger {
  readonly link: Transport;
  send(subject: string, frame: Partial<Frame>): void;
}

/** Somebody at the broker who writes whatever frames he likes, in whatever names he likes. */
async function stranger(world: World): Promise<Stranger> {
  const link = world.broker.connect("stranger");
  await quiet();
  const newId = idMaker(world.time, seededRandom(99));
  return {
    link,
    send(subject, frame) {
      const item = { id: newId(), createdAt: 1, deliverBy: null, timeout: null, data: {} as Json };
      const whole = { origin: "x", epoch: "e", sentAt: world.time.now(), first: 1, acked: 0, items: [item], ...frame };
      link.publish(subject, encodeFrame(subject, whole, null), `${link.inbox}.x`);
    },
  };
}

const rows = (world: World, node: string, table: "sources" | "nodes"): number =>
  [...world.store(node).range(table, {})].length;
const series = async (world: World, node: string): Promise<number> =>
  (await world.daemon(node).operations.metrics()).split("\n").length;

test("whoever invents origins without end leaves a bounded trace, and is counted", async () => {
  const limits = { nodes: 20, lanes: 10 };
  const world = await settled(await createWorld({ sealed: false, nodes: { central: { limits }, ship1: { limits } } }));
  const { send } = await stranger(world);
  const before = world.daemon("central").operations.nodes().length;
  for (let n = 0; n < 500; n++) {
    for (const domain of ["news", "b", "c", "d", "e"])
      send(`central.event.note.${domain}`, { origin: `evil${n}`, epoch: `e${n}` });
    send("ship1.command.work.os", { origin: `evil${n}`, epoch: `e${n}` });
    send("central.event.hello.steward", { origin: `hello${n}`, first: 0 });
    if (n % 50 === 0) await world.advance(10);
  }
  await world.advance(1_000);
  expect(world.daemon("central").operations.nodes().length).toBeLessThanOrEqual(before + 20);
  expect(world.daemon("ship1").operations.nodes().length).toBeLessThanOrEqual(25);
  // The lanes of those who are named come on top.
  expect(rows(world, "central", "sources")).toBeLessThanOrEqual(10 + 3);
  expect(rows(world, "central", "nodes")).toBeLessThanOrEqual(25);
  expect(await world.count("central", "steward_refused_total", "node-not-admitted")).toBeGreaterThan(900);
  // Those who were admitted before the lanes ran out may begin no more of them.
  expect(await world.count("central", "steward_refused_total", "lane-not-admitted")).toBeGreaterThan(0);
  expect(world.alerts()).toEqual(expect.arrayContaining(["node-not-admitted", "lane-not-admitted"]));
  expect(world.lines("central").filter(({ level }) => level === "error").length).toBeLessThan(20);

  // Whoever is named, or was known before, is served as ever.
  const id = await world.send("ship1.command.work.os", { n: 1 });
  expect(await world.ended(id)).toMatchObject({ state: "succeeded" });
  await world.submit([{ subject: "central.event.note.news", data: { n: 2 } }], "ship1");
  await world.until(() => world.ledger.notesOf("central", "ship1").length === 1, "the event of a named node arrives");
  await expectSound(world);
});

test("whoever invents epochs and subjects in the name of a node fills that node's lanes and nobody else's", async () => {
  const world = await settled(await createWorld({ sealed: false, nodes: { central: {}, ship1: {}, ship2: {} } }));
  const { send } = await stranger(world);
  const before = rows(world, "central", "sources");
  for (let n = 0; n < 1_500; n++) {
    send(`central.event.note.d${n % 7}`, { origin: "ship2", epoch: `e${n}` });
    if (n % 100 === 0) await world.advance(10);
  }
  await world.advance(1_000);
  expect(rows(world, "central", "sources") - before).toBeLessThanOrEqual(1_000);
  expect(await world.count("central", "steward_refused_total", "lane-not-admitted")).toBeGreaterThan(400);
  await world.submit([{ subject: "central.event.note.news", data: { n: 1 } }], "ship1");
  await world.until(() => world.ledger.notesOf("central", "ship1").length === 1, "another node's new lane is taken");
  await expectSound(world);
});

test("a stranger beyond the limit keeps what it sends, and is taken once it is named", async () => {
  const limits = { nodes: 0 };
  const world = await createWorld({ sealed: false, nodes: { central: { nodes: [], limits }, ship1: {} } });
  await world.start();
  await world.submit([{ subject: "central.event.note.news", data: { n: 1 } }], "ship1");
  await world.advance(60_000);
  expect(world.ledger.notesOf("central", "ship1")).toEqual([]);
  expect(
    world
      .daemon("central")
      .operations.nodes()
      .map(({ name }) => name),
  ).toEqual(["central"]);
  await world.reload("central", { nodes: ["ship1"] });
  await world.until(() => world.ledger.notesOf("central", "ship1").length === 1, "what it kept arrives");
  await expectSound(world);
});

test("frames on what is no subject of the node leave nothing", async () => {
  const world = await settled(await createWorld({ sealed: false }));
  const { send } = await stranger(world);
  const [sources, nodes] = [rows(world, "ship1", "sources"), world.daemon("ship1").operations.nodes().length];
  const lines = await series(world, "ship1");
  for (const subject of ["ship1.x", "ship1.a.b.c.d.e", `ship1.command.${"x".repeat(3_000)}.y`, "ship1.command.$.t~k"])
    for (let n = 0; n < 20; n++) send(subject, { origin: "central", epoch: `e${n}` });
  await world.advance(1_000);
  expect(await world.count("ship1", "steward_refused_total", "subject-invalid")).toBe(80);
  expect(rows(world, "ship1", "sources")).toBe(sources);
  expect(world.daemon("ship1").operations.nodes().length).toBe(nodes);
  expect((await series(world, "ship1")) - lines).toBeLessThan(10);
  await expectSound(world);
});

test("ACKs of those who were never written to make nobody known; those who were may answer, also after a restart", async () => {
  const world = await createWorld({ sealed: false, nodes: { central: { nodes: [] }, ship1: {} } });
  await world.start("central");
  const id = await world.send("ship1.command.work.os");
  world.crash("central");
  const { link } = await stranger(world);
  let inbox = "";
  link.subscribe("ship1.>", ({ reply = "" }) => {
    inbox = reply.slice(0, reply.indexOf(".ship1."));
  });
  await world.start("central");
  await world.until(() => inbox !== "", "central sends");
  for (let n = 0; n < 200; n++) {
    const ack = {
      node: `evil${n}`,
      receiverEpoch: "e",
      epoch: "e",
      sentAt: 1,
      last: 0,
      started: 0,
      upTo: 0,
      credit: 1,
    };
    link.publish(
      `${inbox}.evil${n}.command.work.os.1`,
      encodeAck(`evil${n}.command.work.os`, { ...ack, verdicts: [] }),
    );
  }
  await world.advance(1_000);
  const known = world
    .daemon("central")
    .operations.nodes()
    .map(({ name }) => name);
  expect(known.sort()).toEqual(["central", "ship1"]);
  expect(await world.count("central", "steward_refused_total", "ack-misplaced")).toBe(200);
  await link.close();
  await world.start("ship1");
  expect(await world.ended(id)).toMatchObject({ state: "succeeded" });
  await expectSound(world);
});
