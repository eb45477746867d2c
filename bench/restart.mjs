import { median, startCentral } from "./parts.mjs";

const NODES = 10_000;
const LISTED = 100;

/** Central started again with open commands to ten thousand nodes that are away: until it is ready, and the time of lists then. */
export async function restart(world, { repeats = 5, openOfEach = 10 }) {
  const first = await startCentral(world);
  for (let n = 0; n < openOfEach; n++)
    await first.operations.submit(
      Array.from({ length: NODES }, (_, i) => ({
        subject: `away${i + 1}.command.echo.bench`,
        data: "x".repeat(200),
        knownNodesOnly: false,
      })),
    );
  await first.stop();
  const [ready, cpuMs] = [[], []];
  let central;
  for (let i = 0; i < Math.min(repeats, 3); i++) {
    await central?.stop();
    const cpu = process.cpuUsage();
    const began = performance.now();
    central = await startCentral(world);
    ready.push(performance.now() - began);
    const { user, system } = process.cpuUsage(cpu);
    cpuMs.push((user + system) / 1000);
  }
  const timed = (act) => {
    const began = performance.now();
    act();
    return Number((performance.now() - began).toFixed(1));
  };
  const { operations } = central;
  return [
    {
      bench: "restart",
      nodes: NODES,
      open: NODES * openOfEach,
      readyMs: Math.round(median(ready)),
      cpuMs: Math.round(median(cpuMs)),
      openMessagesMs: timed(() => operations.messages({ open: true, limit: LISTED })),
      nodesMs: timed(() => operations.nodes({ limit: LISTED })),
    },
  ];
}
