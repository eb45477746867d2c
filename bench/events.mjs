import { connect } from "nats";
import { Cpu } from "./cpu.mjs";
import { comparison, startCentral, startEdge, startResponder } from "./parts.mjs";

const BATCH = 100;
/** Rounds that do not count: V8 compiles last what runs once a frame. */
const WARM_UP = 4;

/**
 * One-way events from central to an edge, durable at both ends and acknowledged, beside the bare client's `publish()` to
 * another process, which acknowledges nothing.
 */
export async function events(world, { bytes = 200, inFlight = 2000, repeats, seconds }) {
  const central = await startCentral(world);
  const edge = await startEdge(world, central, [{ subject: "event.echo.bench", from: ["central"], queue: 100000 }]);
  await startResponder(world);
  const nc = await connect({ servers: world.url, noAsyncTraces: true });
  world.closing(() => nc.close());
  const data = "x".repeat(bytes);
  const payload = Buffer.from(data);
  const drafts = Array.from({ length: BATCH }, () => ({ subject: "ship1.event.echo.bench", data }));

  const durable = async (total) => {
    let acknowledged = 0;
    let done;
    let room;
    const all = new Promise((resolve) => {
      done = resolve;
    });
    const unwatch = central.operations.watch((happening) => {
      if (happening.type !== "message" || happening.state !== "received") return;
      acknowledged++;
      if (acknowledged >= total) done();
      room?.();
    });
    const started = performance.now();
    for (let sent = 0; sent < total; sent += BATCH) {
      while (sent - acknowledged >= inFlight) {
        await new Promise((resolve) => {
          room = resolve;
        });
      }
      await central.operations.submit(drafts);
    }
    await all;
    unwatch();
    return total / ((performance.now() - started) / 1000);
  };

  const bare = async (total) => {
    await nc.request("bare.count");
    const started = performance.now();
    for (let sent = 0; sent < total; sent += 1000) {
      for (let i = 0; i < 1000; i++) nc.publish("bare.event", payload);
      await nc.flush();
    }
    const arrived = Number((await nc.request("bare.count")).string());
    return arrived / ((performance.now() - started) / 1000);
  };

  const rates = { durable: [], bare: [] };
  const cpu = new Cpu({ edge: edge.pid, broker: world.brokerPid });
  const used = [];
  let [durableTotal, bareTotal] = [5_000, 50_000];
  for (let i = -1 - WARM_UP; i < repeats; i++) {
    const bareRate = await bare(bareTotal);
    cpu.begin();
    const durableRate = await durable(durableTotal);
    if (i >= 0) {
      used.push(cpu.per(durableTotal));
      rates.bare.push(bareRate);
      rates.durable.push(durableRate);
    }
    [durableTotal, bareTotal] = [roundUp(durableRate * seconds, BATCH), roundUp(bareRate * seconds, 1000)];
  }
  return [comparison({ bench: "events", inFlight, bytes }, rates, used)];
}

function roundUp(value, step) {
  return Math.ceil(value / step) * step;
}
