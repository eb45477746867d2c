import { rm } from "node:fs/promises";
import { join } from "node:path";
import { inflateRawSync } from "node:zlib";
import { expect, it, vi } from "vitest";
import { StewardError } from "../../src/message/errors.ts";
import { encodeAck } from "../../src/message/wire/frame.ts";
import { encodeRefusal } from "../../src/message/wire/frame-refusal.ts";
import { KINDS, kindOfPacket } from "../../src/message/wire/packet.ts";
import { RECONNECTS } from "../faults/scene/checker.ts";
import { ledgerOf } from "../faults/scene/ledger.ts";
import { metric } from "../faults/scene/metric.ts";
import { eventuallySeen } from "../harness/eventually.ts";
import { type FleetOptions, startFleet } from "../harness/fleet/fleet.ts";
import type { TestNode } from "../harness/fleet/test-node.ts";
import { encodeFrame } from "../harness/packets.ts";
import { type HostileBroker, type Packet, type Passed, startHostileBroker } from "./scene/hostile-broker.ts";

/**
 * A broker that is the enemy's: it can delay and withhold, and nothing more. Real daemons over a real nats-server, with a
 * man in the middle of every packet. `steward_refused_total` says that an attack was noticed, the ledger of the commands
 * that it was in vain.
 */

// Real processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 90_000 });

const SHELL = "command.shellcommand.operatingsystem";
const LANE = `ship1.${SHELL}`;

async function underAttack(nodes: FleetOptions["nodes"] = { central: {}, ship1: {}, ship2: {} }) {
  const hostile = await startHostileBroker();
  const fleet = await startFleet({ nodes, broker: hostile.broker });
  return { hostile, fleet, central: fleet.central, ship1: fleet.node("ship1"), ledger: ledgerOf(fleet) };
}

it("reads neither a command nor its output, and cannot tell a frame's messages by any word of theirs", async () => {
  const { hostile, central, fleet } = await underAttack();
  const words = ["Zanzibar", "Quagga"];
  const line = `printf '%s' ${words[0]}; i=0; while [ $i -lt 200 ]; do echo ${words[1]}; i=$((i+1)); done`;
  const { code, stdout } = await fleet.steward("run", "ship1", "--script", "--", line);
  expect({ code, read: words.every((word) => stdout.includes(word)) }).toEqual({ code: 0, read: true });
  const bytes = hostile.sent.filter(({ by }) => ["central", "ship1"].includes(by)).map(({ payload }) => payload);
  expect(bytes.length).toBeGreaterThan(4);
  for (const word of [...words, "printf", "epoch", "origin", central.name, '"l":']) {
    for (const payload of bytes) {
      expect(payload.includes(word)).toBe(false);
      expect(inflated(payload).includes(word)).toBe(false);
    }
  }
});

it("replays all that it has recorded, into the same life, the next one, and onto a new disk: nothing is taken twice", async () => {
  const { hostile, central, fleet, ship1, ledger } = await underAttack({ central: {}, ship1: {} });
  const ids = [await submit(central, "ship1", ledger), await submit(central, "ship1", ledger)];
  for (const id of ids) await central.message(id, "succeeded");
  const recorded = [...hostile.sent];
  const before = await central.api.messages();
  const replay = async (counted: string, at: TestNode, subject: string): Promise<void> => {
    const known = await refused(at, counted);
    for (const packet of recorded) await hostile.inject(packet);
    await eventuallySeen(`the replays are refused as ${counted}`, async () => (await refused(at, counted)) > known);
    // Whatever was replayed before this one was read before it.
    const fresh = await submit(central, "ship1", ledger);
    await central.message(fresh, "succeeded", RECONNECTS);
    ids.push(fresh);
    expect(recorded.some((packet) => packet.subject.includes(subject))).toBe(true);
    // Two commands that run side by side may begin in either order.
    expect([...(await ledger.ran())].sort()).toEqual(ids);
  };
  await replay("replayed", ship1, LANE);
  await replay("replayed", central, "central.event.");
  await ship1.stop();
  await ship1.start();
  await fleet.link("ship1", "online");
  await replay("session-unknown", ship1, LANE);
  await central.kill();
  await central.start();
  await fleet.link("ship1", "online");
  await replay("session-unknown", central, "_INBOX.central.");
  await ship1.stop();
  await rm(join(ship1.data, "journal"), { recursive: true });
  await ship1.start();
  await fleet.link("ship1", "online");
  await replay("session-unknown", ship1, LANE);
  for (const { id, state, outcome } of before as readonly { id: string; state: string; outcome?: unknown }[])
    expect(await central.api.message(id)).toMatchObject({ state, ...(outcome === undefined ? {} : { outcome }) });
});

it("carries a packet to another node, subject or inbox: it is refused there, and good for its own place alone", async () => {
  const nginx = { subject: "command.shellcommand.nginx", from: ["central"] };
  const subscribe = [{ subject: SHELL, from: ["central"] }, nginx];
  const { hostile, central, fleet, ship1, ledger } = await underAttack({
    central: {},
    ship1: { config: { subscribe } },
    ship2: { config: { subscribe } },
  });
  const ship2 = fleet.node("ship2");
  const release = hostile.hold(({ subject, by }) => by === "central" && subject === LANE);
  const id = await submit(central, "ship1", ledger);
  const frame = await eventuallySeen("the frame is held", () => sentOn(hostile, LANE));
  const places: readonly (readonly [TestNode, string])[] = [
    [ship1, `ship1.${nginx.subject}`],
    [ship1, "ship1.command.cancel.steward"],
    [ship1, "ship1.event.shellcommand.operatingsystem"],
    [ship2, `ship2.${SHELL}`],
    [central, `central.${SHELL}`],
    [central, "central.event.shellcommand.operatingsystem"],
  ];
  for (const [node, subject] of places) {
    const known = await unopened(node);
    await hostile.inject({ ...frame, subject });
    await eventuallySeen(`refused on ${subject}`, async () => (await unopened(node)) > known);
  }
  // As an answer to another lane's frame.
  const inbox = await eventuallySeen("central's inbox", () => frame.reply);
  const known = await unopened(central);
  await hostile.inject({ subject: inbox, payload: frame.payload });
  await eventuallySeen("refused as an answer", async () => (await unopened(central)) > known);
  expect(await ledger.ran()).toEqual([]);
  release();
  await central.message(id, "succeeded", RECONNECTS);
  expect(await ledger.ran()).toEqual([id]);
  expect(await ship2.api.messages({ direction: "in" })).toEqual([]);
});

it("changes any byte of a frame, or cuts it: it is refused, and the genuine one is taken afterwards", async () => {
  const { hostile, central, ship1, ledger } = await underAttack({ central: {}, ship1: {} });
  const release = hostile.hold(({ subject, by }) => by === "central" && subject === LANE);
  const id = await submit(central, "ship1", ledger);
  const { payload, ...to } = await eventuallySeen("the frame is held", () => sentOn(hostile, LANE));
  const before = await refusals(ship1);
  let forged = 0;
  for (let at = 0; at < payload.length; at++) {
    const changed = Buffer.from(payload);
    changed.writeUInt8(changed.readUInt8(at) ^ (1 << (at % 8)), at);
    await hostile.inject({ ...to, payload: changed });
    forged++;
  }
  for (const length of [4, 33, 34, 49, 50, payload.length - 1]) {
    await hostile.inject({ ...to, payload: payload.subarray(0, length) });
    forged++;
  }
  await hostile.inject({ ...to, payload: Buffer.concat([payload, Buffer.from([0])]) });
  await eventuallySeen("each is refused", async () => (await refusals(ship1)) >= before + forged + 1);
  expect(await ledger.ran()).toEqual([]);
  release();
  await central.message(id, "succeeded", RECONNECTS);
  expect(await ledger.ran()).toEqual([id]);
});

it("speaks in the clear in the name of central or a ship: no command, answer or refusal of that kind is believed", async () => {
  const { hostile, central, ship1, ledger } = await underAttack({ central: {}, ship1: {} });
  const release = hostile.hold(({ subject, by }) => by === "central" && subject === LANE);
  const id = await submit(central, "ship1", ledger);
  const held = await eventuallySeen("the frame is held", () => sentOn(hostile, LANE));
  const now = Date.now();
  const data = ledger.draft("ship1").data;
  const item = { id: "01K00000000000000000000000", createdAt: now, deliverBy: null, timeout: null, data };
  const head = { origin: "central", epoch: "0123456789abcdef", sentAt: now, acked: 0 };
  const known = await refused(ship1, "clear-refused");
  for (const [subject, frame] of [
    [LANE, { ...head, first: 1, items: [item] }],
    ["ship1.command.ping.steward", { ...head, first: 1, items: [{ ...item, data: null }] }],
    ["ship1.event.vouch.steward", { ...head, first: 0, items: [{ ...item, data: {} }] }],
  ] as const)
    await hostile.inject({ subject, payload: Buffer.from(encodeFrame(subject, frame, null)) });
  await eventuallySeen("all are refused", async () => (await refused(ship1, "clear-refused")) === known + 3);
  expect(await ledger.ran()).toEqual([]);

  // An ACK in the clear would let central forget the message, a refusal would end it.
  const inbox = held.reply ?? "";
  const own = { node: "ship1", receiverEpoch: "0123456789abcdef", sentAt: now };
  const ack = { ...own, epoch: head.epoch, last: 1, started: 1, upTo: 1, credit: 1, verdicts: [] };
  const unheard = await refused(central, "clear-refused");
  await hostile.inject({ subject: inbox, payload: Buffer.from(encodeAck(LANE, ack)) });
  await eventuallySeen("the ACK is refused", async () => (await refused(central, "clear-refused")) > unheard);
  const no = new StewardError("permission-denied", { origin: "central", subject: LANE, fault: "forged" });
  await hostile.inject({ subject: inbox, payload: Buffer.from(encodeRefusal(LANE, no, own)) });
  expect(await central.api.message(id)).toMatchObject({ state: "sent", final: false });
  release();
  await central.message(id, "succeeded", RECONNECTS);
  expect(await ledger.ran()).toEqual([id]);
});

it("exchanges, drops and doubles answers: each command still ends once, as it really ended", async () => {
  const { hostile, central, ship1, ledger } = await underAttack();
  const answers: Passed[] = [];
  // Two ACKs of different lanes change places, and each that follows comes twice.
  hostile.rule((packet) => {
    if (!packet.subject.startsWith("_INBOX.central.") || !packet.subject.includes(SHELL)) return [packet];
    answers.push(packet);
    const [one, two] = answers;
    if (answers.length === 1 || one === undefined) return [];
    if (answers.length === 2 && two !== undefined)
      return [
        { ...one, payload: two.payload },
        { ...two, payload: one.payload },
      ];
    return [packet, packet];
  });
  const ids = [await submit(central, "ship1", ledger), await submit(central, "ship2", ledger)];
  for (const id of ids) await central.message(id, "succeeded", RECONNECTS);
  expect((await ledger.ran()).toSorted()).toEqual(ids.toSorted());
  // Reports are withheld: the command runs, its end waits, and comes home once the broker relents.
  const release = hostile.hold(
    ({ by, subject }) => by === "ship1" && subject.startsWith("central.event.shellcommand."),
  );
  const late = await submit(central, "ship1", ledger);
  await eventuallySeen("it runs", async () => (await ledger.ran()).includes(late));
  expect((await central.api.message(late)).final).toBe(false);
  release();
  await central.message(late, "succeeded", RECONNECTS);
  expect(await refused(ship1, "internal")).toBe(0);
});

it("replays a farewell and old hellos: a ship that is there stays online, one that is gone is called offline", async () => {
  const { hostile, fleet, central, ship1 } = await underAttack({ central: {}, ship1: {} });
  await ship1.stop();
  const bye = await eventuallySeen("it said bye", () => sentOn(hostile, "central.event.bye.steward"));
  await fleet.link("ship1", "offline");
  await ship1.start();
  await fleet.link("ship1", "online");
  const known = await refusals(central);
  await hostile.inject(bye);
  await eventuallySeen("it is refused", async () => (await refusals(central)) > known);
  expect((await central.api.node("ship1")).link).toBe("online");

  const hellos = hostile.sent.filter(({ subject }) => subject === "central.event.hello.steward");
  await ship1.kill();
  let stop = false;
  const replaying = (async () => {
    while (!stop) for (const hello of hellos) await hostile.inject(hello);
  })();
  try {
    await fleet.link("ship1", "offline", RECONNECTS);
  } finally {
    stop = true;
    await replaying;
  }
});

it("sends what it likes to where it likes as an answer: no node writes to a lane in its name", async () => {
  const { hostile, central, ship1, ledger } = await underAttack();
  const id = await submit(central, "ship1", ledger);
  await central.message(id, "succeeded");
  const frame = await eventuallySeen("a frame", () => sentOn(hostile, LANE));
  const payload = Buffer.from(frame.payload);
  // The sender is one that nobody knows: it is told so.
  payload.writeUInt8(payload.readUInt8(5) ^ 1, 5);
  const known = await refusals(ship1);
  await hostile.inject({ subject: LANE, payload });
  await eventuallySeen("its refusal is sent", () => hostile.answers.length > 0);
  const seen = hostile.sent.length;
  const lanes = [`ship2.${SHELL}`, "central.event.shellcommand.operatingsystem", `central.${SHELL}`];
  for (const reply of lanes) await hostile.inject({ subject: LANE, payload, reply });
  await eventuallySeen("all are refused", async () => (await refusals(ship1)) >= known + 1 + lanes.length);
  const next = await submit(central, "ship1", ledger);
  await central.message(next, "succeeded");
  const written = hostile.sent
    .slice(seen)
    .filter(({ by, payload: one }) => by === "ship1" && kindOfPacket(one) === KINDS.refusal);
  expect(written.map(({ subject }) => subject)).toEqual([]);
  expect(await ledger.ran()).toEqual([id, next]);
});

async function submit(node: TestNode, to: string, ledger: ReturnType<typeof ledgerOf>): Promise<string> {
  const [accepted] = await node.api.submit([ledger.draft(to)]);
  if (accepted === undefined) throw new Error("nothing was accepted");
  return accepted.id;
}

/** The last packet with a reply, or any, that a node sent on this subject. */
function sentOn(hostile: HostileBroker, subject: string): (Packet & Passed) | undefined {
  return hostile.sent.findLast((packet) => packet.subject === subject);
}

const refused = (node: TestNode, code: string): Promise<number> =>
  metric(node, "steward_refused_total", `reason="${code}"`);
const refusals = (node: TestNode): Promise<number> => metric(node, "steward_refused_total");
const unopened = async (node: TestNode): Promise<number> =>
  (await refused(node, "seal-invalid")) + (await refused(node, "sender-unknown")) + (await refused(node, "replayed"));

/** The bytes inflated from wherever that is possible; empty: nowhere. */
function inflated(payload: Buffer): Buffer {
  for (const from of [4, 34]) {
    try {
      return inflateRawSync(payload.subarray(from));
    } catch {
      // Not deflated there.
    }
  }
  return Buffer.alloc(0);
}
