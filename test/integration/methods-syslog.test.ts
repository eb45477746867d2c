import { execFile } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { eventuallySeen } from "../harness/eventually.ts";
import { startBroker } from "../harness/fleet/broker.ts";
import { type Fleet, startFleet } from "../harness/fleet/fleet.ts";
import type { TestNode } from "../harness/fleet/test-node.ts";
import { tempDir } from "../harness/temp.ts";

const APP = "central.event.syslogforwarding.app";
const CENTRAL = { config: { subscribe: [{ subject: "event.syslogforwarding.app" }] } };

describe("lines that came by syslog", () => {
  it("pass a broker that takes little, also those that came before it was there", async () => {
    const config = join(await tempDir(), "nats.conf");
    await writeFile(config, "max_payload: 16384");
    const broker = await startBroker({ args: ["-c", config] });
    const publish = [{ subject: APP, syslog: "tcp://127.0.0.1:0" }];
    const fleet = await startFleet({
      broker,
      nodes: { central: CENTRAL, ship1: { config: { publish } } },
      away: ["ship1"],
    });
    await broker.stop();
    const ship1 = fleet.node("ship1");
    await ship1.start();
    const socket = connect(await portOf(ship1), "127.0.0.1");
    await once(socket, "connect");
    const send = (from: number): string[] => {
      const texts = Array.from({ length: 200 }, (_, n) => `${from + n} ${"x".repeat(700)}`);
      socket.write(texts.map((text) => `<13>app: ${text}\n`).join(""));
      return texts;
    };
    const texts = send(0);
    await eventuallySeen("they are in the journal", async () => {
      const { lanes } = await ship1.api.node("central");
      return lanes.some(({ subject, waiting }) => subject === APP && waiting > 0);
    });
    await broker.restart();
    await fleet.link("ship1", "online");
    texts.push(...send(200));
    socket.end(`<13>app: ${"y".repeat(30_000)}\n`);
    const stored = await eventuallySeen("all of them", async () => {
      const lines = await linesAt(fleet);
      return lines.length >= 402 && lines;
    });
    expect(stored.slice(0, 400).map((line) => line.split("app: ")[1])).toEqual(texts);
    expect(stored.slice(400).join("").replaceAll(/[^y]/g, "").length).toBeGreaterThanOrEqual(30_000);
    expect((await ship1.api.health()).ok).toBe(true);
  });
});

describe("more senders than the daemon has descriptors for", () => {
  it("are refused and counted, central hears how many, and there is room for new ones afterwards", async () => {
    const publish = [{ subject: APP, syslog: "tcp://127.0.0.1:0" }];
    const fleet = await startFleet({ nodes: { central: CENTRAL, ship1: { config: { publish } } } });
    const ship1 = fleet.node("ship1");
    const port = await portOf(ship1);
    // Not from its beginning: the modules of the program are read many at once.
    await promisify(execFile)("prlimit", ["--pid", `${ship1.daemon.pid}`, "--nofile=96:96"]);
    const sockets = Array.from({ length: 150 }, (_, n) => {
      const socket = connect(port, "127.0.0.1");
      socket.on("error", () => undefined);
      socket.write(`<13>app: ${n}\n`);
      return socket;
    });
    const closed = sockets.map((socket) => new Promise((resolve) => socket.once("close", resolve)));
    const alert = join(fleet.central.data, "errorlog", "ship1.log");
    const told = await eventuallySeen("central hears of it", async () => {
      const text = await readFile(alert, "utf8");
      return /lost input: (\d+) dropped \(refused\)/.exec(text)?.[1];
    });
    const stored = await linesAt(fleet);
    expect(stored.length).toBeGreaterThan(10);
    expect(stored.length + Number(told)).toBe(150);
    // The daemon itself has what it needs: its API answers, and commands run.
    expect((await fleet.central.steward("run", "ship1", "--", "true")).code).toBe(0);
    for (const socket of sockets) socket.destroy();
    await Promise.all(closed);
    await eventuallySeen("a new one is taken", async () => {
      const socket = connect(port, "127.0.0.1");
      socket.on("error", () => undefined);
      socket.end("<13>app: later\n");
      await new Promise((resolve) => socket.once("close", resolve));
      return (await linesAt(fleet)).some((line) => line.endsWith("app: later"));
    });
  });
});

async function portOf(node: TestNode): Promise<number> {
  const [, port] = await node.daemon.saw(/"address":"(?:udp|tcp):\/\/127\.0\.0\.1:(\d+)"/);
  return Number(port);
}

async function linesAt({ central }: Fleet): Promise<string[]> {
  const found = await central.api.logs({ node: "ship1", domain: "app", lines: 10_000 });
  return found.map(({ line }) => line);
}
