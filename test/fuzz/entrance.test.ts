import fc from "fast-check";
import { expect, test } from "vitest";
import type { Transport } from "../../src/broker/transport.ts";
import { CATALOGUE } from "../../src/message/errors.ts";
import { isId } from "../../src/message/id.ts";
import { decodeFrame, encodeItem, type Frame } from "../../src/message/wire/frame.ts";
import { isFrame } from "../../src/message/wire/packet.ts";
import { messageDetail } from "../../src/runtime/operate/table/messages.ts";
import { encodeFrame } from "../harness/packets.ts";
import { quiet } from "../harness/world/time.ts";
import { createWorld, type World } from "../harness/world/world.ts";
import { insistLine } from "./target.ts";
import { methodData, reports } from "./targets/methods.ts";
import { acksFor, framesFor } from "./targets/wire.ts";
import { twisted } from "./twist.ts";

/** The same inputs at the entrance of whole daemons: counted, told, and without consequence. */
const MANY = 250;
const SUBJECTS = [
  ...[
    "command.work.os",
    "command.redo.os",
    "command.shellcommand.os",
    "command.cancel.steward",
    "command.process.steward",
  ],
  ...["command.ping.steward", "event.note.news", "event.hello.steward", "event.bye.steward", "event.errorlog.steward"],
  ...["event.work.os", "command.nope.nope", "x", "a.b.c.d.e", "command.$bad.t~ken"],
];

const sample = (inputs: fc.Arbitrary<Uint8Array>): Uint8Array[] =>
  fc.sample(inputs, { numRuns: MANY, seed: fc.readConfigureGlobal().seed ?? 1 });

/** Data that no method wants, in frames that are in order. */
function wellFramed(inputs: readonly Uint8Array[], more: { first: number; inReplyTo?: string }): Frame[] {
  return inputs.flatMap((input, n) => {
    const { first, ...rest } = more;
    try {
      const parsed = JSON.parse(Buffer.from(input).toString("utf8")) as { data?: never } | null;
      const data = rest.inReplyTo === undefined ? (parsed?.data ?? null) : (parsed as never);
      const id = `01HZZZZZZZ${String(n).padStart(16, "0")}`;
      const item = { id, createdAt: 1, deliverBy: null, timeout: null, data, ...rest };
      // What nests too deep to be written does not get onto the wire this way.
      encodeItem(item);
      const frame = { origin: "ship1", epoch: "forged", sentAt: 1, first, acked: 0, items: [item] };
      return [first === 0 ? frame : { ...frame, first: n + 1, acked: n }];
    } catch {
      return [];
    }
  });
}

const plainBodies = twisted(fc.constantFrom({ data: { n: 1 } }, { data: {}, more: [1] })).map(
  (text) => new Uint8Array(Buffer.from(text)),
);

function refusedFor(node: World, name: string): Promise<number> {
  return node.count(name, "steward_refused_total");
}

const garbageFor = (subject: string): Uint8Array[] => [...sample(framesFor(subject)), ...sample(acksFor(subject))];

const isRefused = (subject: string, payload: Uint8Array): boolean => {
  try {
    decodeFrame(subject, payload);
    return false;
  } catch {
    return true;
  }
};

async function attacker(world: World): Promise<{ link: Transport; inboxes: Map<string, string> }> {
  const link = world.broker.connect("attacker");
  await quiet();
  const inboxes = new Map<string, string>();
  for (const [receiver, sender] of [
    ["ship1", "central"],
    ["central", "ship1"],
  ] as const) {
    link.subscribe(`${receiver}.>`, ({ reply = "" }) => {
      const at = reply.indexOf(`.${receiver}.`);
      if (at > 0) inboxes.set(sender, reply.slice(0, at));
    });
  }
  return { link, inboxes };
}

test("garbage on every subject of two daemons is counted by its reason; both run on, and come back from what they kept", async () => {
  const world = await createWorld();
  const { link, inboxes } = await attacker(world);
  await world.start();
  await world.advance(2_500);
  const before = await world.send("ship1.command.work.os", { n: 1 });
  await world.ended(before);
  expect([...inboxes.keys()].sort()).toEqual(["central", "ship1"]);

  const data = sample(methodData.input);
  const framed = [...wellFramed(data, { first: 0 }), ...wellFramed(data, { first: 1 })];
  const open = await world.send("ship1.command.redo.os", { do: "never" });
  await world.until(() => world.state(open) === "running", "it runs");
  const told = sample(reports.input);
  const claims = [before, open].map((inReplyTo) => wellFramed(told, { first: 1, inReplyTo }));
  for (const node of ["central", "ship1"]) {
    const counted = await refusedFor(world, node);
    let bad = 0;
    for (const subject of SUBJECTS.map((rest) => `${node}.${rest}`)) {
      const garbage = garbageFor(subject);
      bad += garbage.filter((payload) => isRefused(subject, payload)).length;
      for (const payload of [...garbage, ...framed.map((frame) => encodeFrame(subject, frame, null))])
        link.publish(subject, payload, `${link.inbox}.x`);
      await world.advance(100);
    }
    claims.forEach((claimed, n) => {
      const subject = `${node}.event.claim.d${n}`;
      for (const frame of claimed) link.publish(subject, encodeFrame(subject, frame, null), `${link.inbox}.x`);
    });
    for (const where of ["central.event.hello.steward.0", "ship1.command.work.os.1", "x", "a.b.c.d.NaN", "..."])
      for (const payload of garbageFor(where.slice(0, where.lastIndexOf("."))))
        link.publish(`${inboxes.get(node)}.${where}`, payload);
    await world.advance(1_000);
    expect(await refusedFor(world, node)).toBeGreaterThanOrEqual(counted + bad);
  }

  expect(world.faults).toEqual([]);
  for (const node of ["central", "ship1"]) {
    expect(
      world
        .lines(node)
        .filter(({ fields, text }) => /internal|TypeError|RangeError/.test(JSON.stringify([fields, text]))),
    ).toEqual([]);
    expect(await world.count(node, "steward_refused_total", 'reason="internal"')).toBe(0);
    const processes = await world.drive(world.daemon(node).operations.processes());
    expect(processes.processes.filter(({ state }) => state === "quarantined")).toEqual([]);
    // Three names stand in the frames.
    expect(world.daemon(node).operations.nodes().length).toBeLessThanOrEqual(4);
    expect([...world.store(node).range("sources", {})].length).toBeLessThan(100);
    const metrics = (await world.daemon(node).operations.metrics()).split("\n");
    expect(metrics.length).toBeLessThan(800);
    expect(metrics.filter((line) => line.length > 300)).toEqual([]);
  }
  // What had ended was no report's to change, and is shown as it was.
  expect(world.message(before)).toMatchObject({ state: "succeeded", final: true });
  // What had not ended took the first claim that is a report, and nothing else of what was claimed.
  for (const id of [before, open]) {
    const shown = messageDetail.safeParse(world.message(id));
    expect(shown.error?.message).toBeUndefined();
  }
  expect([...world.store("central").range("output", {})].filter(({ key }) => JSON.stringify(key).length > 100)).toEqual(
    [],
  );

  const after = await world.send("ship1.command.work.os", { n: 2 });
  expect(await world.ended(after)).toMatchObject({ state: "succeeded" });
  world.crash("central");
  world.crash("ship1");
  await world.start();
  // A report that was forged makes its node doubt its own journal: what is sent until that is settled may be interrupted.
  const doubted = await world.send("ship1.command.work.os", { n: 3 });
  expect((await world.ended(doubted)).state).toMatch(/^(succeeded|interrupted)$/);
  const again = await world.send("ship1.command.work.os", { n: 4 });
  expect(await world.ended(again)).toMatchObject({ state: "succeeded" });
  for (const id of [before, after, again]) expect(world.ledger.runsOf(id)).toBe(1);
  expect(world.ledger.runsOf(doubted)).toBeLessThanOrEqual(1);
});

test("a number that JSON cannot write is refused at submit, and changes nothing", async () => {
  const world = await createWorld();
  await world.start();
  await expect(world.send("ship1.command.work.os", { n: Number.POSITIVE_INFINITY })).rejects.toMatchObject({
    code: "message-invalid",
  });
  expect(world.daemon("central").operations.messages({})).toEqual([]);
});

test.each([
  ["a lane that is nothing", "sources", null],
  ["a message that is a number", "pending", 7],
  ["a message without its content", "pending", {}],
] as const)("a journal with %s is refused with a clear error, and is not written over", async (_what, table, value) => {
  const world = await createWorld();
  await world.start();
  await world.ended(await world.send("ship1.command.work.os"));
  await world.stop("ship1");
  const rows = world.disk("ship1").tables.get(table);
  rows?.set("x", { key: "x", value });
  const kept = JSON.stringify([...(rows ?? [])]);
  const error = await world.start("ship1").then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toMatchObject({ code: "journal-damaged" });
  expect(JSON.stringify([...(world.disk("ship1").tables.get(table) ?? [])])).toBe(kept);
  rows?.delete("x");
  await world.start("ship1");
  expect(await world.ended(await world.send("ship1.command.work.os"))).toMatchObject({ state: "succeeded" });
});

test("a body of a plain NATS publisher is answered, whatever it is", async () => {
  const subscribe = [{ subject: "command.work.os", foreign: true }];
  const world = await createWorld({ nodes: { central: {}, ship1: { subscribe } } });
  await world.start();
  const { link } = await attacker(world);
  const bodies = sample(fc.oneof(plainBodies, fc.uint8Array({ maxLength: 100 }))).filter((body) => !isFrame(body));
  const answers = new Map<number, string>();
  link.subscribe(`${link.inbox}.>`, ({ subject, payload }) => {
    answers.set(Number(subject.slice(subject.lastIndexOf(".") + 1)), Buffer.from(payload).toString());
  });
  bodies.forEach((body, n) => {
    link.publish("ship1.command.work.os", body, `${link.inbox}.${n}`);
  });
  await world.advance(5_000);
  expect(answers.size).toBe(bodies.length);
  let refused = 0;
  for (const answer of answers.values()) {
    const { id, error } = JSON.parse(answer) as { id?: string; error?: { code: string; message: string } };
    expect(isId(id) !== (error !== undefined)).toBe(true);
    if (error === undefined) continue;
    refused++;
    expect(Object.hasOwn(CATALOGUE, error.code)).toBe(true);
    insistLine(error.message, "a refusal");
  }
  expect(refused).toBeGreaterThan(20);
  expect(bodies.length - refused).toBeGreaterThan(20);
  expect(await world.count("ship1", "steward_refused_total", "foreign-invalid")).toBe(refused);
  expect(world.faults).toEqual([]);
});
