import { Cpu } from "./cpu.mjs";
import { closedLoop, median, startCentral, startFleet, stopEdge } from "./parts.mjs";
import { echoes } from "./round-trips.mjs";

/** How long the nodes are watched, ms. */
const WATCHED = 30_000;
const LISTED = 100;
/** Room for all that is measured here. */
const LIMITS = { limits: { nodes: 1_000_000, lanes: 4_000_000 } };

/**
 * Nodes that say hello every 30 s and do nothing else: central's share of a core, its memory for each, and the time of lists, with
 * messages kept of commands that have ended.
 */
export async function fleetRow(world, { fleetSizes = [10_000, 100_000], kept = 1_000_000, repeats }) {
  const central = await startCentral(world, [], LIMITS);
  const rows = [];
  let toKeep = kept;
  for (const nodes of fleetSizes) {
    const prefix = `watched${nodes}x`;
    const before = process.memoryUsage().rss;
    const fleet = await startFleet(world, nodes, prefix);
    const grown = process.memoryUsage().rss - before;
    const cpu = new Cpu({ broker: world.brokerPid });
    cpu.begin();
    await new Promise((resolve) => setTimeout(resolve, WATCHED));
    const used = cpu.per(WATCHED * 10);
    let turn = 0;
    const echo = echoes(world, central, "x".repeat(200), () => `${prefix}${(turn++ % 100) + 1}.command.echo.bench`);
    if (toKeep > 0) await closedLoop(toKeep, 1000, echo);
    toKeep = 0;
    const listMs = median(await timesOf(repeats, () => central.operations.nodes({ limit: LISTED })));
    const openMs = median(await timesOf(repeats, () => central.operations.messages({ open: true, limit: LISTED })));
    const metricsMs = median(await timesOf(repeats, () => central.operations.metrics()));
    await stopEdge(fleet);
    rows.push({
      bench: "fleet",
      nodes,
      kept,
      // Microseconds of CPU in ten microseconds of time are tenths: in per cent of a core.
      cpuPercent: Object.fromEntries(Object.entries(used).map(([name, share]) => [name, Number(share.toFixed(2))])),
      grownMB: Math.round(grown / 1e6),
      kilobytesANode: Number((grown / nodes / 1024).toFixed(1)),
      nodesMs: round(listMs),
      openMessagesMs: round(openMs),
      metricsMs: round(metricsMs),
    });
  }
  return rows;
}

async function timesOf(repeats, act) {
  const times = [];
  for (let i = 0; i < repeats; i++) {
    const began = performance.now();
    await act();
    times.push(performance.now() - began);
  }
  return times;
}

const round = (ms) => Number(ms.toFixed(1));
