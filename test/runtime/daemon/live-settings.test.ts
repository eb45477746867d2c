import { appendFileSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { SETTING_ROWS } from "../../../src/config/schema/setting-rows.ts";
import { EXAMPLE_KEYS } from "../../../src/config/schema/value-kinds.ts";
import { idMaker } from "../../../src/message/id.ts";
import type { Json } from "../../../src/message/message.ts";
import { eventuallySeen } from "../../harness/eventually.ts";
import { encodeFrame } from "../../harness/packets.ts";
import { seededRandom } from "../../harness/random.ts";
import { settled } from "../../harness/world/sound.ts";
import { createWorld, type NodeOptions, type World } from "../../harness/world/world.ts";

const WORK = "ship1.command.work.os";
const SHELL = "ship1.command.shellcommand.os";
const NEWS = "central.event.note.news";
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

const start = async (): Promise<World> =>
  settled(await createWorld({ sealed: false, nodes: { ship1: {}, ship2: {} } }));

async function ping(world: World, from = "central"): Promise<string> {
  const id = await world.send("ship1.command.ping.steward", null, {}, from);
  return (await world.ended(id, from)).state;
}

/** A frame of somebody who is named nowhere. */
async function stranger(world: World, name: string): Promise<void> {
  const link = world.broker.connect(name);
  await world.advance(0);
  const id = idMaker(world.time, seededRandom(99))();
  const items = [{ id, createdAt: 1, deliverBy: null, timeout: null, data: {} as Json }];
  const frame = { origin: name, epoch: "e", sentAt: world.time.now(), first: 1, acked: 0, items };
  link.publish(NEWS, encodeFrame(NEWS, frame, null), `${link.inbox}.x`);
}

/** Stored logs of ship1 at central, of these days before the world began. */
function storeLogs(world: World, days: readonly number[]): string {
  const directory = join(world.data("central"), "syslogforwarding", "ship1", "nginx");
  mkdirSync(directory, { recursive: true });
  for (const day of days) {
    const at = world.time.now() - day * DAY;
    const file = join(directory, `${new Date(at).toISOString().slice(0, 10)}.log`);
    writeFileSync(file, "x".repeat(40_000));
    utimesSync(file, at / 1000, at / 1000);
  }
  return directory;
}

interface Change {
  readonly node: string;
  readonly settings: NodeOptions;
  /** What holds from then on, and did not before. */
  readonly follows: (world: World) => Promise<void>;
}

/** For each setting that a reload applies: a change of it, and the behaviour that follows. */
const LIVE: Readonly<Record<string, Change>> = {
  hello: {
    node: "ship1",
    settings: { hello: "1s" },
    follows: async (world) => {
      await world.advance(61_500);
      expect(world.time.now() - (world.node("ship1").lastSeenAt ?? 0)).toBeLessThan(1_500);
    },
  },
  nodes: {
    node: "central",
    settings: { nodes: ["ship1", "ship9"] },
    follows: async (world) => {
      const names = () =>
        world
          .daemon("central")
          .operations.nodes()
          .map(({ name }) => name);
      expect(names()).toContain("ship9");
      // A node that was heard of stays, one that was only expected does not.
      await world.reload("central", { nodes: [] });
      expect(names()).toEqual(expect.arrayContaining(["ship1", "ship2"]));
      expect(names()).not.toContain("ship9");
    },
  },
  labels: {
    node: "ship1",
    settings: { labels: { class: "tug" } },
    follows: async (world) => {
      await world.advance(12_000);
      expect(world.daemon("central").operations.resolve({ to: "class=tug" }).nodes).toEqual(["ship1"]);
    },
  },
  groups: {
    node: "ship1",
    settings: { groups: { office: ["ship2"] }, control: { from: ["group:office"] } },
    follows: async (world) => {
      expect([await ping(world), await ping(world, "ship2")]).toEqual(["rejected", "succeeded"]);
      await world.reload("ship1", { groups: { office: ["central"] } });
      expect([await ping(world), await ping(world, "ship2")]).toEqual(["succeeded", "rejected"]);
      expect(world.daemon("ship1").operations.resolve({ to: "@office" }).nodes).toEqual(["central"]);
    },
  },
  schedule: {
    node: "ship1",
    settings: { schedule: { often: { every: "every minute", subject: "command.work.os", data: {} } } },
    follows: async (world) => {
      await world.advance(61_000);
      expect(world.ledger.runs.map(({ node }) => node)).toEqual(["ship1"]);
      expect(world.daemon("central").operations.schedules()).toMatchObject([{ node: "ship1", name: "often" }]);
    },
  },
  facts: {
    node: "ship1",
    settings: { facts: { load: { run: ["print", "one=1"] } } },
    follows: async (world) => {
      await world.advance(12_000);
      expect(world.daemon("central").operations.facts("ship1").list).toMatchObject([{ key: "load.one", value: "1" }]);
    },
  },
  destinations: {
    node: "central",
    settings: { destinations: { bus: { publish: "alerts.fleet" } } },
    follows: async (world) => {
      const order = { subject: WORK, data: {}, reply: ["bus"] };
      const [accepted] = await world.drive(world.daemon("central").operations.submit([order]));
      expect(accepted?.node).toBe("ship1");
      await world.reload("central", { destinations: {} });
      await expect(world.drive(world.daemon("central").operations.submit([order]))).rejects.toMatchObject({
        code: "message-invalid",
      });
    },
  },
  alerts: {
    node: "central",
    settings: {
      destinations: { bus: { publish: "alerts.fleet" } },
      alerts: { there: { when: "online", for: "0s", to: ["bus"] } },
    },
    follows: async (world) => {
      await world.advance(62_000);
      expect(world.daemon("central").operations.openAlerts()).toMatchObject([{ node: "ship1" }, { node: "ship2" }]);
    },
  },
  "limits.targets": {
    node: "central",
    settings: { limits: { targets: 1 } },
    follows: (world) =>
      expect(
        world.drive(world.daemon("central").operations.submit([{ to: "all", subject: "command.work.os", data: {} }])),
      ).rejects.toMatchObject({ code: "target-large" }),
  },
  "control.from": {
    node: "ship1",
    settings: { control: { from: ["ship2"] } },
    follows: async (world) =>
      expect([await ping(world), await ping(world, "ship2")]).toEqual(["rejected", "succeeded"]),
  },
  policy: {
    node: "ship1",
    settings: { policy: [{ subject: "command.work.*", from: ["ship2"] }] },
    follows: async (world) =>
      expect((await world.ended(await world.send(WORK))).reason).toContain("from is [ship2] (steward.yaml:1)"),
  },
  timeZone: {
    node: "ship1",
    settings: {
      timeZone: "Asia/Tokyo",
      policy: [{ subject: "command.work.*", hours: ["00:00-00:01", "00:02-24:00"] }],
    },
    follows: async (world) => {
      const day = 24 * HOUR;
      // One minute past midnight in Tokyo.
      world.setClock("ship1", day - ((world.time.now() + 9 * HOUR - 60_000) % day));
      expect((await world.ended(await world.send(WORK))).reason).toMatch(
        /it is \w+ 00:01 Asia\/Tokyo, and the hours are/,
      );
      await world.reload("ship1", { timeZone: "UTC" });
      expect((await world.ended(await world.send(WORK))).state).toBe("succeeded");
    },
  },
  "defaults.deliverBy": {
    node: "central",
    settings: { defaults: { deliverBy: "2h" } },
    follows: async (world) => {
      const { deliverBy, createdAt } = world.message(await world.send(WORK));
      expect((deliverBy ?? 0) - createdAt).toBe(2 * HOUR);
    },
  },
  "defaults.timeout": {
    node: "central",
    settings: { defaults: { timeout: "5s" } },
    follows: async (world) => {
      const id = await world.send(SHELL, ["sleep", "60000"]);
      const ended = await world.ended(id);
      expect(ended).toMatchObject({ state: "timedOut", timeout: 5_000, reason: "ended after 5 s, its timeout" });
      // One that says for itself is not held to it.
      const own = await world.send(SHELL, ["sleep", "60000"], { timeout: 120_000 });
      expect(await world.ended(own)).toMatchObject({ state: "succeeded" });
    },
  },
  "limits.timeout": {
    node: "ship1",
    settings: { limits: { timeout: "4s" } },
    follows: async (world) => {
      const id = await world.send(SHELL, ["sleep", "60000"], { timeout: 120_000 });
      const reason = "ended after 4 s, limits.timeout of ship1";
      expect(await world.ended(id)).toMatchObject({ state: "timedOut", reason });
    },
  },
  "limits.messageBytes": {
    node: "central",
    settings: { limits: { messageBytes: "64KB" } },
    follows: (world) =>
      expect(world.send(WORK, { note: "x".repeat(100_000) })).rejects.toMatchObject({ code: "message-too-large" }),
  },
  "limits.journalBytes": {
    node: "central",
    settings: { limits: { journalBytes: "1MB" } },
    follows: async (world) => {
      const store = world.store("central");
      for (let i = 0; i < 2_600; i++) store.put("checkpoints", `filler ${i}`, "x".repeat(400));
      await world.advance(2_000);
      await expect(world.send(WORK)).rejects.toMatchObject({ code: "journal-full" });
    },
  },
  "limits.outputBytes": {
    node: "ship1",
    settings: { limits: { outputBytes: "1KB" } },
    follows: async (world) => {
      const id = await world.send(SHELL, ["sleep", "60000"]);
      await world.until(() => world.state(id) === "running", "it runs");
      expect(world.host("ship1").runs.get(id)?.spec).toMatchObject({ head: 512, tail: 512 });
    },
  },
  "secrets.directory": {
    node: "ship1",
    settings: { secrets: { directory: "/proc/self" } },
    follows: async (world) => {
      const ended = await world.ended(await world.send(SHELL, ["print", "secret:status"]));
      expect(ended).toMatchObject({
        state: "rejected",
        reason: expect.stringContaining("other users may read status in"),
      });
    },
  },
  "secrets.files": {
    node: "ship1",
    settings: { secrets: { files: { db: "/no/such/file" } } },
    follows: async (world) => {
      const ended = await world.ended(await world.send(SHELL, ["print", "secret:db"]));
      expect(ended).toMatchObject({
        state: "rejected",
        reason: expect.stringContaining("cannot be read from /no/such"),
      });
    },
  },
  "secrets.environment": {
    node: "ship1",
    settings: { secrets: { environment: { path: "PATH" } } },
    follows: async (world) => {
      const id = await world.send(SHELL, ["sleep", "60000", "secret:path"]);
      await world.until(() => world.state(id) === "running", "it runs");
      const spec = world.host("ship1").runs.get(id)?.spec;
      expect(spec).toMatchObject({ argv: ["sleep", "60000", "secret:path"], secrets: { path: process.env.PATH } });
    },
  },
  "limits.lineBytes": {
    node: "ship1",
    settings: { limits: { lineBytes: "1KB" } },
    follows: async (world) => {
      const log = join(world.data("ship1"), "web.log");
      writeFileSync(log, "");
      await world.reload("ship1", { publish: [{ subject: "central.event.syslogforwarding.web", tail: log }] });
      await world.advance(2_000);
      appendFileSync(log, `${"x".repeat(2_000)}\n`);
      const divided = () => world.count("ship1", "steward_log_lines_divided_total");
      for (let n = 0; n < 100 && (await divided()) === 0; n++) await world.advance(500);
      expect(await divided()).toBe(1);
    },
  },
  "limits.nodes": {
    node: "central",
    settings: { limits: { nodes: 0 } },
    follows: async (world) => {
      await stranger(world, "late1");
      await world.advance(1_000);
      expect(await world.count("central", "steward_refused_total", "node-not-admitted")).toBeGreaterThan(0);
    },
  },
  "limits.lanes": {
    node: "central",
    settings: { limits: { lanes: 1 } },
    follows: async (world) => {
      await stranger(world, "late1");
      await stranger(world, "late2");
      await world.advance(1_000);
      expect(await world.count("central", "steward_refused_total", "lane-not-admitted")).toBeGreaterThan(0);
    },
  },
  "limits.held": {
    node: "central",
    settings: { limits: { held: 1 } },
    follows: (world) =>
      expect(
        world.drive(
          world.daemon("central").operations.createJob({ to: "ship1,ship2", subject: "command.work.os", data: {} }),
        ),
      ).rejects.toMatchObject({ code: "held-full" }),
  },
  "limits.earlyCancels": {
    node: "ship1",
    settings: { limits: { earlyCancels: 0 } },
    follows: async (world) => {
      const id = await world.send("ship1.command.cancel.steward", { id: "01J00000000000000000000001" });
      expect(await world.ended(id)).toMatchObject({ state: "failed" });
    },
  },
  "retention.age": {
    node: "central",
    settings: { retention: { age: "2h" } },
    follows: async (world) => {
      const id = await world.send(WORK);
      await world.ended(id);
      await world.advance(4 * HOUR);
      expect(() => world.message(id)).toThrow();
    },
  },
  "retention.bytes": {
    node: "central",
    settings: { retention: { bytes: "64KB" } },
    follows: async (world) => {
      const id = await world.send(WORK, { note: "x".repeat(100_000) });
      await world.ended(id);
      await world.advance(10 * 60_000);
      expect(() => world.message(id)).toThrow();
    },
  },
  "retention.deadLetters": {
    node: "central",
    settings: { retention: { deadLetters: 1 } },
    follows: async (world) => {
      const dead = () => world.daemon("central").operations.dead();
      for (let n = 0; n < 2; n++) {
        const [id] = await world.submit([{ subject: NEWS, data: { poison: true, n } }], "ship1");
        await world.until(() => dead().some((letter) => letter.id === id), "it is put aside");
        await world.advance(40_000);
      }
      await world.until(() => dead().length === 1, "one is dropped");
    },
  },
  "retention.logs.age": {
    node: "central",
    settings: { retention: { age: "4h", logs: { age: "2h" } } },
    follows: async (world) => {
      const directory = storeLogs(world, [1, 2]);
      await world.advance(3.5 * HOUR);
      await eventuallySeen("they are gone", () => readdirSync(directory).length === 0);
    },
  },
  "retention.logs.bytes": {
    node: "central",
    settings: { retention: { logs: { bytes: "64KB" } } },
    follows: async (world) => {
      const directory = storeLogs(world, [0, 1, 2]);
      await world.advance(1.2 * HOUR);
      await eventuallySeen("two are gone", () => readdirSync(directory).length === 1);
    },
  },
  "retention.audit.age": {
    node: "ship1",
    settings: { retention: { audit: { age: "1d" } } },
    follows: async (world) => expect((await world.daemon("ship1").operations.verifyAudit()).ok).toBe(true),
  },
  "retention.audit.bytes": {
    node: "ship1",
    settings: { retention: { audit: { bytes: "32MB" } } },
    follows: async (world) => expect((await world.daemon("ship1").operations.verifyAudit()).ok).toBe(true),
  },
  "log.level": {
    node: "ship1",
    settings: { log: { level: "error" } },
    follows: async (world) => {
      const before = world.lines("ship1").length;
      await world.reload("ship1", { nodes: ["ship7"] });
      await world.advance(60_000);
      expect(world.lines("ship1")).toHaveLength(before);
    },
  },
};

/** For each setting that waits for a restart: a change of it. */
const RESTART: Readonly<Record<string, NodeOptions>> = {
  security: { security: "off" },
  centralKey: { centralKey: EXAMPLE_KEYS },
  node: { node: "other" },
  central: { central: "other" },
  "broker.servers": { broker: { servers: ["nats://elsewhere:4222"] } },
  "broker.embedded": { central: "ship1", broker: { embedded: true } },
  "broker.user": { broker: { servers: ["nats://memory:4222"], user: "u", password: "p" } },
  "broker.password": { broker: { servers: ["nats://memory:4222"], user: "u", password: "p" } },
  "broker.token": { broker: { servers: ["nats://memory:4222"], token: "t" } },
  "broker.nkey": { broker: { servers: ["nats://memory:4222"], nkey: "./k" } },
  "broker.creds": { broker: { servers: ["nats://memory:4222"], creds: "./k" } },
  "broker.publishers": {
    broker: {
      servers: ["nats://memory:4222"],
      publishers: { web: { password: "p", subjects: ["ship1.event.note.news"] } },
    },
  },
  "broker.tls": { broker: { servers: ["nats://memory:4222"], tls: {} } },
  data: { data: "/elsewhere" },
  link: { link: "gsm" },
  methods: { methods: ["./other.mjs"] },
  "intake.folder": { intake: { folder: "off" } },
  "intake.file": { intake: { file: "off" } },
  socket: { socket: "/run/other.sock" },
  socketAccess: { socketAccess: "group" },
  metrics: { metrics: "127.0.0.1:9" },
  "page.listen": { page: { listen: "127.0.0.1:9" } },
  "page.address": { page: { address: "https://fleet.example.org" } },
  "page.tls": { page: { tls: { certificate: "./a.pem", key: "./a.key" } } },
  "page.idle": { page: { idle: "9h" } },
  "page.longest": { page: { longest: "9d" } },
  "shell.grace": { shell: { grace: "1s" } },
  "supervision.intensity": { supervision: { intensity: 9 } },
  "supervision.period": { supervision: { period: "9s" } },
  "supervision.backoff.min": { supervision: { backoff: { min: "9ms" } } },
  "supervision.backoff.max": { supervision: { backoff: { max: "9s" } } },
  "supervision.backoff.factor": { supervision: { backoff: { factor: 3 } } },
  "supervision.backoff.jitter": { supervision: { backoff: { jitter: 0.9 } } },
  "supervision.backoff.resetAfter": { supervision: { backoff: { resetAfter: "9s" } } },
};

/** Policies travel in signed lists, for which daemons need keys: `integration/permission.test.ts`. The API asks at each request: `api/speaker.test.ts`, `operate/approvals.test.ts`. The bounds of history are asked for at each sweep: `runtime/fleet/history/`. */
const ELSEWHERE = ["policies", "operators.socket", "approvals", "retention.history.age", "retention.history.bytes"];

const keysOf = (applies: string): string[] =>
  SETTING_ROWS.filter((row) => row.applies === applies).map(({ key }) => key);

describe("a setting that a reload applies", () => {
  test("is tried below, whichever it is", () => {
    expect([...Object.keys(LIVE), ...ELSEWHERE].sort()).toEqual(keysOf("live").sort());
    expect(Object.keys(RESTART).sort()).toEqual(keysOf("restart").sort());
  });

  test.each(Object.entries(LIVE))(
    "%s: the daemon behaves by its new value at once",
    async (key, { node, settings, follows }) => {
      const world = await start();
      const { changes, needRestart } = await world.reload(node, settings);
      expect(changes.join("\n")).toContain(`${key}: `);
      expect(needRestart).toEqual([]);
      await follows(world);
    },
  );
});

test("a setting that waits for a restart says so, and nothing of it is applied", async () => {
  const world = await start();
  for (const [key, settings] of Object.entries(RESTART)) {
    const before = world.daemon("ship1").operations.health();
    const undo = await world.reload("ship1", {});
    expect(undo.needRestart, key).toEqual([]);
    const text = world.text("ship1");
    const { needRestart } = await world.reload("ship1", settings);
    expect(needRestart.join("\n"), key).toContain(`${key}: `);
    expect(world.daemon("ship1").operations.health(), key).toMatchObject({ node: before.node, broker: before.broker });
    world.rewrite("ship1", text);
  }
  expect(await ping(world)).toBe("succeeded");
});

test("a plain publisher's command may run as long as the default of the node that takes it says", async () => {
  const world = await settled(
    await createWorld({ nodes: { ship1: { subscribe: [{ subject: "command.shellcommand.os", foreign: true }] } } }),
  );
  await world.reload("ship1", { defaults: { timeout: "3s" } });
  const link = world.broker.connect("plain");
  await world.advance(0);
  link.publish(SHELL, Buffer.from(JSON.stringify({ data: ["sleep", "60000"] })));
  await world.until(() => world.host("ship1").ledger.length === 1, "it runs");
  const id = world.host("ship1").ledger[0] ?? "";
  const ended = await world.ended(id, "ship1");
  expect(ended).toMatchObject({ state: "timedOut", reason: "ended after 3 s, its timeout" });
});
