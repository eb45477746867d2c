import { join } from "node:path";
import { pino } from "pino";
import { describe, expect, it, onTestFinished } from "vitest";
import { type EmbeddedBroker, startEmbeddedBroker } from "../../src/broker/embedded.ts";
import type { Login } from "../../src/broker/logins.ts";
import type { PublisherConfig } from "../../src/config/config.ts";
import { systemClock } from "../../src/platform/system-clock.ts";
import { eventuallySeen } from "../harness/eventually.ts";
import { type Intruder, intruder, isDenied, nkeyPair, withSeed } from "../harness/intruder.ts";
import { tempDir } from "../harness/temp.ts";

const SHELL = "command.shellcommand.operatingsystem";
const NEWS = "event.syslogforwarding.nginx";
const INTRODUCTION = "central.event.introduction.steward";

/** A broker with these logins, as the embedded one of central has it; `change` gives it others. */
async function brokerWith(logins: readonly Login[], publishers: readonly PublisherConfig[] = [], newcomers = false) {
  let present = logins;
  const broker: EmbeddedBroker = await startEmbeddedBroker({
    host: "127.0.0.1",
    port: 0,
    directory: join(await tempDir(), "broker"),
    log: pino({ level: "silent" }),
    clock: systemClock,
    access: () => ({
      kind: "logins",
      central: "central",
      logins: present,
      publishers,
      newcomers,
    }),
  });
  onTestFinished(() => broker.stop());
  return {
    url: broker.url,
    pid: broker.pid,
    change: async (next: readonly Login[]) => {
      present = next;
      await broker.readAccess();
    },
  };
}

const KEYS = { central: nkeyPair(), ship1: nkeyPair(), ship2: nkeyPair(), invitation: nkeyPair() } as const;
const node = (name: keyof typeof KEYS, peers: readonly string[] = []): Login => ({
  kind: "node",
  node: name,
  key: KEYS[name].key,
  peers,
});
const INVITATION: Login = { kind: "invitation", name: "join-1", key: KEYS.invitation.key };
const ALL: readonly Login[] = [node("central"), node("ship1"), node("ship2"), INVITATION];

/** Every subject between central and ship2: lanes both ways, and the inboxes that the answers come back on. */
const OF_SHIP2 = {
  lanes: [`ship2.${SHELL}`, "ship2.command.cancel.steward", "ship2.event.vouch.steward", `ship2.${NEWS}`],
  answers: [`_INBOX.central.0a1b.ship2.${SHELL}.1`, `_INBOX.ship2.0a1b.central.${NEWS}.1`],
};
const WILDCARDS = [
  ">",
  "*.>",
  "*.*.*.*",
  "ship2.>",
  "ship2.*.*.*",
  `*.${SHELL}`,
  "central.>",
  `central.${NEWS}`,
  "_INBOX.>",
  "_INBOX.*.>",
  "_INBOX.central.>",
  "_INBOX.ship2.>",
  "_INBOX.central.*.ship1.>",
  "$SYS.>",
  "$JS.API.>",
];

/** All that a login could hope for, asked for at once, also as a member of a queue group, which would take packets away. */
async function triesToRead(thief: Intruder): Promise<void> {
  for (const subject of [...WILDCARDS, ...OF_SHIP2.lanes, ...OF_SHIP2.answers, INTRODUCTION]) {
    await thief.listen(subject);
    await thief.listen(subject, "group");
  }
}

async function isRefused(thief: Intruder, operations: readonly string[]): Promise<void> {
  await eventuallySeen("all of it is refused", () => operations.every((operation) => thief.refused.has(operation)));
}

describe("the logins of a broker", () => {
  it("let a node read its own lanes and answers, write to central, and answer its own lanes", async () => {
    const { url } = await brokerWith(ALL);
    const central = await intruder(url, withSeed(KEYS.central));
    const ship1 = await intruder(url, withSeed(KEYS.ship1));
    for (const subject of ["central.>", "_INBOX.central.>"]) await central.listen(subject);
    for (const subject of ["ship1.>", "_INBOX.ship1.>"]) await ship1.listen(subject);
    const toShip = [`ship1.${SHELL}`, "ship1.event.vouch.steward", `_INBOX.ship1.0a1b.central.${NEWS}.7`];
    const toCentral = [`central.${NEWS}`, "central.event.hello.steward", `_INBOX.central.0a1b.ship1.${SHELL}.7`];
    for (const subject of toShip) await central.publish(subject);
    for (const subject of toCentral) await ship1.publish(subject);
    await eventuallySeen("all of it arrives", () => ship1.heard.length + central.heard.length === 6);
    expect([ship1.heard, central.heard]).toEqual([toShip, toCentral]);
    expect([...ship1.refused, ...central.refused]).toEqual([]);
  });

  it("let a stolen login of one node neither read the traffic of another one nor take it away", async () => {
    const { url } = await brokerWith(ALL);
    const [central, ship2, thief] = [
      await intruder(url, withSeed(KEYS.central)),
      await intruder(url, withSeed(KEYS.ship2)),
      await intruder(url, withSeed(KEYS.ship1)),
    ];
    await triesToRead(thief);
    for (const subject of ["ship2.>", "_INBOX.ship2.>"]) await ship2.listen(subject);
    for (const subject of ["central.>", "_INBOX.central.>"]) await central.listen(subject);
    const [toCentral, toShip2] = [
      [`central.${NEWS}`, OF_SHIP2.answers[0] ?? ""],
      [...OF_SHIP2.lanes, OF_SHIP2.answers[1] ?? ""],
    ];
    for (const subject of toShip2) await central.publish(subject);
    for (const subject of toCentral) await ship2.publish(subject);
    await eventuallySeen("all of it arrives", () => ship2.heard.length === 5 && central.heard.length === 2);
    await thief.nats.flush();
    expect(thief.heard).toEqual([]);
    // Every question was answered with a refusal, none was merely without effect.
    await isRefused(
      thief,
      [...WILDCARDS, ...OF_SHIP2.lanes, ...OF_SHIP2.answers].map((subject) => `subscription ${subject}`),
    );
  });

  it("let it write to nobody in the name of another one: no lane, no answer, no introduction's answer", async () => {
    const { url } = await brokerWith(ALL);
    const [central, ship2, thief] = [
      await intruder(url, withSeed(KEYS.central)),
      await intruder(url, withSeed(KEYS.ship2)),
      await intruder(url, withSeed(KEYS.ship1)),
    ];
    for (const subject of ["ship2.>", "_INBOX.ship2.>"]) await ship2.listen(subject);
    for (const subject of ["central.>", "_INBOX.central.>"]) await central.listen(subject);
    const forbidden = [
      ...OF_SHIP2.lanes,
      ...OF_SHIP2.answers,
      "_INBOX.ship2.0a1b.ship1.event.vouch.steward.1",
      "_INBOX.join-1.0a1b.central.event.introduction.steward.0",
      "_INBOX.central.x",
      "$SYS.REQ.SERVER.PING",
      "$JS.API.STREAM.CREATE.x",
    ];
    for (const subject of forbidden) await thief.publish(subject);
    await Promise.all([central.nats.flush(), ship2.nats.flush()]);
    expect([...ship2.heard, ...central.heard]).toEqual([]);
    await isRefused(
      thief,
      forbidden.map((subject) => `publish ${subject}`),
    );
  });

  it("let two nodes talk that are peers of each other, and no third one listen", async () => {
    const { url } = await brokerWith([node("central"), node("ship1", ["ship2"]), node("ship2", ["ship1"])]);
    const [ship1, ship2] = [await intruder(url, withSeed(KEYS.ship1)), await intruder(url, withSeed(KEYS.ship2))];
    for (const subject of ["ship2.>", "_INBOX.ship2.>"]) await ship2.listen(subject);
    for (const subject of ["ship1.>", "_INBOX.ship1.>"]) await ship1.listen(subject);
    await ship1.publish(`ship2.${SHELL}`);
    await ship2.publish(`_INBOX.ship1.0a1b.ship2.${SHELL}.1`);
    await eventuallySeen("both arrive", () => ship1.heard.length === 1 && ship2.heard.length === 1);
    const inItsName = `_INBOX.central.0a1b.ship2.${SHELL}.1`;
    await ship1.publish(inItsName);
    await isRefused(ship1, [`publish ${inItsName}`]);
  });

  it("end the connection of a node that is revoked, keep those of all others, and take a new one without a restart", async () => {
    const { url, pid, change } = await brokerWith([node("central"), node("ship1")]);
    const [central, ship1] = [await intruder(url, withSeed(KEYS.central)), await intruder(url, withSeed(KEYS.ship1))];
    await isDenied(url, withSeed(KEYS.ship2));
    await change([node("central"), node("ship1"), node("ship2")]);
    const ship2 = await intruder(url, withSeed(KEYS.ship2));
    await ship2.listen("ship2.>");
    await central.publish(`ship2.${SHELL}`);
    await eventuallySeen("it hears", () => ship2.heard.length === 1);
    await change([node("central"), node("ship2")]);
    await eventuallySeen("it is thrown out", () => ship1.isOut);
    await isDenied(url, withSeed(KEYS.ship1));
    await central.publish(`ship2.${SHELL}`);
    await eventuallySeen("the others go on", () => ship2.heard.length === 2);
    expect([central.isOut, ship2.isOut]).toEqual([false, false]);
    expect(() => process.kill(pid, 0)).not.toThrow();
  });

  it("let the bearer of an invitation introduce itself and hear the answer, and nothing else", async () => {
    const { url, change } = await brokerWith(ALL);
    const [central, bearer] = [
      await intruder(url, withSeed(KEYS.central)),
      await intruder(url, withSeed(KEYS.invitation)),
    ];
    await central.listen("central.>");
    await triesToRead(bearer);
    await bearer.listen("_INBOX.join-1.>");
    const reply = `_INBOX.join-1.0a1b.${INTRODUCTION}.0`;
    await bearer.publish(INTRODUCTION, "who I am", reply);
    for (const subject of [...OF_SHIP2.lanes, ...OF_SHIP2.answers, `central.${NEWS}`, "central.event.hello.steward"])
      await bearer.publish(subject);
    await eventuallySeen("it is introduced", () => central.heard.length > 0);
    await central.publish(reply);
    await eventuallySeen("it hears the answer", () => bearer.heard.length > 0);
    expect([central.heard, bearer.heard]).toEqual([[INTRODUCTION], [reply]]);
    await change(ALL.filter((login) => login !== INVITATION));
    await eventuallySeen("an invitation that is spent is none", () => bearer.isOut);
  });

  it("let a connection without credentials introduce itself, where newcomers are wanted", async () => {
    const { url } = await brokerWith(ALL, [], true);
    const [central, stranger] = [await intruder(url, withSeed(KEYS.central)), await intruder(url)];
    await central.listen("central.>");
    await triesToRead(stranger);
    for (const subject of [...OF_SHIP2.lanes, ...OF_SHIP2.answers, `central.${NEWS}`, INTRODUCTION])
      await stranger.publish(subject);
    await eventuallySeen("it is introduced", () => central.heard.length > 0);
    await central.nats.flush();
    expect([central.heard, stranger.heard]).toEqual([[INTRODUCTION], []]);
    await isDenied((await brokerWith(ALL)).url, {});
  });

  it("let a plain publisher write what it is named for, and hear the answer of the node that takes it", async () => {
    const publishers = [{ name: "weather", login: { password: "p'\"\\" }, subjects: [`ship1.${NEWS}`] }];
    const { url } = await brokerWith(ALL, publishers);
    const ship1 = await intruder(url, withSeed(KEYS.ship1));
    const weather = await intruder(url, { user: "weather", pass: "p'\"\\" });
    await ship1.listen("ship1.>");
    await weather.listen("_INBOX.-weather.>");
    await weather.publish(`ship1.${NEWS}`, '{"data":null}', "_INBOX.-weather.1");
    await weather.publish(`ship1.${SHELL}`);
    await weather.publish(`ship2.${NEWS}`);
    await eventuallySeen("it is heard", () => ship1.heard.length > 0);
    await ship1.publish("_INBOX.-weather.1");
    await eventuallySeen("it is answered", () => weather.heard.length > 0);
    expect([ship1.heard, weather.heard]).toEqual([[`ship1.${NEWS}`], ["_INBOX.-weather.1"]]);
  });
});
