import { expect, test } from "vitest";
import { transientFrame } from "../../../src/broker/transient.ts";
import type { Draft } from "../../../src/message/draft.ts";
import { idMaker } from "../../../src/message/id.ts";
import { LONGEST_TIMEOUT, LONGEST_WAIT } from "../../../src/message/wire/bounds.ts";
import { decodeAck, encodeItem, packFrame, type WholeItem } from "../../../src/message/wire/frame.ts";
import { ClearEnvelope } from "../../../src/security/seal/clear-envelope.ts";
import { seededRandom } from "../../harness/random.ts";
import { expectSound, settled } from "../../harness/world/sound.ts";
import { quiet } from "../../harness/world/time.ts";
import { createWorld, type World } from "../../harness/world/world.ts";

const WORK = "ship1.command.work.os";
const SHELL = "ship1.command.shellcommand.os";
const KB = 1024;

/** What the node and central say of lanes that stand still. */
function stuck(world: World, node = "central"): string[] {
  return world
    .daemon(node)
    .operations.health()
    .stuck.map(({ subject, reason }) => `${subject}: ${reason}`);
}

test.each<[string, Partial<Draft>, RegExp]>([
  ["a deadline beyond what a clock can say", { deliverBy: 99_979_300 * 86_400_000 }, /deliverBy is 99979300d, allowed/],
  ["a deadline just above the maximum", { deliverBy: LONGEST_WAIT + 1 }, /deliverBy/],
  ["half a millisecond", { deliverBy: 0.5 }, /deliverBy/],
  ["no number", { deliverBy: Number.NaN }, /deliverBy/],
  ["a timeout above the maximum", { timeout: LONGEST_TIMEOUT + 1 }, /timeout/],
  ["a timeout of nothing", { timeout: 0 }, /timeout/],
])("%s is refused at the entrance, and the lane goes on", async (_name, draft, fault) => {
  const world = await settled(await createWorld());
  const submit = world.daemon("central").operations.submit([{ subject: WORK, data: {}, ...draft }]);
  await expect(submit).rejects.toThrow(fault);
  const [next = ""] = await world.submit([
    { subject: WORK, data: {}, deliverBy: LONGEST_WAIT, timeout: LONGEST_TIMEOUT },
  ]);
  expect(await world.ended(next, "central", 2_000)).toMatchObject({ state: "succeeded" });
  await expectSound(world);
});

test("a message that its receiver cannot read gets a verdict, and those before and behind it in its frame are taken", async () => {
  const world = await settled(await createWorld({ sealed: false }));
  const link = world.broker.connect("hq");
  await quiet();
  const newId = idMaker(world.time, seededRandom(9));
  const item = (n: number): WholeItem => ({
    id: newId(),
    createdAt: world.time.now(),
    deliverBy: null,
    timeout: null,
    data: { n },
  });
  const [first, bad, last] = [item(1), item(2), item(3)];
  const acks: Uint8Array[] = [];
  link.subscribe(`${link.inbox}.>`, ({ payload }) => void acks.push(payload));
  await world.reload("ship1", { subscribe: [{ subject: "command.work.os", from: ["*"] }] });
  const head = { origin: "hq", epoch: "e", sentAt: world.time.now(), first: 1, acked: 0 };
  const items = [encodeItem(first), encodeItem({ ...bad, deliverBy: 1e300 }), encodeItem(last)];
  link.publish(WORK, packFrame(WORK, head, items, null), `${link.inbox}.x`);
  await world.advance(1_000);
  const [ack] = acks;
  expect(ack && decodeAck(WORK, ack)).toMatchObject({
    last: 3,
    verdicts: [{ seq: 2, state: "rejected", reason: "ship1 cannot read it: an item's deadline" }],
  });
  expect(world.ledger.runs.map(({ n }) => n)).toEqual([1, 3]);
  expect(await world.count("ship1", "steward_refused_total", "frame-malformed")).toBe(1);
});

test("a command that was sent and never acknowledged, and was cancelled since, no longer needs room at the broker", async () => {
  const world = await settled(await createWorld());
  world.setFaults("ship1", { in: { drop: 1 } });
  const [large = "", small = ""] = await world.submit([
    { subject: WORK, data: { text: "x".repeat(60 * KB) } },
    { subject: WORK, data: { n: 2 } },
  ]);
  await world.until(() => world.state(large) === "sent", "it is sent");
  world.broker.maxPayload = 16 * KB;
  world.heal("ship1");
  world.broker.down();
  world.broker.up();
  world.setFaults("ship1", {});
  await world.advance(60_000);
  expect(world.state(small)).toBe("sent");
  expect(stuck(world)).toEqual([
    expect.stringMatching(/^ship1\.command\.work\.os: the broker takes \d+ bytes at once/),
  ]);
  expect(world.node("ship1").stuck).toEqual([expect.objectContaining({ subject: WORK })]);
  expect(await world.count("central", "steward_lane_stuck_seconds")).toBeGreaterThan(30);
  expect(world.daemon("central").operations.health().ok).toBe(false);
  await world.daemon("central").operations.cancel(large);
  expect(await world.ended(small, "central", 60_000)).toMatchObject({ state: "succeeded" });
  expect(world.state(large)).toBe("cancelled");
  expect(stuck(world)).toEqual([]);
  await expectSound(world);
});

test("a broker that takes more again, without a new connection, is asked: what waits for room goes on", async () => {
  const world = await settled(await createWorld());
  await world.stop("ship1");
  const [large = "", small = ""] = await world.submit([
    { subject: WORK, data: { text: "x".repeat(60 * KB) } },
    { subject: WORK, data: { n: 2 } },
  ]);
  world.broker.maxPayload = 16 * KB;
  world.broker.down();
  world.broker.up();
  await world.start("ship1");
  await world.advance(15_000);
  expect(stuck(world)).toHaveLength(1);
  expect(world.message(small).reason).toMatch(/the broker takes \d+ bytes at once/);
  world.broker.maxPayload = 1024 * KB;
  await world.ended(small, "central", 60_000);
  expect(world.state(large)).toBe("succeeded");
  expect(stuck(world)).toEqual([]);
  await expectSound(world);
});

test("outcomes that have become too large for the broker go home in pieces, and those behind them pass", async () => {
  const text = "steward ".repeat(20 * KB);
  const world = await settled(
    await createWorld({
      programs: {
        talk: async ({ print, sleep }) => {
          await sleep(1_000);
          print(text);
          return 0;
        },
        quiet: async () => 0,
      },
    }),
  );
  const large = await world.send(SHELL, ["talk"]);
  const small = await world.send(SHELL, ["quiet"]);
  await world.until(() => world.message(large).state === "running", "it is there");
  world.setFaults("ship1", { out: { drop: 1 } });
  await world.advance(5_000);
  world.broker.maxPayload = 16 * KB;
  world.broker.down();
  world.broker.up();
  world.setFaults("ship1", {});
  expect(await world.ended(small, "central", 120_000)).toMatchObject({ state: "succeeded" });
  const ended = await world.ended(large, "central", 120_000);
  expect(ended).toMatchObject({ state: "succeeded", code: 0 });
  const bytes = new Map(ended.output.map((part) => [part.offset, part.text]));
  expect([...bytes.values()].join("")).toBe(text);
  expect(stuck(world, "ship1")).toEqual([]);
  await expectSound(world);
});

test("a node that is heard while nobody takes its subjects at the broker is told apart from one that is away, until it is permitted", async () => {
  const world = await settled(await createWorld());
  const denied = { operation: "subscribe", subject: "ship1.>" } as const;
  world.link("ship1").refuse(denied);
  const id = await world.send(WORK, { n: 1 });
  await world.advance(45_000);
  const why = `ship1 is online, but nobody takes ${WORK} at the broker`;
  expect(world.node("ship1").link).toBe("online");
  expect(world.message(id).reason).toBe(why);
  expect(stuck(world)).toEqual([`${WORK}: ${why}`]);
  const [next] = await world.daemon("central").operations.submit([{ subject: WORK, data: { n: 2 } }]);
  expect(next).toMatchObject({ link: "online", blocked: why });
  const alerts = () => world.daemon("ship1").operations.alerts();
  expect(alerts()).toEqual([expect.objectContaining({ code: "broker-denied", state: "raised" })]);
  expect(world.daemon("ship1").operations.health().broker.refused).toEqual(["subscribe ship1.>"]);
  world.link("ship1").permit(denied);
  expect(await world.ended(id, "central", 60_000)).toMatchObject({ state: "succeeded" });
  expect(world.daemon("ship1").operations.health().broker.refused).toBeUndefined();
  expect(alerts()).toEqual([expect.objectContaining({ code: "broker-denied", state: "over" })]);
  const told = () => world.ledger.failures.filter(({ code }) => code === "broker-denied");
  await world.until(() => told().length === 2, "central hears of both");
  expect(told()[1]).toMatchObject({ origin: "ship1", about: expect.stringContaining("ship1.>"), over: true });
  await world.stop("ship1");
  await world.start("ship1");
  expect(alerts()).toEqual([expect.objectContaining({ no: 1, code: "broker-denied", state: "over" })]);
  await world.daemon("ship1").operations.clearAlert(1);
  expect(alerts()).toEqual([]);
});

test("a node that the broker brings nothing is shown so at central before anything was sent to it, since when and why, and so is its return", async () => {
  const world = await settled(await createWorld());
  const denied = { operation: "subscribe", subject: "ship1.>" } as const;
  const since = world.time.now();
  world.link("ship1").refuse(denied);
  await world.advance(2_000);
  const reason = "the broker does not let ship1 subscribe to it: nothing of it reaches ship1";
  const lane = { subject: "ship1.>", since: expect.toSatisfy((at: number) => at - since < 1_000), reason };
  expect(world.node("ship1")).toMatchObject({ link: "online", stuck: [lane] });
  expect(world.node("ship1", "ship1").stuck).toEqual([lane]);
  const [sent] = await world.daemon("central").operations.submit([{ subject: WORK, data: { n: 1 } }]);
  expect(sent).toMatchObject({ link: "online", blocked: reason });
  world.link("ship1").permit(denied);
  await world.advance(2_000);
  expect(world.node("ship1").stuck).toBeUndefined();
  expect(await world.ended(sent?.id ?? "", "central", 60_000)).toMatchObject({ state: "succeeded" });
  await expectSound(world);
});

test("a node that says hello every second is noticed within seconds, though central's own interval is longer", async () => {
  const world = await settled(await createWorld({ nodes: { ship1: { hello: "1s" } } }));
  await world.advance(5_000);
  world.crash("ship1");
  await world.advance(8_000);
  expect(world.node("ship1").link).toBe("offline");
});

test("two centrals of one name: the node holds them back, both hear of each other, and neither is taken for the other", async () => {
  const world = await createWorld({ nodes: { central: {}, ship1: {}, twin: { node: "central", nodes: ["ship1"] } } });
  await world.start("central", "ship1");
  await world.advance(2_500);
  await world.start("twin");
  await world.advance(60_000);
  const cloned = /^two nodes call themselves central/;
  expect(world.node("central", "ship1").heldBack).toMatch(cloned);
  for (const name of ["central", "twin"]) expect(world.node("central", name).heldBack).toMatch(cloned);
  const before = world.lines("ship1").filter(({ level }) => level === "error").length;
  await world.advance(120_000);
  expect(world.lines("ship1").filter(({ level }) => level === "error")).toHaveLength(before);
  await world.stop("twin");
  await world.advance(60_000);
  expect(world.node("central", "ship1").heldBack).toBeUndefined();
  expect(world.node("central").heldBack).toBeUndefined();
});

test("hundreds of new names at once: those who are known are served meanwhile, and the others a few at a time", async () => {
  const world = await settled(await createWorld({ sealed: false }));
  const link = world.broker.connect("crowd");
  await quiet();
  const hello = (n: number): void => {
    const sender = {
      life: "l1",
      envelope: new ClearEnvelope(),
      node: `new${n}`,
      epoch: `e${n}`,
      clock: world.time,
      newId: idMaker(world.time, seededRandom(n)),
    };
    const data = {
      version: "1",
      epoch: `e${n}`,
      life: `l${n}`,
      startedAt: 1,
      now: 2,
      storage: "ok",
      methods: [],
      every: 10_000,
    };
    link.publish("central.event.hello.steward", transientFrame("central.event.hello.steward", sender, data));
  };
  const order: string[] = [];
  world.daemon("central").operations.watch((happening) => {
    if (happening.type === "message" && happening.subject === "central.event.note.news") order.push("known");
    if (happening.type === "node" && happening.region === "link") order.push("new");
  });
  for (let n = 0; n < 400; n++) hello(n);
  await world.submit([{ subject: "central.event.note.news", data: { n: 1 } }], "ship1");
  await world.until(() => order.length > 400, "all are there");
  expect(order.indexOf("known")).toBeLessThan(200);
  expect(order.filter((what) => what === "new")).toHaveLength(400);
});
