import { monitorEventLoopDelay } from "node:perf_hooks";
import { Cpu } from "./cpu.mjs";
import { median, startCentral, startFleet, stopEdge } from "./parts.mjs";

/** How long the nodes are watched, ms. */
const WATCHED = 30_000;
const LISTED = 100;

/**
 * Nodes that say hello every 30 s and do nothing else: central's share of a core, its memory for each, the time of lists; and all
 * of them back at once after their daemons were ended: time until central has heard all, and its longest pause meanwhile.
 */
export async function fleetRow(world, { fleetSizes = [1000, 10_000], repeats }) {
  const central = await startCentral(world);
  const rows = [];
  for (const nodes of fleetSizes) {
    const prefix = `watched${nodes}x`;
    const before = process.memoryUsage().rss;
    let fleet = await startFleet(world, nodes, prefix);
    const kilobytes = Math.round((process.memoryUsage().rss - before) / nodes / 1024);
    const cpu = new Cpu({ broker: world.brokerPid });
    cpu.begin();
    await new Promise((resolve) => setTimeout(resolve, WATCHED));
    const used = cpu.per(WATCHED * 10);
    const listMs = median(await timesOf(repeats, () => central.operations.nodes({ limit: LISTED })));
    const openMs = median(await timesOf(repeats, () => central.operations.messages({ open: true, limit: LISTED })));
    await stopEdge(fleet);
    const delay = monitorEventLoopDelay({ resolution: 5 });
    delay.enable();
    cpu.begin();
    const began = performance.now();
    fleet = await startFleet(world, nodes, prefix);
    delay.disable();
    rows.push({
      bench: "fleet",
      nodes,
      // Microseconds of CPU in ten microseconds of time are tenths: in per cent of a core.
      cpuPercent: Object.fromEntries(Object.entries(used).map(([name, share]) => [name, Number(share.toFixed(2))])),
      kilobytesANode: kilobytes,
      nodesMs: round(listMs),
      openMessagesMs: round(openMs),
      backMs: Math.round(performance.now() - began),
      worstDelayMs: Math.round(delay.max / 1e6),
      cpuUs: { central: Math.round(cpu.per(nodes).central) },
    });
    await stopEdge(fleet);
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
