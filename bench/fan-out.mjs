import { connect } from "nats";
import { median, startCentral, startFleet, startResponder, stopEdge, untilEnded } from "./parts.mjs";

/** Rounds after the first: what grows with what was sent before shows in the last. */
const ROUNDS = 10;

/**
 * One `echo` command to each node of a fleet, from `submit` to the last folded outcome, beside the bare client's publish to as
 * many subjects and their replies. The fleet is one process on a few connections; what counts is central's CPU for a node and
 * command, in the first round and in the last.
 */
export async function fanOut(world, { sizes = [100, 1000, 10_000], bytes = 200, rounds = ROUNDS }) {
  const central = await startCentral(world);
  const data = "x".repeat(bytes);
  const rows = [];
  for (const nodes of sizes) {
    const prefix = `fleet${nodes}x`;
    const fleet = await startFleet(world, nodes, prefix);
    const drafts = Array.from({ length: nodes }, (_, i) => ({ subject: `${prefix}${i + 1}.command.echo.bench`, data }));
    const durable = [];
    for (let round = 0; round < rounds; round++)
      durable.push(await measured(nodes, () => untilEnded(central, nodes, () => central.operations.submit(drafts))));
    await stopEdge(fleet);
    const bare = await bareFanOut(world, nodes, bytes);
    const [first, last] = [durable[0], durable.at(-1)];
    rows.push({
      bench: "fan-out",
      nodes,
      bytes,
      rounds,
      firstMs: Math.round(first.ms),
      lastMs: Math.round(last.ms),
      bareMs: Math.round(bare.ms),
      ratio: Number((bare.ms / last.ms).toFixed(3)),
      cpuUs: {
        first: first.cpuUs,
        last: last.cpuUs,
        median: median(durable.map(({ cpuUs }) => cpuUs)),
        bare: bare.cpuUs,
      },
    });
  }
  return rows;
}

/** Milliseconds of `act`, and this process's CPU for each of so many. */
async function measured(count, act) {
  const cpu = process.cpuUsage();
  const began = performance.now();
  await act();
  const { user, system } = process.cpuUsage(cpu);
  return { ms: performance.now() - began, cpuUs: Math.round((user + system) / count) };
}

/** As many requests to as many subjects at once, answered by another process; the third time counts. */
async function bareFanOut(world, nodes, bytes) {
  const responder = await startResponder(world, nodes);
  const nc = await connect({ servers: world.url, noAsyncTraces: true });
  const payload = Buffer.alloc(bytes, "x");
  let result;
  let arrived = () => undefined;
  const replies = nc.subscribe("bare.fan.reply", { callback: () => arrived() });
  for (let i = 0; i < 3; i++) {
    result = await measured(nodes, async () => {
      let left = nodes;
      const all = new Promise((resolve) => {
        arrived = () => --left === 0 && resolve();
      });
      for (let n = 0; n < nodes; n++) nc.publish(`bare.fan.${n}`, payload, { reply: "bare.fan.reply" });
      await all;
    });
  }
  replies.unsubscribe();
  await nc.close();
  await stopEdge(responder);
  return result;
}
