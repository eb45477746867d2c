import { expect, test } from "vitest";
import type { Json } from "../../../src/message/message.ts";
import { expectSound, settled } from "../../harness/world/sound.ts";
import { quiet } from "../../harness/world/time.ts";
import { createWorld, type World } from "../../harness/world/world.ts";

const WORK = "ship1.command.work.os";

/** A client of the broker that knows nothing of steward. */
async function plain(world: World): Promise<(body: Json | Uint8Array) => Promise<Json>> {
  const link = world.broker.connect("plain");
  await quiet();
  let asked = 0;
  return async (body) => {
    const reply = `${link.inbox}.${asked++}`;
    let answer: Json | undefined;
    const replies = link.subscribe(reply, ({ payload }) => {
      answer = JSON.parse(Buffer.from(payload).toString());
    });
    link.publish(WORK, body instanceof Uint8Array ? body : Buffer.from(JSON.stringify(body)), reply);
    await world.until(() => answer !== undefined, "an answer comes");
    replies.end();
    return answer ?? null;
  };
}

/** A node that takes what central and plain publishers send, if it is one of these lines. */
async function guarded(more: Readonly<Record<string, Json>> = {}) {
  const subscribe = [{ subject: "command.work.os", from: ["central"], allow: ["work well"], foreign: true, ...more }];
  const world = await settled(await createWorld({ nodes: { ship1: { subscribe } } }));
  return { world, ask: await plain(world) };
}

test("what a plain publisher sends is held to `allow`, as everybody is", async () => {
  const { world, ask } = await guarded();
  expect(await ask({ data: { do: "fail" } })).toMatchObject({
    error: { code: "permission-denied", message: expect.stringContaining("matches no pattern of allow") },
  });
  expect(await world.count("ship1", "steward_refused_total", "permission-denied")).toBe(1);
  const { id } = (await ask({ data: {} })) as { id: string };
  expect(await world.ended(id, "ship1")).toMatchObject({ state: "succeeded" });
  expect(world.ledger.runs.map((run) => run.id)).toEqual([id]);
  await expectSound(world);
});

test("what a node sends to itself is held to `from`, also where plain publishers are taken", async () => {
  const { world } = await guarded();
  const id = await world.send(WORK, {}, {}, "ship1");
  expect(await world.ended(id, "ship1")).toMatchObject({
    state: "rejected",
    reason: expect.stringContaining("from is [central]"),
  });
  expect(world.ledger.runs).toEqual([]);
  await expectSound(world);
});

test("what was taken from a plain publisher before a crash runs after it, for it is known where it came from", async () => {
  const { world, ask } = await guarded();
  const busy = await world.send(WORK, { ms: 5_000 });
  await world.until(() => world.state(busy) === "running", "it runs");
  const { id } = (await ask({ data: {} })) as { id: string };
  world.crash("ship1");
  await world.start("ship1");
  expect(await world.ended(id, "ship1")).toMatchObject({ state: "succeeded" });
  await expectSound(world);
});

test("a plain publisher is told when as much waits as may wait, and nothing more is taken", async () => {
  const { world, ask } = await guarded({ queue: 2 });
  for (const n of [1, 2]) {
    expect(await ask({ data: { ms: 5_000, n } })).toHaveProperty("id");
    await world.advance(10);
  }
  expect(await ask({ data: { n: 3 } })).toMatchObject({ error: { code: "queue-full" } });
  await world.drained();
  expect(world.ledger.runs.map(({ n }) => n)).toEqual([1, 2]);
  await expectSound(world);
});

test("a plain publisher's body that is not UTF-8 is refused, and not taken for another one", async () => {
  const { world, ask } = await guarded();
  const body = Buffer.from('{"data":{"do":"caf_"}}');
  body[body.indexOf("_")] = 0xe9;
  expect(await ask(new Uint8Array(body))).toMatchObject({ error: { code: "data-invalid" } });
  expect(world.ledger.runs).toEqual([]);
});

test("a dead letter that is tried again is held to the policy of now", async () => {
  const subscribe = [{ subject: "event.note.news", from: ["central"] }];
  const world = await settled(await createWorld({ nodes: { ship1: { subscribe } } }));
  await world.send("ship1.event.note.news", { poison: true });
  const dead = (): readonly { readonly id: string }[] => world.daemon("ship1").operations.dead();
  await world.until(() => dead().length === 1, "it is a dead letter");
  await world.reload("ship1", { subscribe: [{ subject: "event.note.news", from: ["hq"] }] });
  const [letter] = dead();
  await expect(world.drive(world.daemon("ship1").operations.retryDead(letter?.id ?? ""))).rejects.toMatchObject({
    code: "permission-denied",
  });
  expect(dead()).toHaveLength(1);
});

test("who may send, what and how many at once is named with the line that refuses it, to whoever sent it", async () => {
  const subscribe = [{ subject: "command.work.os", from: ["central"], deny: ["work fail"], atOnce: 2 }];
  const world = await settled(await createWorld({ nodes: { ship1: { subscribe }, ship2: {} } }));
  const ended = async (id: string, from = "central") => (await world.ended(id, from)).reason;
  expect(await ended(await world.send(WORK, {}, {}, "ship2"), "ship2")).toMatch(
    /from is \[central\] \(steward.yaml:1\)$/,
  );
  expect(await ended(await world.send(WORK, { do: "fail" }))).toMatch(
    /the pattern work fail of deny \(steward.yaml:1\)$/,
  );
  const ids = await world.submit([1, 2, 3].map((n) => ({ subject: WORK, data: { ms: 5_000, n } })));
  for (const id of ids) await world.ended(id);
  expect(ids.map((id) => world.state(id))).toEqual(["succeeded", "succeeded", "rejected"]);
  expect(world.message(ids[2] ?? "").reason).toContain("2 messages of the sender are open here, 2 may be at once");
  // Once those have ended there is room for others.
  await world.ended(await world.send(WORK, { n: 4 }));
  expect(world.ledger.runs.map(({ n }) => n)).toEqual([1, 2, 4]);
  await expectSound(world);
});

test("a command that waits while its permission is withdrawn does not begin", async () => {
  const subscribe = (from: string) => ({ subscribe: [{ subject: "command.work.os", from: ["central", from] }] });
  const world = await settled(await createWorld({ nodes: { ship1: subscribe("ship2"), ship2: {} } }));
  const busy = await world.send(WORK, { ms: 20_000, n: 1 });
  await world.until(() => world.state(busy) === "running", "it runs");
  const waits = await world.send(WORK, { n: 2 }, {}, "ship2");
  await world.until(() => world.message(waits, "ship2").state === "received", "it waits");
  // The process of the subject goes on: a policy is read anew, and restarts nothing.
  await world.reload("ship1", { ...subscribe("ship2"), policy: [{ subject: "command.work.*", from: ["central"] }] });
  expect(await world.ended(waits, "ship2")).toMatchObject({
    state: "rejected",
    reason: expect.stringMatching(
      /^it was taken, and may not begin any more: ship2 may not send .*from is \[central\]/,
    ),
  });
  expect(await world.ended(busy)).toMatchObject({ state: "succeeded" });
  expect(world.ledger.runs.map(({ n }) => n)).toEqual([1]);
  await expectSound(world);
});

test("hours are those at which it is sent, and at which it begins", async () => {
  const subscribe = [{ subject: "command.work.os", hours: ["08:00-08:10"] }];
  const world = await createWorld({ nodes: { ship1: { subscribe, timeZone: "UTC" } } });
  const day = 86_400_000;
  world.setClock("ship1", day - (world.time.now() % day) + 8 * 3_600_000 + 5 * 60_000);
  await settled(world);
  const [first = "", late = ""] = await world.submit([1, 2].map((n) => ({ subject: WORK, data: { ms: 600_000, n } })));
  await world.until(() => world.state(late) === "received", "it waits");
  await world.advance(600_000);
  expect(await world.ended(first)).toMatchObject({ state: "succeeded" });
  for (const id of [late, await world.send(WORK, { n: 3 })])
    expect(await world.ended(id)).toMatchObject({
      state: "rejected",
      reason: expect.stringMatching(/it is \w+ 08:15 UTC, and the hours are 08:00-08:10/),
    });
  expect(world.ledger.runs.map(({ n }) => n)).toEqual([1]);
});

test("messages between daemons pass the same decision: control, presence, and what a node sends to itself", async () => {
  const world = await settled(await createWorld({ nodes: { ship1: {}, ship2: { control: { from: ["ship1"] } } } }));
  const id = await world.send("ship2.command.ping.steward", null);
  expect(await world.ended(id)).toMatchObject({
    state: "rejected",
    reason: expect.stringMatching(/from is \[ship1\] \(steward.yaml:1\)$/),
  });
  await world.reload("central", { policy: [{ subject: "event.hello.steward", from: ["ship2"] }] });
  const seen = world.node("ship1").lastSeenAt;
  await world.advance(30_000);
  expect(await world.count("central", "steward_refused_total", "permission-denied")).toBeGreaterThan(0);
  expect(world.node("ship1").lastSeenAt).toBeGreaterThanOrEqual(seen ?? 0);
});

test("a node explains its decision, to itself and to whoever may control it, and runs nothing", async () => {
  const subscribe = [{ subject: "command.work.os", from: ["central"], allow: ["work well"] }];
  const policy = [{ subject: "command.work.*", hours: ["00:00-24:00"] }];
  const world = await settled(
    await createWorld({ nodes: { ship1: { subscribe, policy }, ship2: { nodes: ["ship1"] } } }),
  );
  const ask = (from: string, question: object) =>
    world.drive(
      world.daemon(from).operations.may({ node: "ship1", origin: "central", subject: "command.work.os", ...question }),
    );
  const words = [
    { allowed: true, layer: "steward.yaml", where: "steward.yaml:1 (allow work well)" },
    { allowed: true, layer: "steward.yaml, policy", where: "steward.yaml:1" },
  ];
  for (const from of ["central", "ship1"])
    expect(await ask(from, { data: {} })).toEqual({ node: "ship1", allowed: true, words });
  // The very words in which a message would be refused.
  const refused = await ask("central", { data: { do: "fail" } });
  expect(refused).toMatchObject({ allowed: false, words: [{ allowed: false, where: "steward.yaml:1" }, words[1]] });
  const id = await world.send(WORK, { do: "fail" });
  expect((await world.ended(id)).reason).toContain(refused.words[0]?.fault);
  expect(await ask("central", { origin: "ship2" })).toMatchObject({ allowed: false });
  expect(await ask("central", {})).toMatchObject({
    allowed: false,
    words: [{ fault: expect.stringContaining("depends on the arguments") }, {}],
  });
  expect(await ask("central", { data: "no mapping" })).toMatchObject({
    allowed: false,
    words: [{ fault: "expected a mapping", where: "the method work" }],
  });
  expect(await ask("central", { subject: "command.reboot.os" })).toMatchObject({
    allowed: false,
    words: [{ fault: "ship1 has no such method for commands" }],
  });
  expect(await ask("central", { subject: "command.redo.os", data: {} })).toMatchObject({
    words: [{ fault: "ship1 does not subscribe to command.redo.os" }],
  });
  // A neighbour is told nothing of the policy.
  await expect(ask("ship2", { data: {} })).rejects.toMatchObject({ code: "node-refused" });
  expect(world.ledger.runs).toEqual([]);
});
