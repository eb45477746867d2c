import { describe, expect, it } from "vitest";
import { diffConfig } from "../../src/config/diff.ts";
import { everyPlace } from "../../src/config/schema/schema-tree.ts";
import { reloaded, SETTING_ROWS } from "../../src/config/schema/setting-rows.ts";
import { schema } from "../../src/config/schema/settings.ts";
import { configOf, minimal } from "./samples.ts";

const diff = (before: string, after: string) => diffConfig(configOf(minimal(before)), configOf(minimal(after))).changes;

describe("diffConfig", () => {
  it("finds nothing between equal configurations, however they are written", () => {
    expect(diff("hello: 60s\n", "hello: 1m\nsubscribe: []\n")).toEqual([]);
    expect(diff("nodes: [a]\nlimits: {journalBytes: 1024MB}\n", "limits: {}\nnodes:\n- a\n")).toEqual([]);
  });

  it.each([
    ["", "log: {level: debug}", "live", "log.level: info → debug"],
    ["", "hello: 30s", "live", "hello: 10s → 30s"],
    ["", "nodes: [a, b]", "live", "nodes: [] → [a, b]"],
    ["", "control: {from: [noc]}", "live", "control.from: [central] → [noc]"],
    ["", "defaults: {deliverBy: never}", "live", "defaults.deliverBy: 7d → never"],
    ["", "limits: {messageBytes: 64KB}", "live", "limits.messageBytes: 512KB → 64KB"],
    ["", "limits: {earlyCancels: 0}", "live", "limits.earlyCancels: 10000 → 0"],
    ["", "retention: {age: 1d, logs: {age: 30d}}", "live", "retention.age: 30d → 1d"],
    ["", "retention: {deadLetters: 5}", "live", "retention.deadLetters: 10000 → 5"],
    ["", "retention: {logs: {age: 1d}}", "live", "retention.logs.age: 30d → 1d"],
    ["", "retention: {logs: {bytes: 1GB}}", "live", "retention.logs.bytes: 10GB → 1GB"],
    ["", "socket: /run/s", "restart", "socket: /etc/steward/var/ship1/steward.sock → /run/s"],
    ["", "socketAccess: group", "restart", "socketAccess: owner → group"],
    ["metrics: 127.0.0.1:1", "", "restart", "metrics: 127.0.0.1:1 → off"],
    ["", "methods: [a.ts]", "restart", "methods: [] → [/etc/steward/a.ts]"],
    ["", "supervision: {backoff: {jitter: 0.5}}", "restart", "supervision.backoff.jitter: 0.2 → 0.5"],
  ])("a setting: %j to %j is %s", (before, after, applies, text) => {
    const key = text.split(":")[0];
    expect(diff(before, after)).toEqual([{ part: "setting", action: "changed", key, applies, text }]);
  });

  it("needs a restart for another link, and shows what that does to hello", () => {
    expect(diff("", "link: gsm").map(({ applies, text }) => `${applies} ${text}`)).toEqual([
      "restart link: lan → gsm",
      "live hello: 10s → 1m",
    ]);
  });

  it("needs a restart for node, central, data and broker", () => {
    const other =
      "node: ship2\ncentral: hq\nbroker: {servers: [tls://h]}\ndata: /d\nsocket: /s\nintake: {folder: /i, file: /f}\n";
    const { changes } = diffConfig(
      configOf(minimal("socket: /s\nintake: {folder: /i, file: /f}\ncontrol: {from: [a]}\n")),
      configOf(`${other}control: {from: [a]}\n`),
    );
    expect(changes.map(({ key, applies }) => `${key} ${applies}`)).toEqual([
      "node restart",
      "central restart",
      "broker.servers restart",
      "broker.tls restart",
      "data restart",
    ]);
  });

  it("names a process that was added, removed or changed, each with its own line", () => {
    const before =
      "subscribe:\n- subject: command.a.b\n- {subject: command.shellcommand.nginx, concurrency: 1}\npublish:\n- {subject: central.event.a.b, tail: /x}\n";
    const after =
      "subscribe:\n- {subject: command.shellcommand.nginx, concurrency: 4, allow: [nginx -t]}\n- subject: command.c.d\npublish:\n- {subject: central.event.a.b, syslog: 'udp://127.0.0.1:1'}\n";
    expect(diff(before, after)).toEqual([
      {
        part: "subscribe",
        action: "changed",
        key: "command.shellcommand.nginx",
        applies: "process",
        text: 'subscribe command.shellcommand.nginx: allow all → ["nginx -t"], concurrency 1 → 4',
      },
      {
        part: "subscribe",
        action: "added",
        key: "command.c.d",
        applies: "process",
        text: "subscribe command.c.d: added",
      },
      {
        part: "subscribe",
        action: "removed",
        key: "command.a.b",
        applies: "process",
        text: "subscribe command.a.b: removed",
      },
      {
        part: "publish",
        action: "changed",
        key: "central.event.a.b",
        applies: "process",
        text: "publish central.event.a.b: source tail /x → syslog udp://127.0.0.1:1",
      },
    ]);
  });

  it("does not see a new order of the subscriptions as a change", () => {
    expect(
      diff(
        "subscribe: [{subject: command.a.b}, {subject: command.c.d}]",
        "subscribe: [{subject: command.c.d}, {subject: command.a.b}]",
      ),
    ).toEqual([]);
  });

  it("sees a changed secret, and does not show it", () => {
    const of = (password: string) => configOf(minimal("", `{servers: [h], user: joe, password: ${password}}`));
    expect(diffConfig(of("hunter2"), of("hunter3")).changes.map((change) => change.text)).toEqual([
      "broker.password: changed",
    ]);
  });

  it("covers every setting of the schema", () => {
    const compared = SETTING_ROWS.map((row) => row.key);
    const values = everyPlace(schema).filter((place) => place.form === "value" && !place.path.includes("[]"));
    const missed = values.filter(({ path }) => !compared.some((key) => path === key || path.startsWith(`${key}.`)));
    expect(missed.map((place) => place.path)).toEqual([]);
  });
});

describe("reloaded", () => {
  it("keeps each variable from commands that a file since the start took a password or a secret from", () => {
    const secret = (name: string) => minimal(`secrets: {environment: {token: ${name}}}\n`);
    const broker = `{servers: [nats://127.0.0.1:4222], user: ship1, password: "\${FIRST}"}`;
    const first = configOf(minimal("", broker), { FIRST: "a" });
    const second = reloaded(first, configOf(secret("SECOND")));
    expect(second.environment).toEqual(["FIRST", "SECOND"]);
    expect(reloaded(second, configOf(secret("THIRD"))).environment).toEqual(["FIRST", "SECOND", "THIRD"]);
  });
});
