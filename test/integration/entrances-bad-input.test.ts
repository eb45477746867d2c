import { randomBytes } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { appendFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { deflateRawSync } from "node:zlib";
import { connect as connectNats } from "nats";
import { describe, expect, it } from "vitest";
import { eventuallySeen } from "../harness/eventually.ts";
import { startBroker, type TestBroker } from "../harness/fleet/broker.ts";
import { type Fleet, startFleet } from "../harness/fleet/fleet.ts";
import type { TestNode } from "../harness/fleet/test-node.ts";
import { tempDir } from "../harness/temp.ts";

/** What people, files and wires get wrong, through the real entrances: a clear error, a counter, and nothing lost. */

const OS = "command.shellcommand.operatingsystem";

describe("a steward.yaml in which everything is wrong", () => {
  const wrong = `
node: ship 1
central: [central]
broker: {servers: nats://127.0.0.1:4222, user: 5}
data: ~/steward
link: lann
hello: 10
subscribe:
  - subject: ship1.command.shellcommand.os
  - subject: command.shellcommand.os
    from: central
    allow: []
    concurrency: many
    queue: 0
    foreign: "false"
publish:
  - subject: central.command.a.b
    syslog: 5514
  - subject: central.event.a.b
    tail: 5
  - subject: central.event.a.c
nodes: central
methods: {a: b}
control: {from: central}
defaults: {deliverBy: soon}
limits: {messageBytes: 5}
retention: {age: 5}
intake: {folder: 5}
socket: ""
metrics: 9464
log: {level: inof}
shell: {grace: -1s}
supervision: {intensity: -1}
surprise: true
`.trimStart();

  it("is refused by `config check` and by `up`, with every fault and its line, and nothing is made", async () => {
    const { central } = await startFleet({ nodes: { central: {} }, away: ["central"] });
    await writeFile(central.config, wrong);
    const made = (): unknown[] => readdirSync(central.data, { recursive: true }).sort();
    const before = made();
    // Every line but those that only begin a mapping.
    const lines = wrong.split("\n").flatMap((line, i) => (/\S/.test(line) && !/^\w+:$/.test(line) ? [i + 1] : []));
    for (const args of [["config", "check"], ["up"]]) {
      const { code, stderr } = await central.steward(...args);
      expect(code).toBe(2);
      const faulty = new Set([...stderr.matchAll(/steward\.yaml:(\d+):\d+ /g)].map(([, line]) => Number(line)));
      // These two lines are right: what is wrong with their entries stands below them.
      expect([...faulty].sort((a, b) => a - b)).toEqual(lines.filter((line) => ![9, 18].includes(line)));
      expect(stderr).toMatch(/faults found: \d\d/);
      expect(stderr).toContain("steward config check");
    }
    expect(made()).toEqual(before);
  });
});

describe("a data directory that cannot be used", () => {
  it("ends `up` with what is wrong with it, and harms nobody who uses it already", async () => {
    const fleet = await startFleet({ nodes: { central: {} } });
    const { central } = fleet;

    const second = await central.begin("up").within(20_000);
    expect(second.code).toBe(1);
    expect(second.stderr).toContain(`a daemon (pid ${central.daemon.pid}) already uses`);
    expect((await central.steward("nodes")).code).toBe(0);
    await central.stop();

    await central.reconfigure((config) => ({ ...config, node: "other", central: "other" }));
    const stranger = await central.begin("up").within(20_000);
    expect(stranger).toMatchObject({ code: 1, stderr: expect.stringMatching(/belongs to node central, not to other/) });
    expect(stranger.stderr).toContain("Correct `node:` or `data:`");

    await writeFile(join(central.directory, "file"), "");
    for (const [data, fault] of [
      ["./file", /cannot use the data directory \S+file: .*(EEXIST|ENOTDIR|not a directory)/],
      ["/proc/steward", /cannot use the data directory \/proc\/steward: .*(ENOENT|EACCES)/],
    ] as const) {
      await central.reconfigure((config) => ({ ...config, data, node: "central", central: "central" }));
      const { code, stderr } = await central.begin("up").within(20_000);
      expect(code).toBe(1);
      expect(stderr).toMatch(fault);
      expect(stderr).toContain("Correct `data:` in steward.yaml");
    }

    await central.reconfigure((config) => ({ ...config, data: "./data" }));
    await central.start();
    expect((await central.api.health()).node).toBe("central");
  });
});

describe("what an operator types", () => {
  it("is answered with what is wrong and what to type next, and nothing of it is queued", async () => {
    const { central } = await startFleet({ nodes: { central: {}, ship1: {} } });
    const typed: readonly (readonly [args: readonly string[], code: number, words: RegExp])[] = [
      [["run", "ship9", "--", "true"], 2, /no node is called ship9[\s\S]*--new/],
      [["run", "ship 1", "--", "true"], 2, /ship 1 is not a target: at character 6: [\s\S]*docs\/targets\.md/],
      [["run", "../etc", "--", "true"], 2, /\.\.\/etc is not a target: at character 1: [\s\S]*docs\/targets\.md/],
      [["run", "ship1", "--domain", "a>b", "--", "true"], 2, /domain: ">" is not allowed/],
      [["run", "ship1"], 2, /missing|command|--/],
      [["node", "ship9"], 2, /no node is called ship9/],
      [["message", "01NOPE"], 2, /no message has the id/],
      [["cancel", "01NOPE"], 2, /no message has the id/],
      [["restart", "central", "command.nope.nope"], 2, /central has no process/],
      [["dead", "retry", "01NOPE"], 2, /no dead letter has the id/],
      [["send", "/nowhere.yaml"], 2, /cannot read/],
      [["run", "ship1", "--timeout", "5", "--", "true"], 2, /5.*duration/],
      [["frobnicate"], 2, /frobnicate/],
    ];
    const ends = await Promise.all(typed.map(([args]) => central.steward(...args)));
    for (const [i, [args, code, words]] of typed.entries()) {
      const end = ends[i] ?? { code: null, stderr: "" };
      expect({ args, code: end.code, stderr: end.stderr }).toMatchObject({
        code,
        stderr: expect.stringMatching(words),
      });
      expect(end.stderr).toContain("→");
    }
    for (const [message, words] of [
      [
        { subject: "ship1.command.shell*.os", message: { data: ["true"] } },
        /standard input:1:\d+.*method: "\*" is not allowed/,
      ],
      [{ subject: "ship1.command.os", message: { data: ["true"] } }, /it has 3 parts, 4 are needed/],
      [
        { to: "ship1", command: "shellcommand", domain: "os", data: { no: "list" } },
        /data for shellcommand is not valid/,
      ],
    ] as const) {
      const end = await central.stewardWith(JSON.stringify(message), "send", "-");
      expect(end.code).toBeGreaterThan(0);
      expect(end.stderr).toMatch(words);
    }
    expect(await central.api.messages()).toEqual([]);

    // What only the node can know comes back from the node, as a final state.
    const unknown = { to: "ship1", command: "frobnicate", domain: "os", data: null };
    const end = await central.stewardWith(JSON.stringify(unknown), "send", "-", "--follow");
    expect(end.code).toBe(1);
    expect(end.stdout + end.stderr).toMatch(/rejected[\s\S]*frobnicate/);
    const [message] = await central.api.messages();
    expect(message).toMatchObject({ state: "rejected", final: true, reason: expect.stringContaining("frobnicate") });
  });

  it("without a daemon ends with 5 and says how to start one", async () => {
    const { central } = await startFleet({ nodes: { central: {} }, away: ["central"] });
    const typed = [["nodes"], ["run", "ship1", "--", "true"], ["messages"], ["watch"], ["reload"]];
    const ends = await Promise.all(typed.map((args) => central.steward(...args)));
    for (const [i, { code, stderr }] of ends.entries()) {
      expect({ args: typed[i], code }).toEqual({ args: typed[i], code: 5 });
      expect(stderr).toMatch(/no daemon answers at .*steward\.sock[\s\S]*steward up/);
    }
  });
});

describe("message files that are no good", () => {
  it("go to rejected/ with an .error beside them, and the next good one is taken", async () => {
    const { central } = await startFleet({ nodes: { central: {}, ship1: {} } });
    const inbox = join(central.data, "inbox");
    const good = (marker: string): string =>
      JSON.stringify({ to: "ship1", command: "shellcommand", domain: "operatingsystem", data: ["echo", marker] });
    const bad: Readonly<Record<string, readonly [content: string | Buffer, error: RegExp]>> = {
      "a-malformed.yaml": ["to: ship1\n command: [\n", /a-malformed\.yaml:\d+:\d+/],
      "b-truncated.json": [`${good("b").slice(0, -9)}\n`, /b-truncated\.json:1:\d+/],
      "c-huge.json": [Buffer.alloc(9 * 1024 * 1024, 0x20), /it has 9437184 bytes, 8388608 are allowed/],
      "d-binary.yaml": [randomBytes(100_000), /not UTF-8|d-binary/],
      "e-wrong.yaml": ["{to: ship1, comand: shellcommand, domain: a.b, data: [x], timeout: 5}\n", /3 faults|4 faults/],
      "f-nested.json": [`${"[".repeat(100_000)}\n`, /f-nested/],
      "g-stranger.json": [
        `[${good("g")}, {"to": "ship1", "command": "shellcommand", "domain": "x", "data": 5}]\n`,
        /data for shellcommand/,
      ],
    };
    await mkdir(inbox, { recursive: true });
    for (const [name, [content]] of Object.entries(bad)) await writeFile(join(inbox, name), content);
    const half = join(inbox, "h-half.json");
    await writeFile(half, good("half").slice(0, 30));
    await writeFile(join(inbox, "i-good.json"), good("good"));
    const inmsg = join(central.data, "inmsg.txt");
    await writeFile(inmsg, "to: ship1\ncommand: [\n");

    await eventuallySeen("the good file is taken", () => existsSync(join(inbox, "done", "i-good.json")));
    await appendFile(half, `${good("half").slice(30)}\n`);
    for (const [name, [, error]] of Object.entries(bad)) {
      const sidecar = join(inbox, "rejected", `${name}.error`);
      await eventuallySeen(`${name} is rejected`, () => existsSync(join(inbox, "rejected", name)));
      expect(await readFile(sidecar, "utf8")).toMatch(error);
    }
    await eventuallySeen("the half-written file is taken once it is whole", () =>
      existsSync(join(inbox, "done", "h-half.json")),
    );

    const rejected = join(central.data, "rejected");
    const errors = async () => (await readdir(rejected).catch(() => [])).filter((name) => name.endsWith(".error"));
    const [error = ""] = await eventuallySeen(
      "inmsg.txt is rejected",
      async () => (await errors()).length > 0 && (await errors()),
    );
    expect(await readFile(join(rejected, error), "utf8")).toMatch(/inmsg\.txt:\d+:\d+/);
    await writeFile(inmsg, `${good("inmsg")}\n`);

    const texts = async () => {
      const messages = await central.api.messages({ direction: "out" });
      return messages
        .filter(({ state }) => state === "succeeded")
        .map(({ summary }) => summary)
        .sort();
    };
    const ran = await eventuallySeen("three commands ran", async () => (await texts()).length >= 3 && (await texts()));
    expect(ran.map((summary) => /echo (\w+)/.exec(summary)?.[1])).toEqual(["good", "half", "inmsg"]);
    expect((await central.api.health()).ok).toBe(true);
  });
});

describe("10 MB of output", () => {
  it("arrives as its head and its tail, with the true count", async () => {
    const { central } = await startFleet({ nodes: { central: {}, ship1: {} } });
    const script = "echo begin; yes 0123456789abcde | head -c 10485760; echo end";
    const { code, stdout } = await central.steward("run", "ship1", "--json", "--", "sh", "-c", script);
    expect(code).toBe(0);
    const [message] = await central.api.messages();
    const detail = await central.api.message(message?.id ?? "");
    expect(detail.outcome?.totals?.stdout).toEqual({ bytes: 10_485_760 + 10, kept: 1024 * 1024 });
    const text = detail.output.map((part) => part.text).join("");
    expect(text.length).toBe(1024 * 1024);
    expect(text.startsWith("begin\n0123456789abcde\n")).toBe(true);
    expect(text.endsWith("0123456789abcde\nend\n")).toBe(true);
    expect(stdout.length).toBeLessThan(3 * 1024 * 1024);
    const shown = await central.steward("message", message?.id ?? "");
    expect(shown.stdout).toMatch(/10 MB of stdout \(1\.0 MB kept\)/);
  });
});

describe("a message that is larger than the broker takes", () => {
  it("is refused before it is accepted, in bytes and not in characters", async () => {
    const { central } = await fleetAt(await startBroker(), { limits: { messageBytes: "8MB" } });
    const send = (text: string) =>
      central.stewardWith(
        JSON.stringify({ to: "ship1", command: "shellcommand", domain: "operatingsystem", data: ["echo", text] }),
        "send",
        "-",
      );
    for (const text of ["x".repeat(1_100_000), "錨".repeat(400_000), "\u0001".repeat(200_000)]) {
      const { code, stderr } = await send(text);
      expect(code).toBe(2);
      expect(stderr).toMatch(/the message for ship1\.\S+ is \d{7} bytes, 10\d{5} are allowed[\s\S]*max_payload/);
    }
    expect(await central.api.messages()).toEqual([]);
    const fits = await send("錨".repeat(40_000));
    expect(fits.code).toBe(0);
    await central.message(fits.stdout.split(" ")[0] ?? "", "succeeded");
  });

  it("is refused by a broker that takes very little, where what fits still runs and answers at length", async () => {
    const { central } = await fleetAt(await brokerWith("max_payload: 4096"));
    const { code, stderr } = await central.steward("run", "ship1", "--", "echo", "x".repeat(4000));
    expect(code).toBe(2);
    expect(stderr).toMatch(/are allowed/);
    const script = `yes 錨 | head -n 8000; printf '\\377\\001end'`;
    const ran = await central.steward("run", "ship1", "--", "sh", "-c", script);
    expect(ran.code).toBe(0);
    expect(ran.stdout).toMatch(/^(錨\n){8000}/);
    expect(ran.stdout.endsWith("\u0001end")).toBe(true);
  });

  it("waits visibly when it was accepted for a larger broker, and is never sent in vain", async () => {
    const config = join(await tempDir(), "nats.conf");
    await writeFile(config, "max_payload: 1048576");
    const broker = await startBroker({ args: ["-c", config] });
    const fleet = await fleetAt(broker);
    const { central } = fleet;
    const ship1 = fleet.node("ship1");
    await ship1.stop();
    const large = {
      to: "ship1",
      command: "shellcommand",
      domain: "operatingsystem",
      data: ["echo", "x".repeat(100_000)],
    };
    await central.stewardWith(JSON.stringify(large), "send", "-");
    const [queued] = await central.api.messages();
    const id = queued?.id ?? "";

    await writeFile(config, "max_payload: 16384");
    await broker.restart();
    await ship1.start();
    await fleet.link("ship1", "online");
    const waits = await eventuallySeen("why it waits", async () => {
      const { reason = "", state } = await central.api.message(id);
      return /bytes/.test(reason) && { reason, state };
    });
    expect(waits).toMatchObject({ state: "queued", reason: expect.stringMatching(/the broker takes \d+ bytes/) });
    const sent = await metric(central, 'steward_frames_sent_total{node="ship1"}');
    // Another subject of the same node is not held up by it.
    expect((await central.api.processes({ node: "ship1" })).node).toBe("ship1");
    expect(await metric(central, 'steward_frames_sent_total{node="ship1"}')).toBeLessThan(sent + 10);
    expect(central.daemon.stdout).toMatch(/"level":"error".*the broker takes \d+ bytes/);

    await writeFile(config, "max_payload: 1048576");
    await broker.restart();
    await central.message(id, "succeeded", 20_000);
  });
});

describe("what a node sends by itself", () => {
  it("arrives whole, however little a message may have", async () => {
    const file = join(await tempDir(), "app.log");
    await writeFile(file, "");
    const publish = [{ subject: "central.event.syslogforwarding.app", tail: file }];
    const subscribe = [{ subject: "event.syslogforwarding.app" }];
    const fleet = await startFleet({
      nodes: { central: { config: { subscribe } }, ship1: { config: { publish, limits: { messageBytes: "1KB" } } } },
    });
    const lines = Array.from({ length: 3000 }, (_, i) => `${i} ${"錨".repeat(30)}`);
    await appendFile(file, `${lines.join("\n")}\n`);
    const arrived = () => fleet.central.api.logs({ node: "ship1", domain: "app", lines: 5000 });
    await eventuallySeen("all lines", async () => (await arrived()).length >= lines.length);
    expect((await arrived()).map(({ line }) => line)).toEqual(lines);
  });

  it("says briefly why it refuses, however much was refused", async () => {
    const subscribe = [{ subject: OS, from: ["central"], allow: ["true"] }];
    const fleet = await startFleet({ nodes: { central: {}, ship1: { config: { subscribe } } } });
    const drafts = [1, 2, 3, 4].map((n) => ({
      subject: `ship1.${OS}`,
      data: { script: `echo ${String(n).repeat(400_000)}` },
    }));
    const accepted = await fleet.central.api.submit(drafts);
    for (const { id } of accepted) {
      const { reason = "" } = await fleet.central.message(id, "rejected");
      expect(reason).toContain("matches no pattern of allow");
      expect(reason.length).toBeLessThan(1000);
    }
  });
});

describe("a broker that is not there", () => {
  it("leaves messages queued, is shown by `nodes` and `doctor`, and gets them when it comes", async () => {
    const broker = await startBroker();
    await broker.kill();
    const config = { broker: { servers: [broker.url] } };
    const fleet = await startFleet({ nodes: { central: { config }, ship1: { config } }, away: ["ship1", "central"] });
    const { central } = fleet;
    await Promise.all(fleet.nodes.map((node) => node.start()));

    const run = await central.steward("run", "ship1", "--", "echo", "late");
    // Queued all the same: the code says what keeps it.
    expect(run.code).toBe(5);
    expect(run.stderr).toMatch(/broker/);
    const [queued] = await central.api.messages();
    expect(queued).toMatchObject({ state: "queued" });
    const large = {
      to: "ship1",
      command: "shellcommand",
      domain: "operatingsystem",
      data: ["echo", "x".repeat(100_000)],
    };
    expect((await central.stewardWith(JSON.stringify(large), "send", "-")).code).toBe(0);

    const nodes = await central.steward("nodes");
    expect(nodes.code).toBe(0);
    expect(nodes.stdout + nodes.stderr).toMatch(/no connection to the broker/);
    const doctor = await central.steward("doctor");
    expect(doctor.code).toBe(5);
    expect(doctor.stdout + doctor.stderr).toMatch(/broker.*connecting[\s\S]*Start nats-server there/);

    await broker.restart();
    await central.message(queued?.id ?? "", "succeeded", 25_000);
  });
});

describe("a broker that does not permit", () => {
  const users = (ship1: string): string => `
    authorization { users: [
      {user: central, password: c}
      {user: ship1, password: s, permissions: ${ship1}}
    ] }`;
  const as = (user: string, password: string) => ({ user, password });

  it("to publish: the subject is named in the log, in `health` and in an alert", async () => {
    const broker = await brokerWith(users('{publish: {deny: "central.event.shellcommand.>"}}'));
    const fleet = await fleetAt(broker, {}, { central: as("central", "c"), ship1: as("ship1", "s") });
    const { central } = fleet;
    const ship1 = fleet.node("ship1");
    const alerts: string[] = [];
    const watching = new AbortController();
    const happenings = await ship1.api.watch({ types: ["alert"] }, watching.signal);
    const listening = (async () => {
      for await (const happening of happenings) if (happening.type === "alert") alerts.push(happening.text);
    })();
    await central.api.submit([{ subject: `ship1.${OS}`, data: ["true"] }]);

    const subject = "central.event.shellcommand.operatingsystem";
    await ship1.daemon.saw(new RegExp(`"level":"error".*refuses to let this node publish ${subject}`));
    const health = await eventuallySeen("the refusal in health", async () => {
      const found = await ship1.api.health();
      return !found.ok && found;
    });
    expect(health.broker.refused).toEqual([`publish ${subject}`]);
    const doctor = await ship1.steward("doctor");
    expect(doctor.code).not.toBe(0);
    expect(doctor.stdout + doctor.stderr).toMatch(new RegExp(`publish ${subject}`));
    expect(await metric(ship1, 'steward_refused_total{reason="broker-denied"}')).toBeGreaterThan(0);
    await eventuallySeen("an alert", () => alerts.some((text) => text.includes(subject)));
    watching.abort();
    await listening;
  });

  it("to subscribe: the same", async () => {
    const broker = await brokerWith(users('{subscribe: {deny: "ship1.>"}}'));
    const fleet = await startFleet({
      nodes: { central: { config: at(broker, as("central", "c")) }, ship1: { config: at(broker, as("ship1", "s")) } },
      away: ["central"],
    });
    const ship1 = fleet.node("ship1");
    await ship1.daemon.saw(/"level":"error".*refuses to let this node subscribe ship1\.>/);
    expect((await ship1.api.health()).broker.refused).toEqual(["subscribe ship1.>"]);
  });

  it("with wrong credentials: says so in health, doctor and log, and goes on when they are right", async () => {
    const broker = await brokerWith(users("{}"));
    const fleet = await startFleet({ nodes: { central: { config: at(broker, as("central", "nope")) } } });
    const { central } = fleet;
    const health = await eventuallySeen("denied", async () => {
      const found = await central.api.health();
      return found.broker.state === "denied" && found;
    });
    expect(health).toMatchObject({ ok: false, broker: { fault: expect.stringMatching(/authorization/i) } });
    const doctor = await central.steward("doctor");
    expect(doctor.code).toBe(5);
    expect(doctor.stdout + doctor.stderr).toMatch(/broker.*denied/);
    expect(central.daemon.stdout).toMatch(/"actor":"link".*denied/);
    await central.stop();
    await central.reconfigure((config) => ({ ...config, ...at(broker, as("central", "c")) }));
    await central.start();
    await eventuallySeen("connected", async () => (await central.api.health()).broker.state === "connected");
  });
});

describe("garbage", () => {
  it("on every kind of subject of a node is counted, and the node answers as before", async () => {
    const fleet = await startFleet({ nodes: { central: {}, ship1: {} } });
    const { central } = fleet;
    const ship1 = fleet.node("ship1");
    const nats = await connectNats({ servers: fleet.broker?.url ?? "" });
    try {
      for (const node of fleet.nodes) {
        const inbox = await inboxOf(fleet, node);
        const subjects = [
          `${node.name}.${OS}`,
          `${node.name}.command.cancel.steward`,
          `${node.name}.command.process.steward`,
          `${node.name}.command.ping.steward`,
          `${node.name}.event.hello.steward`,
          `${node.name}.event.errorlog.steward`,
          `${node.name}.event.shellcommand.operatingsystem`,
          `${node.name}.command.nope.nope`,
          `${node.name}.x`,
          `${node.name}.a.b.c.d.e`,
          `${node.name}.command.$bad.t~ken`,
          `${inbox}.${node.name}.${OS}.1`,
          `${inbox}.x`,
          `${inbox}.central.event.hello.steward.0`,
          `${inbox}.a.b.c.d.NaN`,
        ];
        const before = await refused(node);
        const rubbish = garbage();
        for (const subject of subjects)
          for (const bytes of rubbish) nats.publish(subject, bytes, { reply: "_INBOX.rubbish.x" });
        await nats.flush();
        await eventuallySeen(
          `${node.name} counted all of it`,
          async () => (await refused(node)) >= before + subjects.length * rubbish.length,
        );
      }
      for (const [i, node] of fleet.nodes.entries()) {
        expect((await node.api.health()).ok, node.name).toBe(true);
        const { processes } = await node.api.processes();
        expect(processes.filter(({ state }) => state === "quarantined")).toEqual([]);
        expect(node.daemon.stdout).not.toMatch(/"level":"error".*(internal|TypeError|RangeError)/);
        expect(await central.steward("run", "ship1", "--", "echo", String(i))).toMatchObject({
          code: 0,
          stdout: `${i}\n`,
        });
      }
      expect((await ship1.api.messages({ direction: "in" })).every(({ state }) => state === "succeeded")).toBe(true);
      expect((await central.api.nodes()).map(({ name }) => name).sort()).toEqual(["central", "ship1"]);
    } finally {
      await nats.close();
    }
  });

  it("on the API's socket is answered or hung up on, and the daemon answers as before", async () => {
    const { central } = await startFleet({ nodes: { central: {} } });
    const post = (body: string, more = ""): string =>
      `POST /v1/messages HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n${more}Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`;
    const draft = JSON.stringify([{ subject: `ship1.${OS}`, data: ["true"] }]);
    const requests: readonly (readonly [bytes: string | Buffer, answer: RegExp])[] = [
      [randomBytes(50_000), /^(HTTP\/1\.1 400|$)/],
      ["\0\r\n\r\n", /^HTTP\/1\.1 400/],
      [`GET /${"a".repeat(100_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, /^HTTP\/1\.1 (414|431)/],
      [`GET /healthz HTTP/1.1\r\nHost: x\r\n${"A: b\r\n".repeat(20_000)}\r\n`, /^HTTP\/1\.1 431/],
      ["GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", /^HTTP\/1\.1 404/],
      ["GET /v1/messages/%ff%fe HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", /^HTTP\/1\.1 4\d\d/],
      ["GET /v1/messages?limit=-1&state=nope HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", /^HTTP\/1\.1 400/],
      ["DELETE /v1/messages HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", /^HTTP\/1\.1 405/],
      [post("not json"), /^HTTP\/1\.1 400[\s\S]*not JSON/],
      [post("["), /^HTTP\/1\.1 400/],
      [post("[".repeat(200_000)), /^HTTP\/1\.1 400[\s\S]*nested/],
      [post("null"), /^HTTP\/1\.1 400/],
      [post('[{"subject": 5}]'), /^HTTP\/1\.1 400/],
      [post(`[{"subject": "ship1.command.shell*.os", "data": []}]`), /^HTTP\/1\.1 4\d\d[\s\S]*subject-invalid/],
      [
        post(`[{"__proto__": {"x": 1}, "subject": "ship1.${OS}", "data": ["true"], "deliverBy": "soon"}]`),
        /^HTTP\/1\.1 400/,
      ],
      [post("x".repeat(40 * 1024 * 1024)), /^(HTTP\/1\.1 413|$)/],
      [post(draft, "Transfer-Encoding: chunked\r\n"), /^(HTTP\/1\.1 400|$)/],
      [post(draft).slice(0, -5), /^(HTTP\/1\.1 400|$)/],
    ];
    for (const [bytes, answer] of requests) {
      const got = await exchange(central.socket, bytes);
      expect(got, String(bytes).slice(0, 60)).toMatch(answer);
    }
    expect(await central.api.messages()).toEqual([]);
    expect((await central.api.health()).ok).toBe(true);
    expect(central.daemon.stdout).not.toMatch(/"level":"error"/);
  });
});

/** Bytes that are no frame, or only almost one. */
function garbage(): Uint8Array[] {
  const frame = (body: string | Uint8Array, flags = 0, version = 1): Uint8Array =>
    Buffer.concat([Buffer.from([0x53, 0x57, version, flags]), Buffer.from(body)]);
  const whole = JSON.stringify({ o: "central", e: "x", t: 1, f: 1, a: 0, m: [{ i: "x" }] });
  const bomb = deflateRawSync(Buffer.alloc(64 * 1024 * 1024, 0x20));
  return [
    new Uint8Array(0),
    randomBytes(1000),
    randomBytes(900_000),
    Buffer.from("hello"),
    Buffer.from('{"data": ["rm", "-rf"]}'),
    Buffer.from(`{"data": ${"[".repeat(100_000)}${"]".repeat(100_000)}}`),
    Buffer.from("SW"),
    frame(""),
    frame("{"),
    frame("null"),
    frame("[]"),
    frame(whole.slice(0, -4)),
    frame(whole),
    frame(whole, 2),
    frame(whole, 255),
    frame(whole, 0, 99),
    frame(whole, 1),
    frame(bomb, 1),
    frame(randomBytes(1000), 1),
    frame(`{"o":"central","e":"x","t":1,"f":1,"a":0,"m":${"[".repeat(300_000)}${"]".repeat(300_000)}}`),
    frame('{"o":"../../etc","e":"x","t":1,"f":1,"a":0,"m":[{"i":"x"}]}'),
    frame('{"o":"central","e":"x","t":1e400,"f":-1,"a":1.5,"m":[null]}'),
    frame('{"o":"__proto__","e":"constructor","t":{},"f":[],"a":"","m":{"length":5}}'),
    frame('{"o":"central","n":"x","e":"x","t":1,"k":1e99,"s":-1,"u":null,"c":"9"}', 2),
  ];
}

/** The subjects on which a node's ACKs come, as its broker knows them. */
async function inboxOf(fleet: Fleet, node: TestNode): Promise<string> {
  const nats = await connectNats({ servers: fleet.broker?.url ?? "" });
  try {
    let inbox = "";
    const heard = nats.subscribe(node.name === "central" ? "ship1.>" : "central.>");
    const until = (async () => {
      for await (const { reply } of heard) {
        inbox = /^_INBOX\.[\w-]+\.[0-9a-f]+/.exec(reply ?? "")?.[0] ?? "";
        if (inbox.startsWith(`_INBOX.${node.name}.`)) return;
      }
    })();
    await nats.flush();
    if (node.name === "central") await node.api.submit([{ subject: "ship1.command.ping.steward", data: null }]);
    await until;
    return inbox;
  } finally {
    await nats.close();
  }
}

async function refused(node: TestNode): Promise<number> {
  const lines = (await node.api.metrics()).split("\n").filter((line) => line.startsWith("steward_refused_total{"));
  return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}

async function metric(node: TestNode, name: string): Promise<number> {
  const line = (await node.api.metrics()).split("\n").find((each) => each.startsWith(`${name} `));
  return Number(line?.split(" ").at(-1) ?? 0);
}

async function brokerWith(config: string): Promise<TestBroker> {
  const file = join(await tempDir(), "nats.conf");
  await writeFile(file, config);
  return await startBroker({ args: ["-c", file] });
}

function at(broker: TestBroker, login: object = {}): { broker: object } {
  return { broker: { servers: [broker.url], ...login } };
}

/** central and ship1 at a broker of the test's own. */
async function fleetAt(
  broker: TestBroker,
  config: object = {},
  logins: { central?: object; ship1?: object } = {},
): Promise<Fleet> {
  return await startFleet({
    nodes: {
      central: { config: { ...config, ...at(broker, logins.central) } },
      ship1: { config: { ...config, ...at(broker, logins.ship1) } },
    },
  });
}

/** Everything that comes back over a connection to a Unix socket until it is closed, or nothing more comes. */
function exchange(socket: string, bytes: string | Buffer): Promise<string> {
  return new Promise((resolve) => {
    let answer = "";
    const connection = connect(socket, () => connection.end(bytes));
    connection.setEncoding("utf8").on("data", (text: string) => {
      answer += text;
    });
    // It may hang up on what it does not want to read.
    connection.on("error", () => undefined);
    connection.once("close", () => resolve(answer));
  });
}
