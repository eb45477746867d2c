import { execFileSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { lstatSync } from "node:fs";
import { appendFile, chmod, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect, it } from "vitest";
import { eventuallySeen } from "../harness/eventually.ts";
import { startFleet } from "../harness/fleet/fleet.ts";
import { atTestEnd } from "../harness/temp.ts";

/** A TCP port that another program has, until it is given up. */
async function takenPort(): Promise<{ readonly port: number; readonly giveUp: () => Promise<void> }> {
  const server = createServer((socket) => socket.destroy()).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const giveUp = async (): Promise<void> => {
    if (!server.listening) return;
    server.close();
    await once(server, "close");
  };
  atTestEnd(giveUp, () => undefined);
  return { port: typeof address === "object" && address !== null ? address.port : 0, giveUp };
}

it("a daemon whose ports are all taken runs, says of each why it waits, and takes them as soon as they are free", async () => {
  const [broker, metrics, syslog] = [await takenPort(), await takenPort(), await takenPort()];
  const udp = createSocket("udp4");
  udp.bind(0, "127.0.0.1");
  await once(udp, "listening");
  const closed = once(udp, "close");
  let open = true;
  const giveUpUdp = async (): Promise<void> => {
    if (open) udp.close();
    open = false;
    await closed;
  };
  atTestEnd(giveUpUdp, () => undefined);
  const [tcpLog, udpLog] = ["tcplog", "udplog"].map((domain) => `ship9.event.syslogforwarding.${domain}`);
  const config = {
    metrics: `127.0.0.1:${metrics.port}`,
    supervision: { backoff: { min: "50ms", max: "200ms" } },
    publish: [
      { subject: tcpLog, syslog: `tcp://127.0.0.1:${syslog.port}` },
      { subject: udpLog, syslog: `udp://127.0.0.1:${udp.address().port}` },
    ],
  };
  const { central } = await startFleet({ embedded: broker.port, nodes: { central: { config } } });

  const health = await eventuallySeen("all of them wait", async () => {
    const found = await central.api.health();
    return found.waiting?.length === 4 && found;
  });
  expect(health).toMatchObject({ ok: false, quarantined: [] });
  expect(health.waiting?.map(({ role, subject }) => `${role} ${subject}`).sort()).toEqual([
    "core broker",
    "core metrics",
    `source ${tcpLog}`,
    `source ${udpLog}`,
  ]);
  for (const { reason } of health.waiting ?? []) expect(reason).toMatch(/already in use|another program listens there/);
  const ps = await central.steward("ps");
  expect(ps.stdout).toMatch(/metrics +core +\S+ (backing off|starting)/);
  expect(ps.stdout).toMatch(/tcplog .*another program listens there/);
  const doctor = await central.steward("doctor");
  expect(doctor.code).not.toBe(0);
  expect(doctor.stdout).toMatch(
    /✗ fail +processes +source \S+udplog does not work since .*, and is tried again: .*another program/,
  );

  // Longer than any number of restarts that a defect is given.
  const restarts = async (): Promise<number> =>
    Math.min(
      ...(await central.api.processes()).processes.filter((view) => view.waitsSince).map((view) => view.restarts),
    );
  await eventuallySeen("many attempts", async () => (await restarts()) > 8, 25_000);
  expect((await central.api.health()).quarantined).toEqual([]);

  await Promise.all([broker, metrics, syslog].map(({ giveUp }) => giveUp()));
  await giveUpUdp();
  await eventuallySeen("all is well", async () => (await central.api.health()).ok, 25_000);
  const scraped = await fetch(`http://127.0.0.1:${metrics.port}/healthz`);
  expect(scraped.status).toBe(200);
  await scraped.text();
  expect((await central.stop()).code).toBe(0);
});

it("what waits for a disk or a folder is shown with since when and why, at its node and at central", async () => {
  const subject = "central.event.syslogforwarding.web";
  const subscribe = [{ subject: "event.syslogforwarding.web" }];
  const fleet = await startFleet({ nodes: { central: { config: { subscribe } }, ship1: {} }, away: ["ship1"] });
  const { central } = fleet;
  const ship1 = fleet.node("ship1");
  const log = fleet.file("web.log");
  await writeFile(log, "");
  // Where a folder should be, there is a file.
  const [sink, folder] = [join(central.data, "syslogforwarding"), fleet.file("inbox")];
  await mkdir(sink);
  await writeFile(join(sink, "ship1"), "");
  await writeFile(folder, "");
  await ship1.reconfigure((before) => ({ ...before, publish: [{ subject, tail: log }], intake: { folder } }));
  await ship1.start();
  await ship1.daemon.saw(/followed for the first time/);
  await appendFile(log, "one\n");

  const waiting = [
    { role: "subscriber", subject, reason: expect.stringContaining(`nothing can be stored in ${sink}`) },
  ];
  await eventuallySeen("the sink waits", async () => (await central.api.health()).waiting !== undefined);
  expect(await central.api.health()).toMatchObject({ ok: false, waiting });
  expect((await central.steward("ps")).stdout).toMatch(/web +subscriber +\S+ blocked .*nothing can be stored in/);
  expect(await central.api.metrics()).toMatch(
    new RegExp(`^steward_process_waiting_seconds\\{subject="${subject}",role="subscriber"\\} [\\d.]+$`, "m"),
  );
  const isTold = async (): Promise<boolean> =>
    (await central.api.alerts()).filter(({ code, state }) => code === "process-waits" && state === "raised").length ===
    2;
  await eventuallySeen("both are alerts at central", isTold);
  const shown = async (): Promise<boolean> => (await central.api.node("ship1")).stuck !== undefined;
  await eventuallySeen("central shows the folder of ship1", shown);
  expect((await central.steward("node", "ship1")).stdout).toMatch(/drop-folder .*cannot use the drop folder/);
  const { stdout } = await central.steward("doctor");
  expect(stdout).toMatch(
    /✗ fail +processes +subscriber \S+web does not work since .*, and is tried again: nothing can be stored/,
  );
  expect(stdout).toMatch(/at ship1, drop-folder stands still since .*cannot use the drop folder/);
  expect((await ship1.steward("ps")).stdout).toMatch(/drop-folder +core +\S+ blocked/);

  await rm(join(sink, "ship1"));
  await rm(folder);
  await eventuallySeen(
    "all is well at both",
    async () => {
      const all = await Promise.all([central.api.health(), ship1.api.health()]);
      return all.every(({ ok }) => ok) && (await central.api.node("ship1")).stuck === undefined;
    },
    45_000,
  );
  const over = async (): Promise<boolean> => (await central.api.alerts()).every(({ state }) => state === "over");
  await eventuallySeen("the alerts are over", over);
}, 240_000);

it("a command that cannot be started for want of descriptors waits and says so, at its node and at central, and so does its end", async () => {
  const fleet = await startFleet({ nodes: { central: {}, ship1: {} } });
  const { central } = fleet;
  const ship1 = fleet.node("ship1");
  await central.steward("run", "ship1", "--", "true");
  const runner = ship1.runnerPid() ?? 0;
  const limited = (most: number): void => void execFileSync("prlimit", ["--pid", `${runner}`, `--nofile=${most}:4096`]);
  limited(4);
  const submit = async (deliverBy: number): Promise<string> => {
    const draft = { subject: "ship1.command.shellcommand.operatingsystem", data: ["echo", "through"], deliverBy };
    return (await central.api.submit([draft]))[0]?.id ?? "";
  };
  const [soon, later] = [await submit(3_000), await submit(600_000)];
  const why = /EMFILE|too many open files/;
  for (const node of [ship1, central])
    await eventuallySeen(`${node.name} shows why`, async () => why.test((await node.api.message(later)).reason ?? ""));
  const shown = await central.steward("messages", "--open");
  expect(shown.stdout).toMatch(why);
  const expired = await central.message(soon, "expired");
  expect(expired.reason).toMatch(/^its deadline passed while it waited on the node: .*(EMFILE|too many open files)/);
  expect((await ship1.api.message(soon)).reason).toBe(expired.reason);
  expect((await central.steward("message", soon)).stdout).toMatch(why);
  const raised = async (): Promise<boolean> =>
    (await central.api.alerts()).some(({ code, state }) => code === "command-waits" && state === "raised");
  expect(await raised()).toBe(true);
  limited(4096);
  await central.message(later, "succeeded", 30_000);
  await eventuallySeen("its alert is over", async () => !(await raised()));
}, 240_000);

it("what the daemon writes is for its user alone, and what commands write is not", async () => {
  const within = ["sh", "-c", 'umask 022; exec "$@"', "sh"];
  const subscribe = [{ subject: "command.shellcommand.operatingsystem", from: ["central"] }];
  const { central } = await startFleet({ nodes: { central: { config: { subscribe }, within } } });
  const { stdout } = await central.steward("run", "central", "--", "sh", "-c", "umask; umask 000");
  expect(stdout).toMatch(/0022/);
  await writeFile(join(central.data, "inbox", "a.json"), '{"to": "central", "command": "ping", "domain": "steward"}');
  await eventuallySeen("it is taken", async () => (await readdir(join(central.data, "inbox", "done"))).length === 2);
  const entries = await readdir(central.data, { recursive: true, withFileTypes: true });
  const open = entries.filter(({ parentPath, name }) => (lstatSync(join(parentPath, name)).mode & 0o077) !== 0);
  // What others put there is theirs.
  expect(open.map(({ name }) => name)).toEqual(["a.json"]);
  await chmod(central.data, 0o755);
  await chmod(join(central.data, "journal"), 0o755);
  expect((await central.steward("doctor")).stdout).toMatch(/! warn +modes +other users .*: journal/);
}, 240_000);
