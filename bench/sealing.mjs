import { join } from "node:path";
import { systemClock, systemRandom } from "../dist/platform/system-clock.js";
import { openIdentity } from "../dist/security/keys/identity-files.js";
import { EdgeTrust } from "../dist/security/trust/edge-trust.js";
import { Registry } from "../dist/security/trust/registry.js";
import { Cpu } from "./cpu.mjs";
import { closedLoop, comparison, openWorld, startCentral, startEdge } from "./parts.mjs";
import { echoes } from "./round-trips.mjs";

/** Rounds that do not count. */
const WARM_UP = 3;

/** What sealing costs: the same round trips in a fleet that seals and in one that does not, in turns within one run. */
export async function sealing(clear, { repeats = 5, seconds = 2 }) {
  const sealed = await openWorld("sealed");
  try {
    enrol(sealed, "ship1");
    const [durable, bare] = [await echoing(sealed), await echoing(clear, " clear")];
    const results = [];
    for (const inFlight of [100, 1000]) {
      const perSecond = { durable: [], bare: [] };
      const used = [];
      let [sealedTotal, clearTotal] = [4_000, 4_000];
      for (let i = -WARM_UP; i < repeats; i++) {
        const [clearRate, clearUs] = await turn(bare, clearTotal, inFlight);
        const [sealedRate, sealedUs] = await turn(durable, sealedTotal, inFlight);
        [sealedTotal, clearTotal] = [Math.ceil(sealedRate * seconds), Math.ceil(clearRate * seconds)];
        if (i < 0) continue;
        perSecond.bare.push(clearRate);
        perSecond.durable.push(sealedRate);
        used.push({ ...sealedUs, ...clearUs });
      }
      results.push(comparison({ bench: "sealing", inFlight }, perSecond, used));
    }
    return results;
  } finally {
    await sealed.close();
  }
}

/** The function that sends one command and waits for its outcome, and the CPU of everything that takes part, by name. */
async function echoing(world, suffix = "") {
  const central = await startCentral(world);
  const edge = await startEdge(world, central, [
    { subject: "command.echo.bench", from: ["central"], concurrency: 1000, queue: 100000 },
  ]);
  const echo = echoes(world, central, "x".repeat(200));
  const cpu = new Cpu({ edge: edge.pid, broker: world.brokerPid });
  return { echo, cpu, suffix };
}

/** One turn of a side: its rate, and its CPU for each operation. Both centrals are in this process, and one of them idles. */
async function turn({ echo, cpu, suffix }, total, inFlight) {
  cpu.begin();
  const rate = await closedLoop(total, inFlight, echo);
  return [rate, Object.fromEntries(Object.entries(cpu.per(total)).map(([name, us]) => [`${name}${suffix}`, us]))];
}

/** Lets central and one edge know each other, as `invite` and `join` do. */
function enrol(world, edge) {
  const [central, own] = ["central", edge].map((node) => {
    const data = join(world.directory, node);
    return { data, identity: openIdentity(data, systemRandom) };
  });
  const registry = new Registry({ ...central, node: "central", clock: systemClock, random: systemRandom });
  const [invited] = registry.invite([{ node: edge }], 60_000, "bench");
  registry.introduce(edge, own.identity.keys, invited.secret);
  const trust = new EdgeTrust({ ...own, node: edge, central: "central", pin: central.identity.keys });
  trust.take(registry.listFor(edge));
  registry.end?.();
}
