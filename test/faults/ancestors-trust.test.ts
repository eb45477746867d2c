import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it, vi } from "vitest";
import type { Draft } from "../../src/message/draft.ts";
import { KINDS, kindOfPacket } from "../../src/message/wire/packet.ts";
import { startHostileBroker } from "../attack/scene/hostile-broker.ts";
import { eventuallySeen } from "../harness/eventually.ts";
import { startFleet } from "../harness/fleet/fleet.ts";
import type { TestNode } from "../harness/fleet/test-node.ts";
import { RECONNECTS } from "./scene/checker.ts";
import { ledgerOf } from "./scene/ledger.ts";
import { metric } from "./scene/metric.ts";

/** Failures of the ancestors in whom they believed, and for how long; each by its name, over real daemons. */
const SHELL = "command.shellcommand.operatingsystem";
const NGINX = "command.shellcommand.nginx";
const NEWS = "event.syslogforwarding.nginx";

// Real processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 90_000 });

it("ACK after a refused signature", async () => {
  const hostile = await startHostileBroker();
  const fleet = await startFleet({ nodes: { central: {}, ship1: {} }, broker: hostile.broker });
  const [{ central }, ship1, ledger] = [fleet, fleet.node("ship1"), ledgerOf(fleet)];
  const lane = `ship1.${SHELL}`;
  const answers = `.${lane}.`;

  // No seal of a frame is right: it is refused, and nothing of it is acknowledged.
  hostile.rule((packet) => [packet.subject === lane ? damaged(packet) : packet]);
  const refused = await submit(central, ledger.draft("ship1"));
  await eventuallySeen("it is refused", async () => (await unproved(ship1)) > 1, RECONNECTS);
  expect(await ship1.api.messages({ direction: "in" })).toEqual([]);
  expect(await ledger.ran()).toEqual([]);
  expect(await central.api.message(refused)).toMatchObject({ state: "sent", final: false });
  expect((await central.api.node("ship1")).waiting).toBe(1);
  // It is owed still, and comes again.
  hostile.rule(undefined);
  await central.message(refused, "succeeded", RECONNECTS);
  expect(await ledger.ran()).toEqual([refused]);

  // The other way round: an ACK that cannot be proved is none.
  hostile.rule((packet) => [packet.by === "ship1" && packet.subject.includes(answers) ? damaged(packet) : packet]);
  const gate = fleet.file("gate");
  const owed = await submit(central, ledger.draft("ship1", { after: `until test -e ${gate}; do sleep 0.05; done` }));
  await eventuallySeen("its ACK is refused", async () => (await unproved(central)) > 1, RECONNECTS);
  expect((await central.api.node("ship1")).waiting).toBe(1);
  hostile.rule(undefined);
  await eventuallySeen("it is owed no more", async () => (await central.api.node("ship1")).waiting === 0, RECONNECTS);
  await writeFile(gate, "");
  await central.message(owed, "succeeded", RECONNECTS);
  expect(await ledger.ran()).toEqual([refused, owed]);
});

// There are no broadcasts: the receivers of a command are decided where and when it is given.
it("a new node ran every old broadcast", async () => {
  const nodes = { central: { config: { nodes: ["ship1", "ship2"] } }, ship1: {}, ship2: {}, ship3: {} };
  const fleet = await startFleet({ nodes, away: ["ship3"], unenrolled: ["ship3"] });
  const [{ central }, ship2, ship3, ledger] = [fleet, fleet.node("ship2"), fleet.node("ship3"), ledgerOf(fleet)];
  const words = ledger.draft("ship1").data as readonly string[];
  expect((await fleet.steward("run", "all", "--", ...words)).code).toBe(0);
  expect((await fleet.steward("run", "ship1,ship2", "--", ...words)).code).toBe(0);
  const toBoth = { to: ["ship1", "ship2"], command: "shellcommand", domain: "operatingsystem", data: words };
  expect((await central.stewardWith(JSON.stringify(toBoth), "send", "-")).code).toBe(0);
  await eventuallySeen("all of it ran", async () => (await ledger.ran()).length === 6);
  const before = (await ledger.ran()).toSorted();
  expect(new Set(before).size).toBe(6);
  await eventuallySeen("all of it is known", async () => (await central.api.messages({ open: true })).length === 0);

  const joins = async (node: TestNode, ...more: readonly string[]): Promise<string> => {
    const { stdout } = await fleet.steward("invite", node.name, "--address", "127.0.0.1", ...more);
    expect((await node.steward("join", stdout.trim().split("\n")[0] ?? "")).code).toBe(0);
    await node.start();
    await fleet.link(node.name, "online", RECONNECTS);
    const id = await submit(central, ledger.draft(node.name));
    await central.message(id, "succeeded", RECONNECTS);
    return id;
  };
  const first = await joins(ship3);
  // A node whose disk is gone has lost its keys too.
  await ship2.stop();
  await rm(ship2.data, { recursive: true });
  const second = await joins(ship2, "--replace");

  // Each has taken the messages that were sent since it is there, and no other: not even to refuse it.
  for (const [node, id] of [
    [ship3, first],
    [ship2, second],
  ] as const) {
    const taken = (await node.api.messages({ direction: "in" })).filter(({ subject }) =>
      subject.includes("shellcommand"),
    );
    expect(taken.map((message) => message.id)).toEqual([id]);
  }
  expect((await ledger.ran()).toSorted()).toEqual([...before, first, second].toSorted());
});

// The signature of today is the seal of a packet: for one subject, one receiver, one life of both, and once.
it("a signature good for any node, any time, any method", async () => {
  const subscribe = [SHELL, NGINX].map((subject) => ({ subject, from: ["central"], concurrency: 4 }));
  const ship = { config: { subscribe } };
  const hostile = await startHostileBroker();
  const fleet = await startFleet({ nodes: { central: {}, ship1: ship, ship2: ship }, broker: hostile.broker });
  const { central } = fleet;
  const [ship1, ship2, ledger] = [fleet.node("ship1"), fleet.node("ship2"), ledgerOf(fleet)];
  const lane = `ship1.${SHELL}`;
  const id = await submit(central, ledger.draft("ship1"));
  await central.message(id, "succeeded");
  const frame = hostile.sent.findLast(({ subject }) => subject === lane);
  if (frame === undefined) throw new Error("no frame passed");
  const isRefused = async (node: TestNode, subject: string): Promise<void> => {
    const known = await metric(node, "steward_refused_total");
    const answered = hostile.answers.length;
    await hostile.inject({ subject, payload: frame.payload });
    await eventuallySeen(`refused on ${subject}`, async () => (await metric(node, "steward_refused_total")) > known);
    expect(hostile.answers.slice(answered).some(({ payload }) => kindOfPacket(payload) === KINDS.ack)).toBe(false);
  };

  // Any time.
  await isRefused(ship1, lane);
  await ship1.stop();
  await ship1.start();
  await fleet.link("ship1", "online");
  await isRefused(ship1, lane);
  // Any node, any method, any domain: also the subjects of reports.
  for (const [node, subject] of [
    [ship2, `ship2.${SHELL}`],
    [ship1, `ship1.${NGINX}`],
    [ship1, "ship1.command.ping.steward"],
    [ship1, "ship1.event.shellcommand.operatingsystem"],
    [central, "central.event.shellcommand.nginx"],
  ] as const)
    await isRefused(node, subject);
  // Neither on a disk that has never heard of it, with the same keys.
  await ship1.stop();
  await rm(join(ship1.data, "journal"), { recursive: true });
  await ship1.start();
  await fleet.link("ship1", "online");
  await isRefused(ship1, lane);
  const fresh = await submit(central, ledger.draft("ship1"));
  await central.message(fresh, "succeeded", RECONNECTS);
  expect(await ledger.ran()).toEqual([id, fresh]);
  expect(await ship2.api.messages({ direction: "in" })).toEqual([]);
});

// A permission that is withdrawn in the file of the node that refuses, while it runs. A node that central revokes is in
// attack/stolen-node.test.ts.
it("revocation that never arrived", async () => {
  const both = ["central", "ship2"];
  const subscribe = [
    { subject: SHELL, from: both },
    { subject: NGINX, from: both, concurrency: 4 },
  ];
  const news = { subject: NEWS, from: ["ship1", "ship2"] };
  const fleet = await startFleet({
    nodes: {
      central: { config: { subscribe: [news] }, proxied: true },
      ship1: { config: { subscribe, control: { from: both } }, proxied: true },
      ship2: { proxied: true },
    },
  });
  const [{ central }, ship1, ship2, ledger] = [fleet, fleet.node("ship1"), fleet.node("ship2"), ledgerOf(fleet)];
  const nginx = (): Draft => ledger.draft("ship1", { domain: "nginx" });
  const ping = { subject: "ship1.command.ping.steward", data: null };
  const gate = fleet.file("gate");
  const waits = { domain: "nginx", after: `until test -e ${gate}; do sleep 0.05; done` };
  const ran = [await submit(central, nginx()), await submit(ship2, nginx()), await submit(ship2, ping)];
  for (const [i, id] of ran.entries()) await (i === 0 ? central : ship2).message(id, "succeeded");
  const underWay = await submit(ship2, ledger.draft("ship1", waits));
  await eventuallySeen("it runs", async () => (await ledger.ran()).includes(underWay));

  // The sender is away, with a command in its hands; then the node is, while central writes to it.
  ship2.proxy.blackhole();
  const late = [await submit(ship2, nginx()), await submit(ship2, ping)];
  ship1.proxy.blackhole();
  const queued = await submit(central, nginx());
  const onward = await submit(central, ledger.draft("ship1"));
  await reconfigure(ship1, (config) => ({
    ...config,
    control: { from: ["central"] },
    subscribe: [subscribe[0], { ...subscribe[1], from: ["central"], allow: ["nginx -t"] }],
  }));
  await Promise.all([ship1.proxy.heal(), ship2.proxy.heal()]);
  for (const [node, id] of [[central, queued], ...late.map((each) => [ship2, each] as const)] as const) {
    const { reason } = await node.message(id, "rejected", RECONNECTS);
    expect(reason).toMatch(
      id === queued ? /matches no pattern of allow/ : /ship2 may not send to .*from is \[central\]/,
    );
  }
  expect(await metric(ship1, "steward_refused_total", 'reason="permission-denied"')).toBe(3);
  // What is not withdrawn goes on, and so does what had begun.
  await central.message(onward, "succeeded", RECONNECTS);
  await writeFile(gate, "");
  await ship2.message(underWay, "succeeded", RECONNECTS);
  expect((await ledger.ran()).toSorted()).toEqual([ran[0], ran[1], underWay, onward].toSorted());

  // The other direction: central takes no more events of ship2, which had one on its way; its outcomes still come home.
  const line = { lines: [{ text: "x" }] };
  const event = (): Draft => ({ subject: `central.${NEWS}`, data: line });
  await ship2.message(await submit(ship2, event()), "received");
  ship2.proxy.blackhole();
  const unheard = await submit(ship2, event());
  await reconfigure(central, (config) => ({ ...config, subscribe: [{ ...news, from: ["ship1"] }] }));
  await ship2.proxy.heal();
  expect((await ship2.message(unheard, "rejected", RECONNECTS)).reason).toMatch(/from is \[ship1\]/);
  expect(await metric(central, "steward_refused_total", 'reason="permission-denied"')).toBe(1);
  await ship1.message(await submit(ship1, event()), "received");
  await central.message(await submit(central, ledger.draft("ship2")), "succeeded");
});

/** The packet with one bit of its body turned over. */
function damaged<P extends { readonly payload: Buffer }>(packet: P): P {
  const payload = Buffer.from(packet.payload);
  payload.writeUInt8(payload.readUInt8(payload.length - 20) ^ 1, payload.length - 20);
  return { ...packet, payload };
}

async function unproved(node: TestNode): Promise<number> {
  return await metric(node, "steward_refused_total", 'reason="seal-invalid"');
}

/** Writes steward.yaml anew and sends SIGHUP; the daemon that runs goes on. */
async function reconfigure(node: TestNode, change: Parameters<TestNode["reconfigure"]>[0]): Promise<void> {
  const { daemon } = node;
  const from = daemon.stderr.length;
  await node.reconfigure(change);
  daemon.signal("SIGHUP");
  await daemon.saw(/^configuration reloaded:/m, { stream: "stderr", from });
}

async function submit(node: TestNode, draft: Draft): Promise<string> {
  const [accepted] = await node.api.submit([draft]);
  if (accepted === undefined) throw new Error("nothing was accepted");
  return accepted.id;
}
