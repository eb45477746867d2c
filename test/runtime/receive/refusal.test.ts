import { expect, test } from "vitest";
import type { Json } from "../../../src/message/message.ts";
import { expectSound, settled } from "../../harness/world/sound.ts";
import { createWorld, type World } from "../../harness/world/world.ts";
import type { MemoryLink } from "../../twins/memory-broker.ts";

const WORK = "ship1.command.work.os";

test.each<[string, string, Json, RegExp, string]>([
  [
    "a method that the node does not have",
    "ship1.command.teleport.os",
    {},
    /ship1 has no method teleport/,
    "method-unknown",
  ],
  [
    "a subject that the node does not take",
    "ship1.command.work.nginx",
    {},
    /does not subscribe|not subscribe/,
    "subject-not-subscribed",
  ],
  ["an event that the node does not take", "ship1.event.note.other", {}, /./, "subject-not-subscribed"],
])(
  "%s: rejected with the reason, counted, never tried again, and the others go on",
  async (_name, subject, data, reason, code) => {
    const world = await settled(await createWorld());
    const id = await world.send(subject, data);
    const detail = await world.ended(id, "central", 2_000);
    expect(detail.state).toBe("rejected");
    expect(detail.reason).toMatch(reason);
    expect(await world.count("ship1", "steward_refused_total", code)).toBe(1);
    await world.advance(120_000);
    expect(world.message(id).attempts).toBe(1);
    const after = await world.send(WORK);
    await world.ended(after);
    await expectSound(world);
  },
);

test("an origin that may not send here is rejected, and so is a line that no pattern allows", async () => {
  const world = await settled(
    await createWorld({
      nodes: {
        ship1: {
          subscribe: [
            { subject: "command.work.os", from: ["hq"] },
            { subject: "command.redo.os", allow: ["redo well"] },
          ],
        },
      },
    }),
  );
  const foreign = await world.send(WORK);
  expect(await world.ended(foreign)).toMatchObject({
    state: "rejected",
    reason: expect.stringContaining("from is [hq]"),
  });
  const wrong = await world.send("ship1.command.redo.os", { do: "fail" });
  expect(await world.ended(wrong)).toMatchObject({
    state: "rejected",
    reason: expect.stringContaining("matches no pattern of allow"),
  });
  const right = await world.send("ship1.command.redo.os", {});
  expect(await world.ended(right)).toMatchObject({ state: "succeeded" });
  expect(await world.count("ship1", "steward_refused_total", "permission-denied")).toBe(2);
  expect(world.ledger.runs).toHaveLength(1);
  await expectSound(world);
});

test("bad data is refused where it is written, before it is accepted, when the method is known there", async () => {
  const world = await settled(await createWorld());
  await expect(world.send(WORK, "not a mapping")).rejects.toMatchObject({ code: "data-invalid" });
  await expect(world.send("ship1.command.shellcommand.os", { nothing: true })).rejects.toMatchObject({
    code: "data-invalid",
  });
  await expect(world.send("ship1.command.work", {})).rejects.toMatchObject({ code: "subject-invalid" });
  await expect(world.send(WORK, { big: "x".repeat(2_000_000) })).rejects.toMatchObject({ code: "message-too-large" });
  await expect(world.send("nobody.command.work.os", {}, { knownNodesOnly: true })).rejects.toMatchObject({
    code: "node-unknown",
  });
  expect(world.accepted).toEqual([]);
  await expectSound(world);
});

test("a refused message does not hold up the messages behind it on its lane", async () => {
  const world = await settled(
    await createWorld({ nodes: { ship1: { subscribe: [{ subject: "command.work.os", allow: ["work well"] }] } } }),
  );
  const ids = await world.submit(
    [{}, { do: "fail" }, {}, { do: "throw" }, {}].map((data) => ({ subject: WORK, data })),
  );
  for (const id of ids) await world.ended(id);
  expect(ids.map((id) => world.state(id))).toEqual(["succeeded", "rejected", "succeeded", "rejected", "succeeded"]);
  await expectSound(world);
});

/** A plain NATS client. */
async function plain(
  world: World,
): Promise<{ ask: (subject: string, body: string | Buffer) => Promise<Json>; link: MemoryLink }> {
  const link = world.broker.connect("plain");
  await world.advance(0);
  return {
    link,
    ask: async (subject, body) => {
      let answer: Json = null;
      const listening = link.subscribe(`${link.inbox}.answer`, ({ payload }) => {
        answer = JSON.parse(Buffer.from(payload).toString()) as Json;
      });
      link.publish(subject, Buffer.from(body as string), `${link.inbox}.answer`);
      await world.advance(100);
      listening.end();
      return answer;
    },
  };
}

test("a plain NATS publisher's JSON is taken where the configuration says so, and gets an id and an end", async () => {
  const world = await settled(
    await createWorld({ nodes: { ship1: { subscribe: [{ subject: "command.work.os", foreign: true }] } } }),
  );
  const { ask } = await plain(world);
  const answer = (await ask(WORK, JSON.stringify({ data: { n: 5 } }))) as { id: string };
  await world.until(() => world.ledger.runs.length === 1, "it ran");
  await world.drained();
  expect(world.ledger.runs[0]).toMatchObject({ node: "ship1", id: answer.id, n: 5 });
  expect(world.message(answer.id, "ship1")).toMatchObject({ state: "succeeded", origin: "ship1" });
  await expectSound(world);
});

test("a plain NATS publisher is refused everywhere else, with an answer and a counter", async () => {
  const world = await settled(await createWorld());
  const { ask, link } = await plain(world);
  expect(await ask(WORK, JSON.stringify({ data: {} }))).toMatchObject({ error: { code: "foreign-refused" } });
  expect(await ask("ship1.command.cancel.steward", JSON.stringify({ data: { id: "x" } }))).toMatchObject({
    error: { code: "foreign-refused" },
  });
  link.publish(WORK, Buffer.from([0, 255, 1]));
  link.publish("ship1.nonsense", Buffer.from("SW"));
  await world.advance(100);
  expect(await world.count("ship1", "steward_refused_total", "foreign-refused")).toBe(4);
  expect(world.ledger.runs).toEqual([]);
  await expectSound(world);
});

test.each([
  ["not JSON", "{data"],
  ["no data", "{}"],
  ["not an object", "[1]"],
  ["what the method does not take", JSON.stringify({ data: "text" })],
  ["Latin-1", Buffer.from('{"data":{"n":"caf\xe9"}}', "latin1")],
  ["a key that is given twice", '{"data":{"n":1},"data":{"n":2}}'],
  ["a deadline, which nobody would keep", '{"data":{"n":1},"deliverBy":"30s"}'],
  ["half of a surrogate pair", '{"data":{"n":"\\ud800"}}'],
  ["nested too deep", `{"data":${"[".repeat(100)}${"]".repeat(100)}}`],
])("a plain publisher's body that is %s is refused with what is wrong", async (_name, body) => {
  const world = await settled(
    await createWorld({ nodes: { ship1: { subscribe: [{ subject: "command.work.os", foreign: true }] } } }),
  );
  const { ask } = await plain(world);
  expect(await ask(WORK, body)).toMatchObject({ error: { code: "data-invalid" } });
  expect(await world.count("ship1", "steward_refused_total", "foreign-invalid")).toBe(1);
  expect(world.ledger.runs).toEqual([]);
  await expectSound(world);
});

test("garbage on every subject of a node and of central stops nobody", async () => {
  const world = await settled(await createWorld({ seed: 9 }));
  const { link } = await plain(world);
  const subjects = [
    WORK,
    "ship1.command.cancel.steward",
    "ship1.a.b",
    "ship1.event.note.news",
    "central.event.work.os",
    "central.event.hello.steward",
    "central.event.errorlog.steward",
  ];
  for (let i = 0; i < 300; i++) {
    const payload = world.random.bytes(Math.floor(world.random.next() * 200));
    if (i % 3 > 0) payload.set([0x53, 0x57, 1, i % 4].slice(0, payload.length));
    link.publish(subjects[i % subjects.length] ?? WORK, payload, i % 2 === 0 ? `${link.inbox}.x` : undefined);
  }
  await world.advance(1_000);
  expect(world.ledger.runs).toEqual([]);
  await world.ended(await world.send(WORK));
  await expectSound(world);
});
