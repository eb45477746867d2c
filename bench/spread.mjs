import { connect } from "nats";
import { Cpu } from "./cpu.mjs";
import { closedLoop, comparison, startCentral, startFleet, startResponder } from "./parts.mjs";
import { echoes } from "./round-trips.mjs";

const NODES = 1_000;
const IN_FLIGHT = 1_000;
/** Rounds that do not count. */
const WARM_UP = 2;

/** `echo` commands to a thousand nodes in turn, a thousand under way, beside `request()` to as many subjects of another process. */
export async function spread(world, { repeats = 5, seconds = 2, bytes = 200 }) {
  const central = await startCentral(world);
  const fleet = await startFleet(world, NODES, "spread");
  await startResponder(world, NODES);
  const nc = await connect({ servers: world.url, noAsyncTraces: true });
  world.closing(() => nc.close());
  const data = "x".repeat(bytes);
  const payload = Buffer.from(data);
  let [turn, bareTurn] = [0, 0];
  const echo = echoes(world, central, data, () => `spread${(turn++ % NODES) + 1}.command.echo.bench`);
  const bare = () => nc.request(`bare.fan.${bareTurn++ % NODES}`, payload, { timeout: 10_000 });
  const cpu = new Cpu({ fleet: fleet.pid, broker: world.brokerPid });
  const perSecond = { durable: [], bare: [] };
  const used = [];
  let [ours, others] = [2_000, 4_000];
  for (let i = -WARM_UP; i < repeats; i++) {
    cpu.begin();
    const bareRate = await closedLoop(others, IN_FLIGHT, bare);
    const { central: bareUs } = cpu.per(others);
    cpu.begin();
    const rate = await closedLoop(ours, IN_FLIGHT, echo);
    if (i >= 0) {
      used.push({ ...cpu.per(ours), bare: bareUs });
      perSecond.bare.push(bareRate);
      perSecond.durable.push(rate);
    }
    [ours, others] = [Math.ceil(rate * seconds), Math.ceil(bareRate * seconds)];
  }
  return [comparison({ bench: "spread", nodes: NODES, inFlight: IN_FLIGHT, bytes }, perSecond, used)];
}
