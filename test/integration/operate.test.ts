import { appendFile, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { expect, test, vi } from "vitest";
import type { ProcessList } from "../../src/runtime/operate/table/processes.ts";
import { eventuallySeen } from "../harness/eventually.ts";
import { startFleet } from "../harness/fleet/fleet.ts";

// Real processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 });

const OS = { subject: "command.shellcommand.operatingsystem", from: ["central"], concurrency: 4 };
const NGINX = { subject: "command.shellcommand.nginx", from: ["central"] };

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

test("SIGHUP or a changed file restarts only the processes that the new file touches, and a bad file changes nothing", async () => {
  const fleet = await startFleet({ nodes: { central: {}, ship1: { config: { subscribe: [OS, NGINX] } } } });
  const ship1 = fleet.node("ship1");
  const processes = async () => {
    const { processes: all } = await ship1.api.processes();
    return new Map(all.filter(({ role }) => role === "subscriber").map((process) => [process.subject, process]));
  };
  const os = "ship1.command.shellcommand.operatingsystem";
  const nginx = "ship1.command.shellcommand.nginx";
  const gate = fleet.file("gate");
  const long = fleet.begin(
    "run",
    "ship1",
    "--script",
    "--",
    `echo on; while [ ! -e ${gate} ]; do sleep 0.02; done; echo off`,
  );
  await long.saw(/on\n/);
  const before = await processes();

  const { daemon } = ship1;
  await ship1.reconfigure((config) => ({
    ...config,
    subscribe: [OS, { ...NGINX, concurrency: 7 }, { subject: "command.shellcommand.apache", from: ["central"] }],
  }));
  daemon.signal("SIGHUP");
  // The daemon looks at the file by itself as well, so it may have seen the change before the signal.
  await daemon.saw(/reloaded: [02] changes applied, 0 need a restart/, { stream: "stderr" });
  const after = await processes();
  expect(after.get(os)).toMatchObject({ since: before.get(os)?.since, restarts: 0, active: 1 });
  expect(after.get(nginx)?.since).toBeGreaterThan(before.get(nginx)?.since ?? Number.POSITIVE_INFINITY);
  expect((await fleet.steward("run", "ship1", "--domain", "apache", "--", "true")).code).toBe(0);
  const ps = await fleet.steward("ps", "ship1");
  expect(ps.stdout).toMatch(/command\.shellcommand\.apache/);

  const good = await readFile(ship1.config, "utf8");
  // Caught while it is written: what it does not have yet is not taken for removed.
  await ship1.reconfigure((config) => ({ ...config, subscribe: [] }));
  await daemon.saw(/has lost all of 3 subscriptions: it may not be whole yet/);
  expect([...(await processes()).keys()]).toEqual([...after.keys()]);
  await writeFile(ship1.config, good);
  await writeFile(ship1.config, "node: ship1\nsubscribe: [{subject: nonsense}]\nhello: soon\n");
  daemon.signal("SIGHUP");
  await daemon.saw(/not reloaded: .*fault/, { stream: "stderr" });
  expect([...(await processes()).keys()]).toEqual([...after.keys()]);
  const refused = await ship1.steward("config", "check");
  expect(refused.code).toBe(2);
  expect(refused.stderr).toMatch(/hello/);
  expect(refused.stderr).toMatch(/subject/);
  await writeFile(ship1.config, good);

  // A subject that is gone is refused from now on; what runs on another is not disturbed.
  await ship1.reconfigure((config) => ({ ...config, subscribe: [OS] }));
  expect((await ship1.steward("reload")).code).toBe(0);
  expect(daemon.stdout).toMatch(/subscribe command\.shellcommand\.apache: removed/);
  expect((await fleet.steward("run", "ship1", "--domain", "apache", "--", "true")).code).toBe(1);
  await writeFile(gate, "");
  expect(await long.within(15_000)).toMatchObject({ code: 0, stdout: "on\noff\n" });

  await ship1.reconfigure((config) => ({ ...config, subscribe: [{ ...OS, concurrency: 2 }] }));
  await daemon.saw(/subscribe command\.shellcommand\.operatingsystem: concurrency 4 → 2/);
  expect((await fleet.steward("run", "ship1", "--", "true")).code).toBe(0);
});

test("ps of one process of another node tells its last changes of state, which came over the wire", async () => {
  const fleet = await startFleet({ nodes: { central: {}, ship1: {} } });
  const subject = "ship1.command.shellcommand.operatingsystem";
  expect((await fleet.steward("run", "ship1", "--", "true")).code).toBe(0);
  const changes = async () => {
    const { stdout } = await fleet.steward("ps", "ship1", subject, "--json");
    return (JSON.parse(stdout) as ProcessList).processes.flatMap(({ transitions = [] }) =>
      transitions.map(({ machine, from, to }) => `${machine} ${from} → ${to}`),
    );
  };
  await eventuallySeen("it is idle again", async () => (await changes()).at(-1) === "subscriber working → idle");
  const { stdout, code } = await fleet.steward("ps", "ship1", "command.shellcommand.operatingsystem");
  expect(code).toBe(0);
  expect(stdout).toMatch(/subscriber +idle +working +work\n.*subscriber +working +idle +drained\n/);
  const own = await fleet.node("ship1").steward("ps", "ship1", subject, "--json");
  expect(JSON.parse(own.stdout).processes[0].transitions.length).toBeGreaterThanOrEqual(5);
  const all = (await fleet.central.api.processes({ node: "ship1" })).processes;
  expect(all.filter(({ transitions }) => transitions !== undefined)).toEqual([]);
});

test("inspect follows the transitions of the actors, and the log has the same ones", async () => {
  const fleet = await startFleet({ nodes: { central: {}, ship1: {} } });
  const inspect = fleet.begin("inspect", "--json");
  const ship1 = fleet.node("ship1");
  // Its stream is open once something of it arrives: the node is made to change until then.
  const people = fleet.begin("inspect", "ship1", "--role", "node");
  await people.saw(/following transitions/, { stream: "stderr" });
  await ship1.stop();
  await people.saw(/node +ship1: link\.online.* → link\.offline.* on bye/);
  await ship1.start();
  await people.saw(/node +ship1: link\.offline.* → link\.online/);
  await inspect.saw(/"actor":"ship1".*"to":"link.online/);
  expect(fleet.central.daemon.stdout).toMatch(/"actor":"ship1".*"from":"link.online.*","to":"link.offline/);
  expect((await people.end("SIGINT")).code).toBe(0);
  expect((await inspect.end("SIGINT")).code).toBe(0);
});

test("watch prints the log lines of an edge, those that are stored and those that come", async () => {
  const subject = "event.syslogforwarding.nginx";
  const fleet = await startFleet({
    nodes: {
      central: { config: { subscribe: [{ subject, from: ["*"] }] } },
      ship1: { config: { publish: [{ subject: `central.${subject}`, tail: "../desk/access.log" }] } },
    },
    away: ["ship1"],
  });
  const log = fleet.file("access.log");
  await writeFile(log, "");
  await fleet.node("ship1").start();
  await fleet.link("ship1", "online");
  await appendFile(log, "GET /one\nGET /two\n");
  const stored = () => fleet.central.api.logs({ node: "ship1", domain: "nginx" });
  await eventuallySeen("both lines are stored", async () => (await stored()).length === 2);
  const watch = fleet.begin("watch", "ship1", "nginx");
  await watch.saw(/GET \/one\n.*GET \/two\n/);
  await appendFile(log, "GET /three\n");
  await watch.saw(/GET \/three\n/);
  const end = await watch.end("SIGINT");
  expect(end.code).toBe(0);
  expect(end.stdout.split("\n").filter((line) => line !== "").length).toBe(3);
  const again = await fleet.steward("watch", "--no-follow", "--json", "-n", "1");
  expect(
    again.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line)),
  ).toMatchObject([{ node: "ship1", domain: "nginx", line: expect.stringContaining("GET /three") }]);
});

test("machines, doctor, nodes and config check tell what is so", async () => {
  const fleet = await startFleet({ nodes: { central: {}, ship1: {} } });
  const [machines, doctor, nodes, check, reference] = await Promise.all([
    fleet.steward("machines"),
    fleet.steward("doctor"),
    fleet.steward("nodes", "--json"),
    fleet.steward("config", "check"),
    fleet.steward("config", "reference"),
  ]);
  for (const { code } of [machines, doctor, nodes, check, reference]) expect(code).toBe(0);
  for (const name of ["node", "publisher", "subscriber", "link"]) expect(machines.stdout).toContain(`%% ${name}`);
  expect(doctor.stdout).not.toMatch(/fail|warn/);
  for (const check of ["config", "daemon", "broker", "journal"])
    expect(doctor.stdout).toMatch(new RegExp(`ok +${check}`));
  expect(JSON.parse(nodes.stdout)).toMatchObject([
    { name: "central", role: "self" },
    { name: "ship1", role: "edge", link: "online", session: "live", trust: "accepted" },
  ]);
  expect(check.stdout).toMatch(/✓ ok.*node central/);

  await fleet.broker?.kill();
  const broker = async () => (await fleet.central.api.health()).broker.state;
  await eventuallySeen("central has no broker", async () => (await broker()) !== "connected");
  const ill = await fleet.steward("doctor");
  expect(ill.code).toBe(5);
  expect(ill.stdout).toMatch(/fail +broker/);
  await fleet.central.stop();
  const gone = await fleet.steward("doctor", "--json");
  expect(gone.code).toBe(5);
  expect(JSON.parse(gone.stdout)).toMatchObject({ ok: false });
});

test("Prometheus scrapes the state of nodes, lanes and messages over TCP", async () => {
  const port = await freePort();
  const fleet = await startFleet({
    nodes: { central: { config: { metrics: `127.0.0.1:${port}` } }, ship1: {}, ship3: {} },
    away: ["ship3"],
  });
  expect((await fleet.steward("run", "ship1", "--", "true")).code).toBe(0);
  expect((await fleet.steward("run", "ship1", "--", "false")).code).toBe(1);
  await fleet.steward("run", "ship3", "--no-wait", "--", "true");
  const response = await fetch(`http://127.0.0.1:${port}/metrics`);
  expect(response.headers.get("content-type")).toContain("version=0.0.4");
  const text = await response.text();
  const value = (series: string): number => {
    const line = text.split("\n").find((candidate) => candidate.startsWith(`${series} `));
    return Number(line?.slice(series.length + 1));
  };
  expect(value('steward_node_link{node="ship1",link="online"}')).toBe(1);
  expect(value('steward_node_link{node="ship3",link="neverSeen"}')).toBe(1);
  expect(value('steward_outcomes_total{state="succeeded"}')).toBe(1);
  expect(value('steward_outcomes_total{state="failed"}')).toBe(1);
  expect(value('steward_lane_waiting_messages{subject="ship3.command.shellcommand.operatingsystem"}')).toBe(1);
  expect(value("steward_oldest_unacknowledged_seconds")).toBeGreaterThanOrEqual(0);
  expect(value("steward_oldest_unacknowledged_seconds")).toBeLessThan(30);
  expect(value("steward_broker_connected")).toBe(1);
  expect(value("steward_command_run_seconds_count")).toBe(2);
  expect(value("steward_frame_ack_seconds_count")).toBeGreaterThan(0);
  expect(value("steward_journal_commit_seconds_count")).toBeGreaterThan(0);
  const health = await fetch(`http://127.0.0.1:${port}/healthz`);
  expect([health.status, ((await health.json()) as { ok: boolean }).ok]).toEqual([200, true]);
});

test("an outcome goes to a file and a program of central's, and a node that is held gets its command once it is released", async () => {
  const fleet = await startFleet({ nodes: { central: {}, ship1: {} } });
  const [log, paged, script] = [fleet.file("outcomes"), fleet.file("paged"), fleet.file("page.sh")];
  await writeFile(script, `cat > "$1"; echo "$STEWARD_KEY" >> "$1"\n`);
  await fleet.central.reconfigure((config) => ({
    ...config,
    destinations: { log: { append: log }, page: { run: ["sh", script, paged] } },
  }));
  expect((await fleet.steward("reload")).code).toBe(0);
  expect((await fleet.steward("hold", "ship1", "--note", "dry dock")).code).toBe(0);
  const { stdout } = await fleet.steward(
    ...["run", "ship1", "--no-wait", "--reply", "log", "--reply", "page", "--", "echo", "hi"],
  );
  const [id = ""] = stdout.split(" ");
  expect((await fleet.steward("messages", "--state", "held")).stdout).toContain(
    "maintenance until it is released: dry dock",
  );
  expect((await fleet.steward("queue", "ship1")).stdout).toContain(id);
  expect((await fleet.steward("unhold", "ship1")).stdout).toBe("1 node released: ship1\n");
  const read = (file: string): Promise<string> => readFile(file, "utf8").catch(() => "");
  await eventuallySeen(
    "both destinations have it",
    async () => (await read(log)) !== "" && (await read(paged)).endsWith(`\n${id}-page\n`),
  );
  expect(JSON.parse(await read(log))).toMatchObject({
    key: `${id}-log`,
    node: "ship1",
    state: "succeeded",
    output: "hi\n",
  });
  expect(await read(paged)).toMatch(new RegExp(`"state":"succeeded".*\n${id}-page\n$`, "s"));
  // A program has done its errand once it has ended, and it has written its file before.
  await eventuallySeen("no errand waits", async () => (await fleet.steward("errands")).stderr === "no errands wait\n");
});
