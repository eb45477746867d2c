import { expect, test } from "vitest";
import { Introducer } from "../../../src/runtime/enrol/introducer.ts";
import { Introductions } from "../../../src/runtime/enrol/introductions.ts";
import type { IntroductionAnswer } from "../../../src/security/trust/introduction.ts";
import { listLog } from "../../harness/list-log.ts";
import { TrustRoom } from "../../security/trust/parts.ts";
import { MemoryBroker } from "../../twins/memory-broker.ts";

/** Central's desk, and machines that come to it over a broker in memory. */
async function desk() {
  const room = await TrustRoom.make();
  const { clock, random, registry } = room;
  const broker = new MemoryBroker({ clock, random });
  const refused: string[] = [];
  const told: string[] = [];
  const link = broker.connect("central");
  const introductions = new Introductions({
    node: "central",
    registry,
    identity: () => room.identity,
    transport: link,
    clock,
    random,
    log: listLog(),
    counters: { refuse: (code) => refused.push(code) },
    failures: { report: (_code, text) => told.push(text), over: () => undefined },
    welcomed: () => undefined,
  });
  link.subscribe("central.>", (packet) => introductions.receive(packet));
  const machine = (node: string, secret?: Uint8Array) => {
    const identity = room.newIdentity();
    const answers: IntroductionAnswer[] = [];
    const introducer = new Introducer({
      transport: broker.connect(node),
      clock,
      random,
      node,
      central: "central",
      identity: () => identity,
      centralKeys: () => room.identity.keys,
      secret: () => secret,
      answered: (answer) => answers.push(answer),
    });
    return { identity, answers, introducer, standings: () => answers.map(({ standing }) => standing) };
  };
  return { room, introductions, machine, refused, told, link };
}

test("a machine with a token is given its list, and one without hears of the operator's word at once", async () => {
  const { room, introductions, machine, told } = await desk();
  const first = machine("ship1", room.invite("ship1"));
  const second = machine("ship2");
  await room.clock.advance(2_000);
  expect(first.answers[0]).toMatchObject({ standing: "accepted", list: { body: { node: "ship1" } } });
  expect(second.standings()).toEqual(["pending"]);
  expect(told).toEqual([expect.stringContaining("steward accept ship2")]);
  room.registry.accept("ship2", {}, "ann");
  introductions.decided("ship2");
  await room.clock.advance(100);
  expect(second.standings()).toEqual(["pending", "accepted"]);
  for (const { introducer } of [first, second]) introducer.end();
});

test("a machine that is rejected is told so, and a token that is refused says what to type", async () => {
  const { room, introductions, machine } = await desk();
  const [stranger, late] = [machine("ship1"), machine("ship2", new Uint8Array(16))];
  await room.clock.advance(2_000);
  room.registry.reject("ship1", {}, "ann");
  introductions.decided("ship1");
  await room.clock.advance(100);
  expect(stranger.answers.at(-1)).toMatchObject({ standing: "refused", code: "machine-refused" });
  expect(late.answers[0]).toMatchObject({
    code: "token-unknown",
    remedy: expect.stringContaining("steward invite ship2"),
  });
  for (const { introducer } of [stranger, late]) introducer.end();
});

test("more introductions than central can read are dropped, and none is answered anywhere but in an inbox", async () => {
  const { room, introductions, refused, link } = await desk();
  const payload = Buffer.from([0x53, 0x57, 2, 8, ...new Array(60).fill(0)]);
  const packet = { subject: "central.event.introduction.steward", payload, noResponders: false };
  const sent: string[] = [];
  link.subscribe("ship1.>", ({ subject }) => sent.push(subject));
  introductions.receive({ ...packet, reply: "ship1.command.shellcommand.operatingsystem" });
  for (let i = 0; i < 600; i++) introductions.receive({ ...packet, reply: "_INBOX.a.b" });
  await room.clock.advance(100);
  expect(sent).toEqual([]);
  expect(refused.filter((code) => code === "introduction-limited")).toHaveLength(100);
  expect(refused.filter((code) => code === "introduction-invalid")).toHaveLength(501);
});
