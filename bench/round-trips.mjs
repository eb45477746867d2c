import { connect } from "nats";
import { ChurnMap } from "../dist/platform/churn-map.js";
import { Cpu } from "./cpu.mjs";
import { closedLoop, comparison, median, startCentral, startEdge, startResponder } from "./parts.mjs";

const FINAL = new Set(["succeeded", "failed", "rejected", "expired", "interrupted", "timedOut", "cancelled"]);

/** Rounds of each side that do not count: V8 compiles last what runs once a frame. */
const WARM_UP = 5;

/**
 * Durable, acknowledged `echo` commands from central to an edge and their outcomes back, both journals synced, beside the
 * bare client's `request()` to another process. Both take turns within one run; what counts is the ratio.
 */
export async function roundTrips(world, { levels = [1, 10, 100, 1000], bytesOf = [200, 1000], ...size }) {
  const central = await startCentral(world);
  const edge = await startEdge(world, central, [
    { subject: "command.echo.bench", from: ["central"], concurrency: 1000, queue: 100000 },
  ]);
  await startResponder(world);
  const nc = await connect({ servers: world.url, noAsyncTraces: true });
  world.closing(() => nc.close());
  const rows = [];
  for (const bytes of bytesOf) {
    // A larger message is measured where messages are many.
    const some = bytes === bytesOf[0] ? levels : levels.filter((inFlight) => inFlight >= 100);
    rows.push(...(await ofBytes({ world, central, edge, nc }, bytes, some, size)));
  }
  return rows;
}

async function ofBytes({ world, central, edge, nc }, bytes, levels, { repeats = 5, seconds = 2 }) {
  const data = "x".repeat(bytes);
  const echo = echoes(world, central, data);
  let took = [];
  const durable = async () => {
    const began = performance.now();
    await echo();
    took.push(performance.now() - began);
  };
  const payload = Buffer.from(data);
  const bare = () => nc.request("bare.echo", payload, { timeout: 10_000 });

  const cpu = new Cpu({ edge: edge.pid, broker: world.brokerPid });
  const results = [];
  for (const inFlight of levels) {
    const perSecond = { durable: [], bare: [] };
    const used = [];
    const latency = { p50: [], p99: [] };
    let [durableTotal, bareTotal] = [200 * Math.min(inFlight, 20), 500 * Math.min(inFlight, 20)];
    // The very first one is short: it shows how much fits into the time.
    for (let i = -1 - WARM_UP; i < repeats; i++) {
      cpu.begin();
      const bareRate = await closedLoop(bareTotal, inFlight, bare);
      const { central: bareUs } = cpu.per(bareTotal);
      took = [];
      cpu.begin();
      const durableRate = await closedLoop(durableTotal, inFlight, durable);
      if (i >= 0) {
        used.push({ ...cpu.per(durableTotal), bare: bareUs });
        took.sort((a, b) => a - b);
        latency.p50.push(took[Math.floor(took.length * 0.5)]);
        latency.p99.push(took[Math.floor(took.length * 0.99)]);
        perSecond.bare.push(bareRate);
        perSecond.durable.push(durableRate);
      }
      [durableTotal, bareTotal] = [Math.ceil(durableRate * seconds), Math.ceil(bareRate * seconds)];
    }
    const [p50, p99] = [latency.p50, latency.p99].map((values) => Number(median(values).toFixed(2)));
    results.push({ ...comparison({ bench: "round-trips", inFlight, bytes }, perSecond, used), p50Ms: p50, p99Ms: p99 });
  }
  return results;
}

/** A function that sends one durable `echo`, to the edge or in turn to several nodes, and resolves with its outcome. */
export function echoes(world, central, data, subject = () => "ship1.command.echo.bench") {
  // An outcome may be there before `submit` has answered with the id.
  const waiting = new ChurnMap();
  const unwatch = central.operations.watch((happening) => {
    if (happening.type !== "message" || !FINAL.has(happening.state)) return;
    const settle = waiting.get(happening.id);
    waiting.delete(happening.id);
    if (settle === undefined) waiting.set(happening.id, happening.state);
    else settle(happening.state);
  });
  world.closing(async () => unwatch());
  return async () => {
    const [{ id }] = await central.operations.submit([{ subject: subject(), data }]);
    const state = await new Promise((resolve) => {
      const known = waiting.get(id);
      if (known === undefined) waiting.set(id, resolve);
      else {
        waiting.delete(id);
        resolve(known);
      }
    });
    if (state !== "succeeded") throw new Error(`an echo ended as ${state}`);
  };
}
