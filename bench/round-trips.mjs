import { connect } from "nats";
import { ChurnMap } from "../dist/platform/churn-map.js";
import { closedLoop, comparison, startCentral, startEdge, startResponder } from "./parts.mjs";

const FINAL = new Set(["succeeded", "failed", "rejected", "expired", "interrupted", "timedOut", "cancelled"]);

/** Rounds of each side that do not count: V8 compiles last what runs once a frame. */
const WARM_UP = 5;

/**
 * Durable, acknowledged `echo` commands from central to an edge and their outcomes back, both journals synced, beside the
 * bare client's `request()` to another process. Both take turns within one run; what counts is the ratio.
 */
export async function roundTrips(world, { levels = [1, 100, 1000], bytes = 200, repeats = 5, seconds = 2 }) {
  const central = await startCentral(world);
  await startEdge(world, central, [
    { subject: "command.echo.bench", from: ["central"], concurrency: 1000, queue: 100000 },
  ]);
  await startResponder(world);
  const nc = await connect({ servers: world.url, noAsyncTraces: true });
  world.closing(() => nc.close());

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
  const data = "x".repeat(bytes);
  const durable = async () => {
    const [{ id }] = await central.operations.submit([{ subject: "ship1.command.echo.bench", data }]);
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
  const payload = Buffer.from(data);
  const bare = () => nc.request("bare.echo", payload, { timeout: 10_000 });

  const results = [];
  for (const inFlight of levels) {
    const perSecond = { durable: [], bare: [] };
    let [durableTotal, bareTotal] = [200 * Math.min(inFlight, 20), 500 * Math.min(inFlight, 20)];
    // The very first one is short: it shows how much fits into the time.
    for (let i = -1 - WARM_UP; i < repeats; i++) {
      const bareRate = await closedLoop(bareTotal, inFlight, bare);
      const durableRate = await closedLoop(durableTotal, inFlight, durable);
      if (i >= 0) {
        perSecond.bare.push(bareRate);
        perSecond.durable.push(durableRate);
      }
      [durableTotal, bareTotal] = [Math.ceil(durableRate * seconds), Math.ceil(bareRate * seconds)];
    }
    results.push(comparison({ bench: "round-trips", inFlight, bytes }, perSecond));
  }
  return results;
}
