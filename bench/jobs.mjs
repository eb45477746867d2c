import { median, startCentral, startFleet, stopEdge, untilEnded } from "./parts.mjs";

/** Rounds of each that come before those that count. */
const WARM = 2;

/**
 * A job over so many nodes beside the same commands as single messages, in turn: from the order to the last folded outcome, which
 * for the job includes that its target is resolved. And how long it takes to say which nodes a target means, as the list that is
 * shown before anything is sent.
 */
export async function jobRow(world, { fleetSizes = [10_000], bytes = 200, repeats = 5 }) {
  const central = await startCentral(world);
  const data = "x".repeat(bytes);
  const rows = [];
  for (const nodes of fleetSizes) {
    const prefix = `ordered${nodes}x`;
    const fleet = await startFleet(world, nodes, prefix);
    const target = `name=${prefix}* and online and not name=${prefix}none`;
    const drafts = Array.from({ length: nodes }, (_, i) => ({ subject: `${prefix}${i + 1}.command.echo.bench`, data }));
    const order = { to: target, subject: "command.echo.bench", data, most: nodes };
    const single = () => ended(central, nodes, () => central.operations.submit(drafts));
    const job = () => ended(central, nodes, () => central.operations.createJob(order));
    const took = { single: [], job: [] };
    for (let round = 0; round < repeats + WARM; round++) {
      const [one, other] = [await single(), await job()];
      if (round < WARM) continue;
      took.single.push(one);
      took.job.push(other);
    }
    const shown = [];
    for (let i = 0; i < repeats + WARM; i++) {
      const began = performance.now();
      const { nodes: meant } = central.operations.resolve({ to: target });
      JSON.stringify(meant);
      if (meant.length !== nodes) throw new Error(`${target} means ${meant.length} nodes`);
      if (i >= WARM) shown.push(performance.now() - began);
    }
    await stopEdge(fleet);
    const [singleMs, jobMs] = [median(took.single), median(took.job)];
    const shares = took.job.map((ms, i) => ms / took.single[i]).sort((a, b) => a - b);
    rows.push({
      bench: "job",
      nodes,
      bytes,
      singleMs: Math.round(singleMs),
      jobMs: Math.round(jobMs),
      share: Number((jobMs / singleMs).toFixed(2)),
      spread: [shares[0], shares.at(-1)].map((share) => Number(share.toFixed(2))),
      resolveMs: Number(median(shown).toFixed(1)),
    });
  }
  return rows;
}

/** Milliseconds from an order to the last of so many outcomes. */
async function ended(central, count, act) {
  const began = performance.now();
  await untilEnded(central, count, act);
  return performance.now() - began;
}
