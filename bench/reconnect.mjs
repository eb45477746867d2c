import { monitorEventLoopDelay } from "node:perf_hooks";
import { Cpu } from "./cpu.mjs";
import { startCentral, startFleet, stopEdge } from "./parts.mjs";

/** Interval of the hellos: a node is offline after a few of them. */
const HELLO = "10s";

/**
 * A fleet that was silent for so long that all of it counts as offline, and that goes on within one second: time until central
 * has all nodes online again, its longest pause meanwhile, and its CPU for each node.
 */
export async function reconnect(world, { reconnecting = 10_000 }) {
  const nodes = reconnecting;
  const central = await startCentral(world, [], { hello: HELLO });
  const links = linksOf(central);
  const fleet = await startFleet(world, nodes, "back", HELLO);
  await links.are("online", nodes);
  process.kill(fleet.pid, "SIGSTOP");
  await links.are("offline", nodes);
  const delay = monitorEventLoopDelay({ resolution: 5 });
  const cpu = new Cpu({ broker: world.brokerPid });
  delay.enable();
  cpu.begin();
  const began = performance.now();
  process.kill(fleet.pid, "SIGCONT");
  await links.are("online", nodes);
  const backMs = Math.round(performance.now() - began);
  delay.disable();
  const { central: cpuUs } = cpu.per(nodes);
  await stopEdge(fleet);
  return [{ bench: "reconnect", nodes, backMs, worstDelayMs: Math.round(delay.max / 1e6), cpuUs: Math.round(cpuUs) }];
}

/** The number of nodes whose link is in each state, counted as it changes. */
function linksOf(central) {
  const states = new Map();
  let looked = () => undefined;
  central.operations.watch((happening) => {
    if (happening.type !== "node" || happening.region !== "link") return;
    states.set(happening.name, happening.to);
    looked();
  });
  const count = (state) => [...states.values()].filter((each) => each === state).length;
  return {
    are: async (state, nodes) => {
      let changes = 0;
      await new Promise((resolve) => {
        looked = () => {
          // The count of all costs more than one change.
          changes++;
          if (changes % 100 === 0 || changes >= nodes) if (count(state) >= nodes) resolve();
        };
        if (count(state) >= nodes) resolve();
        const timer = setInterval(() => {
          if (count(state) < nodes) return;
          clearInterval(timer);
          resolve();
        }, 500);
      });
      looked = () => undefined;
    },
  };
}
