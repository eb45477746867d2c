import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { connect } from "nats";
import { ChurnMap } from "../dist/platform/churn-map.js";
import { Cpu } from "./cpu.mjs";
import { makeQueue, publish, pull } from "./jetstream-client.mjs";
import { jetStreamServer, startJetStream } from "./jetstream-server.mjs";
import { closedLoop, comparison, startCentral, startEdge } from "./parts.mjs";
import { echoes } from "./round-trips.mjs";

const EDGE = fileURLToPath(new URL("./jetstream-edge.mjs", import.meta.url));
/** Rounds that do not count. */
const WARM_UP = 2;

/**
 * Durable `echo` commands beside what a team would build instead: a work queue of JetStream to the edge, a pull consumer, the
 * result through a second queue, ACKs. Once as the server comes, which syncs its files every two minutes, and once synced like
 * steward's journals, where there is a server that can.
 */
export async function jetStream(world, { repeats = 5, seconds = 2, jetStreamLevels = [100] }) {
  const server = jetStreamServer();
  const rows = [];
  const central = await startCentral(world);
  const edge = await startEdge(world, central, [
    { subject: "command.echo.bench", from: ["central"], concurrency: 1000, queue: 100000 },
  ]);
  const echo = echoes(world, central, "x".repeat(200));
  for (const synced of [false, true]) {
    if (server === undefined || (synced && !server.syncs)) {
      const has =
        server === undefined ? "there is no nats-server" : `nats-server ${server.version} cannot sync each write`;
      rows.push({
        bench: "jetstream",
        synced,
        skipped: `${has}: STEWARD_BENCH_NATS_SERVER may name one of 2.10 or later`,
      });
      continue;
    }
    const other = await overJetStream(world, server, synced);
    const cpu = new Cpu({ edge: edge.pid, broker: world.brokerPid });
    const theirs = new Cpu({ edge: other.edgePid, broker: other.serverPid });
    for (const inFlight of jetStreamLevels) {
      const perSecond = { durable: [], bare: [] };
      const used = [];
      let [ours, others] = [2_000, synced ? 500 : 2_000];
      for (let i = -WARM_UP; i < repeats; i++) {
        theirs.begin();
        const otherRate = await closedLoop(others, inFlight, other.command);
        const { central: client, edge: otherEdge, broker: store } = theirs.per(others);
        cpu.begin();
        const rate = await closedLoop(ours, inFlight, echo);
        if (i >= 0) {
          used.push({ ...cpu.per(ours), client, "its edge": otherEdge, "its server": store });
          perSecond.bare.push(otherRate);
          perSecond.durable.push(rate);
        }
        [ours, others] = [Math.ceil(rate * seconds), Math.ceil(otherRate * seconds)];
      }
      rows.push(comparison({ bench: "jetstream", synced, version: server.version, inFlight }, perSecond, used));
    }
  }
  return rows;
}

/** A function that sends one command over JetStream and resolves with its result. */
async function overJetStream(world, server, synced) {
  const { url, pid: serverPid } = await startJetStream(world, server, synced);
  const nc = await connect({ servers: url, noAsyncTraces: true });
  world.closing(() => nc.close());
  await makeQueue(nc, "commands", "js.command");
  await makeQueue(nc, "results", "js.result");
  const child = spawn(process.execPath, [EDGE, url], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "exit");
  await once(child.stdout, "data");
  world.closing(async () => {
    child.kill("SIGTERM");
    await ended;
  });
  const waiting = new ChurnMap();
  pull(nc, "results", (message) => {
    const id = Buffer.from(message.data.subarray(0, 12)).toString("latin1");
    waiting.get(id)?.();
    waiting.delete(id);
    message.respond("+ACK");
  });
  let last = 0;
  const filler = "x".repeat(188);
  const command = async () => {
    const id = String(++last).padStart(12, "0");
    const result = new Promise((resolve) => waiting.set(id, resolve));
    await publish(nc, "js.command", Buffer.from(id + filler));
    await result;
  };
  return { command, edgePid: child.pid, serverPid };
}
