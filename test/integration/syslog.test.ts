import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { startBroker } from "../harness/broker.ts";
import { eventuallySeen } from "../harness/eventually.ts";
import { type Fleet, startFleet } from "../harness/fleet.ts";
import { tempDir } from "../harness/temp.ts";
import type { TestNode } from "../harness/test-node.ts";

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

async function portOf(node: TestNode): Promise<number> {
  const [, port] = await node.daemon.saw(/"address":"(?:udp|tcp):\/\/127\.0\.0\.1:(\d+)"/);
  return Number(port);
}

async function linesAt({ central }: Fleet): Promise<string[]> {
  const found = await central.api.logs({ node: "ship1", domain: "app", lines: 10_000 });
  return found.map(({ line }) => line);
}
