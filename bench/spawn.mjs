import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Cpu } from "./cpu.mjs";
import { childrenOf } from "./edge.mjs";
import { closedLoop, comparison, startCentral, startEdge } from "./parts.mjs";

const SPAWNER = fileURLToPath(new URL("./spawner.mjs", import.meta.url));
const FINAL = new Set(["succeeded", "failed", "rejected", "expired", "interrupted", "timedOut", "cancelled"]);
/** Programs at once on either side. */
const AT_ONCE = 4;

/** `shellcommand /bin/true`, durable at both ends, beside a small process that spawns as many at once. */
export async function spawning(world, { repeats, seconds }) {
  const central = await startCentral(world);
  const subject = "ship1.command.shellcommand.bench";
  const edge = await startEdge(world, central, [
    { subject: "command.shellcommand.bench", from: ["central"], concurrency: AT_ONCE, queue: 100000 },
  ]);
  const spawner = fork(SPAWNER, [String(AT_ONCE)]);
  const ended = once(spawner, "exit");
  await once(spawner, "message");
  world.closing(async () => {
    spawner.disconnect();
    await ended;
  });

  const waiting = new Map();
  const unwatch = central.operations.watch((happening) => {
    if (happening.type !== "message" || !FINAL.has(happening.state)) return;
    waiting.get(happening.id)?.(happening.state);
  });
  world.closing(async () => unwatch());
  const durable = async () => {
    const [{ id }] = await central.operations.submit([{ subject, data: ["/bin/true"] }]);
    const state = await new Promise((resolve) => waiting.set(id, resolve));
    waiting.delete(id);
    if (state !== "succeeded") throw new Error(`/bin/true ended as ${state}`);
  };
  const bare = async (total) => {
    spawner.send(total);
    const [rate] = await once(spawner, "message");
    return rate;
  };

  const rates = { durable: [], bare: [] };
  let cpu;
  const used = [];
  let [durableTotal, bareTotal] = [100, 100];
  for (let i = -2; i < repeats; i++) {
    const bareRate = await bare(bareTotal);
    // Its first command has started the runner; programs are its children.
    const [runner] = i < 0 ? [] : childrenOf(edge.pid);
    cpu ??= i < 0 ? undefined : new Cpu({ edge: edge.pid, runner, broker: world.brokerPid });
    cpu?.begin();
    // Twice as many commands as programs: the next one is on its node when a program ends.
    const durableRate = await closedLoop(durableTotal, 2 * AT_ONCE, durable);
    if (i >= 0) {
      used.push(cpu.per(durableTotal));
      rates.bare.push(bareRate);
      rates.durable.push(durableRate);
    }
    [durableTotal, bareTotal] = [Math.ceil(durableRate * seconds), Math.ceil(bareRate * seconds)];
  }
  return [comparison({ bench: "spawn", atOnce: AT_ONCE }, rates, used)];
}
