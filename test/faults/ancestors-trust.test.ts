import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it, vi } from "vitest";
import type { Draft } from "../../src/message/draft.ts";
import { eventuallySeen } from "../harness/eventually.ts";
import { startFleet } from "../harness/fleet/fleet.ts";
import type { TestNode } from "../harness/fleet/test-node.ts";
import { RECONNECTS } from "./scene/checker.ts";
import { ledgerOf } from "./scene/ledger.ts";
import { metric } from "./scene/metric.ts";
import { wiretap } from "./scene/wiretap.ts";

/**
 * Failures of the ancestors in whom they believed, and for how long; each by its name, over real daemons. steward does not
 * sign yet: what stands for a signature, a broadcast or a revocation here is said in each test.
 */
const SHELL = "command.shellcommand.operatingsystem";
const NGINX = "command.shellcommand.nginx";
const NEWS = "event.syslogforwarding.nginx";

// Real processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 90_000 });

// What stands for a bad signature: an envelope that refuses, in daemons that are real in everything else.
it("ACK after a refused signature", async () => {
  const doubting = { within: [process.execPath, fileURLToPath(new URL("scene/doubting-daemon.mjs", import.meta.url))] };
  const fleet = await startFleet({ nodes: { central: doubting, ship1: doubting } });
  const [{ central }, ship1, ledger, tap] = [fleet, fleet.node("ship1"), ledgerOf(fleet), await wiretap(fleet)];
  const lane = `ship1.${SHELL}`;

  await doubt(ship1, "frames");
  const refused = await submit(central, ledger.draft("ship1"));
  await eventuallySeen("it is refused", async () => (await unproved(ship1)) > 0, RECONNECTS);
  expect(tap.acks(lane).map(({ subject }) => subject)).toEqual([]);
  // Its sender hears why, and that it may come again.
  await eventuallySeen("its sender is told", () => tap.refusals(lane).length > 0);
  for (const each of tap.refusals(lane))
    expect(each).toMatchObject({ node: "ship1", code: "signature-invalid", lasting: false });
  expect(await ship1.api.messages({ direction: "in" })).toEqual([]);
  expect(await ledger.ran()).toEqual([]);
  expect(await central.api.message(refused)).toMatchObject({ state: "sent", final: false });
  expect((await central.api.node("ship1")).waiting).toBe(1);
  // It is owed still, and comes again.
  await believe(ship1);
  await central.message(refused, "succeeded", RECONNECTS);
  expect(await ledger.ran()).toEqual([refused]);

  // The other way round: an ACK that cannot be proved is none.
  await doubt(central, "acks");
  const gate = fleet.file("gate");
  const waits = ledger.draft("ship1", { after: `until test -e ${gate}; do sleep 0.05; done` });
  const owed = await submit(central, waits);
  await eventuallySeen("its ACK is refused", async () => (await unproved(central)) > 0, RECONNECTS);
  expect(await central.api.message(owed)).toMatchObject({ state: "sent", final: false });
  expect((await central.api.node("ship1")).waiting).toBe(1);
  await believe(central);
  await eventuallySeen("it is owed no more", async () => (await central.api.node("ship1")).waiting === 0, RECONNECTS);
  await writeFile(gate, "");
  await central.message(owed, "succeeded");
  expect(await ledger.ran()).toEqual([refused, owed]);
});

// There are no broadcasts: whoever is written to is decided where it is written, at that time.
it("a new node ran every old broadcast", async () => {
  const nodes = { central: { config: { nodes: ["ship1", "ship2"] } }, ship1: {}, ship2: {}, ship3: {} };
  const fleet = await startFleet({ nodes, away: ["ship3"] });
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

  const ranOn = async (node: TestNode): Promise<string> => {
    await fleet.link(node.name, "online");
    const id = await submit(central, ledger.draft(node.name));
    await central.message(id, "succeeded");
    return id;
  };
  await ship3.start();
  const first = await ranOn(ship3);
  await ship2.stop();
  await rm(ship2.data, { recursive: true });
  await ship2.start();
  const second = await ranOn(ship2);

  // Each has taken what was sent since it is there, and nothing else: not even to refuse it.
  for (const [node, id] of [
    [ship3, first],
    [ship2, second],
  ] as const) {
    expect((await node.api.messages({ direction: "in" })).map((message) => message.id)).toEqual([id]);
    const { stdout } = await node.steward("messages");
    expect(stdout.match(/[←→]/g)).toEqual(["←"]);
    expect(stdout.match(/\b[0-9A-HJKMNP-TV-Z]{26}\b/g)).toEqual([id]);
  }
  expect((await ledger.ran()).toSorted()).toEqual([...before, first, second].toSorted());
});

// What stands for a signature: the frame that was sealed for one lane, one number and one journal of its receiver.
it("a signature good for any node, any time, any method", async () => {
  const subscribe = [SHELL, NGINX].map((subject) => ({ subject, from: ["central"], concurrency: 4 }));
  const ship = { config: { subscribe } };
  const fleet = await startFleet({ nodes: { central: {}, ship1: ship, ship2: ship } });
  const { central } = fleet;
  const [ship1, ship2, ledger, tap] = [fleet.node("ship1"), fleet.node("ship2"), ledgerOf(fleet), await wiretap(fleet)];
  const lane = `ship1.${SHELL}`;
  const id = await submit(central, ledger.draft("ship1"));
  await central.message(id, "succeeded");
  const { payload } = tap.frame(lane);
  const again = async (): Promise<void> => {
    const doubled = async (): Promise<number> => metric(ship1, "steward_messages_duplicate_total");
    const [known, answered] = [await doubled(), tap.answers];
    await tap.publish(lane, payload);
    await eventuallySeen("it is acknowledged once more", () => tap.answers > answered);
    expect(await doubled()).toBe(known + 1);
  };

  // Any time.
  await again();
  await ship1.stop();
  await ship1.start();
  await fleet.link("ship1", "online");
  await again();
  expect(await ledger.ran()).toEqual([id]);

  // Any node, any method, any domain: also the subjects of what a node has done.
  const answered = tap.answers;
  const elsewhere: readonly (readonly [TestNode, string, Uint8Array])[] = [
    [ship2, `ship2.${SHELL}`, payload],
    [ship1, `ship1.${NGINX}`, payload],
    [ship1, "ship1.command.ping.steward", payload],
    [ship1, "ship1.event.shellcommand.operatingsystem", payload],
    [central, "central.event.shellcommand.nginx", tap.frame("central.event.shellcommand.operatingsystem").payload],
  ];
  for (const [node, subject, bytes] of elsewhere) {
    const before = await misdirected(node);
    await tap.publish(subject, bytes);
    await eventuallySeen(`refused on ${subject}`, async () => (await misdirected(node)) === before + 1);
    // It is answered with a refusal alone.
    await eventuallySeen(`told on ${subject}`, () => tap.refusals(subject).length > 0);
    expect(tap.refusals(subject)).toEqual([
      expect.objectContaining({ node: node.name, code: "frame-misdirected", lasting: false }),
    ]);
  }
  expect(await ledger.ran()).toEqual([id]);
  expect(await ship2.api.messages({ direction: "in" })).toEqual([]);
  expect(tap.answers).toBe(answered);

  // An ACK is good for its lane alone: what is on the way on another one stays owed.
  const [ack] = tap.acks(lane);
  if (ack === undefined) throw new Error("no ACK passed");
  ship1.freeze();
  const other = await submit(central, ledger.draft("ship1", { domain: "nginx" }));
  await central.message(other, "sent");
  const before = await misdirected(central);
  await tap.publish(ack.subject.replace(lane, `ship1.${NGINX}`), ack.payload);
  await eventuallySeen("it is refused", async () => (await misdirected(central)) === before + 1);
  expect((await central.api.message(other)).state).toBe("sent");
  ship1.resume();
  await central.message(other, "succeeded", RECONNECTS);

  // Any time: neither on a disk that has never heard of it.
  await ship1.stop();
  await rm(ship1.data, { recursive: true });
  await ship1.start();
  await fleet.link("ship1", "online");
  await tap.publish(lane, payload);
  await eventuallySeen("it is answered", () => tap.answers > answered);
  const fresh = await submit(central, ledger.draft("ship1"));
  await central.message(fresh, "succeeded");
  expect(await ledger.ran()).toEqual([id, other, fresh]);
  expect((await ship1.api.messages({ direction: "in" })).map((message) => message.id)).toEqual([fresh]);
});

// There are no lists to spread: what is withdrawn is withdrawn in the file of the node that refuses, while it runs.
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

async function doubt(node: TestNode, what: "frames" | "acks"): Promise<void> {
  await writeFile(join(node.directory, "doubts"), what);
}

async function believe(node: TestNode): Promise<void> {
  await rm(join(node.directory, "doubts"));
}

async function unproved(node: TestNode): Promise<number> {
  return await metric(node, "steward_refused_total", 'reason="signature-invalid"');
}

async function misdirected(node: TestNode): Promise<number> {
  return await metric(node, "steward_refused_total", 'reason="frame-misdirected"');
}

/** Writes steward.yaml anew and sends SIGHUP; the daemon that runs goes on. */
async function reconfigure(node: TestNode, change: Parameters<TestNode["reconfigure"]>[0]): Promise<void> {
  const { daemon } = node;
  const from = daemon.stderr.length;
  await node.reconfigure(change);
  daemon.signal("SIGHUP");
  await daemon.saw(/^reloaded:/m, { stream: "stderr", from });
}

async function submit(node: TestNode, draft: Draft): Promise<string> {
  const [accepted] = await node.api.submit([draft]);
  if (accepted === undefined) throw new Error("nothing was accepted");
  return accepted.id;
}
