import { describe, expect, it } from "vitest";
import { parseAddress } from "../../src/methods/syslog/network/address.ts";
import { configOf, DESIGN_EXAMPLE, FILE, faultsOf, minimal } from "./samples.ts";

describe("the example of the design", () => {
  it("compiles to what the daemon uses", () => {
    const config = configOf(DESIGN_EXAMPLE);
    expect(config).toMatchObject({
      file: FILE,
      node: "ship1",
      central: "central",
      broker: {
        servers: ["nats://127.0.0.1:4222"],
        embedded: null,
        auth: { kind: "identity", seedFile: "/etc/steward/var/ship1/identity/sign.nk" },
        tls: null,
        publishers: [],
      },
      data: "/etc/steward/var/ship1",
      hello: 10_000,
      link: { name: "lan", hello: 10_000, late: 25_000, offline: 60_000, compressFrom: null },
      publish: [
        {
          subject: "central.event.syslogforwarding.nginx",
          method: "syslogforwarding",
          domain: "nginx",
          source: "syslog",
          setting: "udp://127.0.0.1:5514",
        },
        { subject: "central.event.syslogforwarding.apache", source: "tail", setting: "/var/log/apache2/access.log" },
      ],
    });
    expect(config.subscribe).toEqual([
      {
        subject: "command.shellcommand.operatingsystem",
        kind: "command",
        method: "shellcommand",
        domain: "operatingsystem",
        from: ["central"],
        allow: null,
        deny: [],
        hours: null,
        atOnce: null,
        signed: null,
        at: {
          rule: "steward.yaml:9",
          from: "steward.yaml:10",
          hours: "steward.yaml:9",
          atOnce: "steward.yaml:9",
          signed: "steward.yaml:9",
        },
        concurrency: 4,
        queue: 1000,
        foreign: false,
        run: null,
      },
      {
        subject: "command.shellcommand.nginx",
        kind: "command",
        method: "shellcommand",
        domain: "nginx",
        from: ["central"],
        allow: [
          {
            text: "systemctl * nginx",
            at: "steward.yaml:14",
            argv: [["systemctl"], ["", ""], ["nginx"]],
            more: false,
            script: null,
          },
          { text: "nginx -t", at: "steward.yaml:14", argv: [["nginx"], ["-t"]], more: false, script: null },
        ],
        deny: [],
        hours: null,
        atOnce: null,
        signed: null,
        at: {
          rule: "steward.yaml:12",
          from: "steward.yaml:13",
          hours: "steward.yaml:12",
          atOnce: "steward.yaml:12",
          signed: "steward.yaml:12",
        },
        concurrency: 1,
        queue: 1000,
        foreign: false,
        run: null,
      },
    ]);
  });
});

describe("defaults", () => {
  it("are all filled in", () => {
    const { broker, data, subscribe, publish, link, ...rest } = configOf(minimal());
    expect(rest).toEqual({
      file: FILE,
      written: ["node", "broker", "data"],
      node: "ship1",
      central: "central",
      hello: 10_000,
      nodes: [],
      environment: [],
      methods: [],
      control: { from: ["central"], at: "the default of control.from" },
      alerts: {},
      destinations: {},
      facts: {},
      groups: {},
      labels: {},
      policy: [],
      schedule: {},
      policies: [],
      approvals: [],
      operators: {},
      defaults: { deliverBy: 604_800_000, timeout: 3_600_000 },
      limits: {
        messageBytes: 524_288,
        journalBytes: 1_073_741_824,
        lineBytes: 32 * 1024,
        outputBytes: 1_048_576,
        timeout: 2_073_600_000,
        nodes: 10_000,
        held: 100_000,
        earlyCancels: 10_000,
        lanes: 200_000,
        targets: 50,
      },
      retention: {
        age: 2_592_000_000,
        bytes: 536_870_912,
        deadLetters: 10_000,
        logs: { age: 2_592_000_000, bytes: 10_737_418_240 },
        history: { age: 2_592_000_000, bytes: 16_777_216 },
        audit: { age: 63_072_000_000, bytes: 1_073_741_824 },
      },
      security: "sealed",
      intake: { folder: "/etc/steward/var/ship1/inbox", file: "/etc/steward/var/ship1/inmsg.txt" },
      socket: "/etc/steward/var/ship1/steward.sock",
      socketAccess: "owner",
      metrics: null,
      page: { listen: null, address: null, tls: null, idle: 28_800_000, longest: 604_800_000 },
      log: { level: "info" },
      shell: { grace: 5000 },
      secrets: { directory: null, files: {}, environment: {} },
      supervision: {
        intensity: 3,
        period: 30_000,
        backoff: { min: 200, max: 30_000, factor: 2, jitter: 0.2, resetAfter: 60_000 },
      },
    });
  });

  it("let nobody but central send commands, whatever it is called", () => {
    const config = configOf(minimal("central: hq\nsubscribe: [{subject: command.a.b}, {subject: event.a.b}]\n"));
    expect(config.subscribe.map((entry) => entry.from)).toEqual([["hq"], ["hq"]]);
    expect(config.control.from).toEqual(["hq"]);
  });

  it("let every node report events to central, and only central command it", () => {
    const config = configOf(minimal("central: ship1\nsubscribe: [{subject: command.a.b}, {subject: event.a.b}]\n"));
    expect(config.subscribe.map((entry) => entry.from)).toEqual([["ship1"], ["*"]]);
  });

  it("can be turned off", () => {
    const config = configOf(
      minimal("defaults: {deliverBy: never}\nintake: {folder: off, file: null}\nmetrics: off\ncontrol: {from: []}\n"),
    );
    expect(config).toMatchObject({
      defaults: { deliverBy: null },
      intake: { folder: null, file: null },
      metrics: null,
      control: { from: [] },
    });
  });
});

describe("a link", () => {
  it.each([
    [
      "lan",
      {
        hello: 10_000,
        late: 25_000,
        offline: 60_000,
        ping: 20_000,
        ackTimeout: 5_000,
        frameBytes: 262_144,
        windowBytes: 4_194_304,
        framesInFlight: 8,
        compressFrom: null,
      },
    ],
    [
      "gsm",
      {
        hello: 60_000,
        late: 150_000,
        offline: 360_000,
        ping: 120_000,
        ackTimeout: 30_000,
        frameBytes: 32_768,
        windowBytes: 131_072,
        framesInFlight: 4,
        compressFrom: 512,
      },
    ],
    [
      "satellite",
      {
        hello: 600_000,
        late: 900_000,
        offline: 1_800_000,
        ping: 900_000,
        ackTimeout: 60_000,
        frameBytes: 32_768,
        windowBytes: 131_072,
        framesInFlight: 4,
        compressFrom: 128,
      },
    ],
  ])("%s has its profile", (name, profile) => {
    expect(configOf(minimal(`link: ${name}\n`)).link).toEqual({ name, ...profile });
  });

  it("takes another hello, and is late and offline by it", () => {
    const config = configOf(minimal("link: gsm\nhello: 2m\n"));
    expect(config.hello).toBe(120_000);
    expect(config.link).toMatchObject({ name: "gsm", hello: 120_000, late: 300_000, offline: 720_000, ping: 120_000 });
  });
});

describe("the broker", () => {
  it("takes the logins of plain publishers, and their passwords from the environment", () => {
    const key = `U${"A".repeat(55)}`;
    const subjects = "subjects: [ship1.event.a.b]";
    const text = `{servers: [h], publishers: {one: {password: '\${P}', ${subjects}}, two: {key: ${key}, ${subjects}}}}`;
    const config = configOf(`node: central\nbroker: ${text}\ndata: /d\n`, { P: "secret" });
    expect(config.broker.publishers).toEqual([
      { name: "one", login: { password: "secret" }, subjects: ["ship1.event.a.b"] },
      { name: "two", login: { key }, subjects: ["ship1.event.a.b"] },
    ]);
    expect(config.environment).toEqual(["P"]);
  });
  const broker = (text: string, env: Record<string, string> = {}) =>
    configOf(`node: central\nbroker: ${text}\ndata: /d\n`, env).broker;

  it.each([
    ["true", { host: "127.0.0.1", port: 4222, tls: null, newcomers: true }, "nats://127.0.0.1:4222"],
    [
      "{tls: {cert: c.pem, key: k.pem, ca: ca.pem}, newcomers: false}",
      { tls: { cert: "/etc/steward/c.pem", key: "/etc/steward/k.pem", ca: "/etc/steward/ca.pem" }, newcomers: false },
      "tls://127.0.0.1:4222",
    ],
    ["{port: 5000}", { host: "127.0.0.1", port: 5000 }, "nats://127.0.0.1:5000"],
    ["{host: 0.0.0.0}", { host: "0.0.0.0", port: 4222 }, "nats://127.0.0.1:4222"],
    ['{host: "::"}', { host: "::", port: 4222 }, "nats://[::1]:4222"],
  ])("embedded: %s is reached where it listens", (text, embedded, server) => {
    expect(broker(`{embedded: ${text}}`)).toMatchObject({ embedded, servers: [server] });
  });

  it("takes secrets from the environment, and text around them", () => {
    const env = { PASSWORD: "p$4:x", NAME: "joe" };
    expect(broker(`{servers: [h], user: 'a-\${NAME}', password: '\${PASSWORD}'}`, env).auth).toEqual({
      kind: "user",
      user: "a-joe",
      password: "p$4:x",
    });
    expect(broker(`{servers: [h], token: '$\${NAME}$1'}`, env).auth).toEqual({ kind: "token", token: `\${NAME}$1` });
  });

  it("resolves files beside the configuration file", () => {
    expect(broker("{servers: [h]}").auth).toEqual({ kind: "identity", seedFile: "/d/identity/sign.nk" });
    expect(broker("{servers: [h], nkey: ./a.nk}").auth).toEqual({ kind: "nkey", seedFile: "/etc/steward/a.nk" });
    expect(broker("{servers: [h], creds: /a.creds}").auth).toEqual({ kind: "creds", file: "/a.creds" });
    expect(broker("{servers: [h], tls: {ca: ca.pem}}").tls).toEqual({ ca: "/etc/steward/ca.pem" });
  });

  it("speaks TLS when an address demands it", () => {
    expect(broker("{servers: [tls://h:4222]}").tls).toEqual({});
    expect(broker("{servers: [nats://h:4222]}").tls).toBeNull();
    expect(broker("{servers: [h], tls: {}}").tls).toEqual({});
  });
});

it("a source of one's own keeps its name and setting", () => {
  const config = configOf(minimal("publish:\n- {subject: central.event.position.gps, source: {nmea: /dev/ttyUSB0}}\n"));
  expect(config.publish[0]).toMatchObject({
    source: "nmea",
    setting: "/dev/ttyUSB0",
    method: "position",
    domain: "gps",
  });
});

it.each([
  "udp://127.0.0.1:5514",
  "tcp://[::1]:0",
  "udp://:5514",
  "tcp://h:1/",
  "udp://h",
  "udp://h:65536",
  "http://h:1",
  "h:1",
])("a syslog address is valid here when the method can listen at it: %s", (address) => {
  const listens = () => parseAddress(address);
  const faults = faultsOf(minimal(`publish:\n- {subject: central.event.a.b, syslog: ${JSON.stringify(address)}}\n`));
  if (faults.length === 0) expect(listens).not.toThrow();
  else expect(listens).toThrow();
});

it("metrics listen at host and port, IPv6 included", () => {
  expect(configOf(minimal("metrics: 127.0.0.1:9464\n")).metrics).toEqual({ host: "127.0.0.1", port: 9464 });
  expect(configOf(minimal('metrics: "[::1]:0"\n')).metrics).toEqual({ host: "::1", port: 0 });
  const page =
    "page: {listen: 0.0.0.0:443, address: https://fleet.example.org/, tls: {certificate: a.pem, key: /b.key}}\n";
  expect(configOf(minimal(page)).page).toMatchObject({
    listen: { host: "0.0.0.0", port: 443 },
    address: "https://fleet.example.org",
    tls: { certificate: "/etc/steward/a.pem", key: "/b.key" },
  });
});

it("anchors and aliases are expanded", () => {
  const config = configOf(minimal("nodes: &fleet [ship2, ship3]\nsubscribe: [{subject: command.a.b, from: *fleet}]\n"));
  expect(config.subscribe[0]?.from).toEqual(["ship2", "ship3"]);
});

it("the configuration is frozen to the ground", () => {
  const config = configOf(DESIGN_EXAMPLE);
  const thawed: string[] = [];
  const walk = (value: unknown, path: string): void => {
    if (typeof value !== "object" || value === null) return;
    if (!Object.isFrozen(value)) thawed.push(path);
    for (const [key, inner] of Object.entries(value)) walk(inner, `${path}.${key}`);
  };
  walk(config, "config");
  expect(thawed).toEqual([]);
});
