import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { eventuallySeen } from "../harness/eventually.ts";
import { startFleet } from "../harness/fleet/fleet.ts";
import { commandLine, markedProcesses } from "../harness/leftovers.ts";

// Real processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 });

/** A port that was free just now. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

test("both ends notice a half-open link within two probe intervals, and recover when it is whole again", async () => {
  const fleet = await startFleet({ nodes: { central: {}, ship1: { proxied: true } }, hello: "500ms" });
  const ship1 = fleet.node("ship1");
  // With a hello of 500 ms a node is offline after 3 s of silence, and the broker is probed every second.
  const from = performance.now();
  ship1.proxy.blackhole();
  await Promise.all([
    fleet.link("ship1", "offline", 6_000),
    eventuallySeen(
      "ship1 knows that it has no broker",
      async () => {
        const { broker } = await ship1.api.health();
        return broker.state === "disconnected" && /stopped answering/.test(broker.fault ?? "");
      },
      6_000,
    ),
  ]);
  expect(performance.now() - from).toBeGreaterThan(1_000);

  const waits = fleet.begin("run", "ship1", "--wait", "30s", "--", "echo", "here");
  await waits.saw(/offline/, { stream: "stderr" });
  await ship1.proxy.heal();
  expect(await waits.within(25_000)).toMatchObject({ code: 0, stdout: "here\n" });
});

test("a node that is stopped in its tracks goes offline and comes back with its work", async () => {
  const fleet = await startFleet({ nodes: { central: {}, ship1: {} } });
  const ship1 = fleet.node("ship1");
  ship1.freeze();
  await fleet.link("ship1", "offline", 10_000);
  const [sent] = await fleet.central.api.submit([
    { subject: "ship1.command.shellcommand.operatingsystem", data: ["true"] },
  ]);
  ship1.resume();
  await fleet.link("ship1", "online");
  await fleet.central.message(sent?.id ?? "", "succeeded");
});

test("a node that says hello more seldom than central is not called late for it", async () => {
  const fleet = await startFleet({ nodes: { central: {}, ship1: { config: { hello: "3s" } } }, hello: "200ms" });
  const first = (await fleet.central.api.node("ship1")).lastSeenAt;
  await eventuallySeen("its next hello", async () => (await fleet.central.api.node("ship1")).lastSeenAt !== first);
  const links = (await fleet.central.api.node("ship1")).changes.filter(({ region }) => region === "link");
  expect(links.map(({ to }) => to)).toEqual(["online"]);
});

test("a daemon stops promptly while the broker is down, and keeps what it owes", async () => {
  const fleet = await startFleet({ nodes: { central: {}, ship1: {} } });
  await fleet.broker?.kill();
  const health = async () => (await fleet.central.api.health()).broker.state;
  await eventuallySeen("central has no broker", async () => (await health()) === "disconnected");
  const sent = await fleet.steward("run", "ship1", "--no-wait", "--json", "--", "true");
  const { id } = JSON.parse(sent.stdout) as { id: string };
  const stopping = performance.now();
  const ends = await Promise.all(fleet.nodes.map((node) => node.stop()));
  const stopped = performance.now() - stopping;
  expect(ends.map(({ code }) => code)).toEqual([0, 0]);

  // A start needs no broker either.
  const starting = performance.now();
  await fleet.central.start();
  // The yardstick of a machine that may be busy.
  expect(stopped).toBeLessThan(3 * (performance.now() - starting));
  expect(await fleet.central.api.message(id)).toMatchObject({ state: "queued" });
  await fleet.broker?.restart();
  await fleet.node("ship1").start();
  await fleet.central.message(id, "succeeded");
});

test("central runs a broker of its own, starts it again when it dies, and takes it along when it stops", async () => {
  const fleet = await startFleet({ nodes: { central: {}, ship1: {} }, embedded: await freePort() });
  expect((await fleet.steward("run", "ship1", "--", "true")).code).toBe(0);
  const brokers = () => markedProcesses(fleet.directory).filter((pid) => commandLine(pid).includes("nats-server.conf"));
  const [broker = 0, ...others] = brokers();
  expect(others).toEqual([]);
  process.kill(broker, "SIGKILL");
  await eventuallySeen("a new broker", () => brokers().some((pid) => pid !== broker));
  await eventuallySeen("central answers again", async () => (await fleet.central.api.health()).ok);
  expect((await fleet.steward("run", "ship1", "--wait", "20s", "--", "echo", "again")).stdout).toBe("again\n");

  await fleet.central.kill();
  await fleet.central.start();
  expect(brokers()).toHaveLength(1);
  expect((await fleet.steward("run", "ship1", "--wait", "20s", "--", "true")).code).toBe(0);
  expect((await fleet.central.stop()).code).toBe(0);
  expect(brokers()).toEqual([]);
});

test("a second daemon on the same data directory is refused, and the first does not notice", async () => {
  const fleet = await startFleet({ nodes: { central: {} } });
  const { central } = fleet;
  // With a socket of its own, so that nothing but the data directory is in its way.
  const config = join(central.directory, "second.yaml");
  await writeFile(config, `${await readFile(central.config, "utf8")}socket: ./second.sock\n`);
  const second = await fleet.steward("--config", config, "up");
  expect(second.code).toBe(1);
  expect(second.stderr).toContain(`a daemon (pid ${central.daemon.pid}) already uses ${central.data}\n`);
  expect((await fleet.central.api.health()).ok).toBe(true);

  await fleet.central.kill();
  await fleet.central.reconfigure((config) => ({ ...config, node: "other", central: "other" }));
  const other = await fleet.steward("up");
  expect(other.code).not.toBe(0);
  expect(other.stderr).toMatch(/belongs to node central, not to other/);
});
