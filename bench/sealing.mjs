import { join } from "node:path";
import { systemClock, systemRandom } from "../dist/platform/system-clock.js";
import { openIdentity } from "../dist/security/keys/identity-files.js";
import { EdgeTrust } from "../dist/security/trust/edge-trust.js";
import { Registry } from "../dist/security/trust/registry.js";
import { closedLoop, comparison, openWorld, startCentral, startEdge } from "./parts.mjs";
import { echoes } from "./round-trips.mjs";

/** Rounds that do not count. */
const WARM_UP = 3;

/** What sealing costs: the same round trips in a fleet that seals and in one that does not, in turns within one run. */
export async function sealing(clear, { repeats = 5, seconds = 2 }) {
  const sealed = await openWorld("sealed");
  try {
    enrol(sealed, "ship1");
    const [durable, bare] = [await echoing(sealed), await echoing(clear)];
    const results = [];
    for (const inFlight of [100, 1000]) {
      const perSecond = { durable: [], bare: [] };
      let [sealedTotal, clearTotal] = [4_000, 4_000];
      for (let i = -WARM_UP; i < repeats; i++) {
        const clearRate = await closedLoop(clearTotal, inFlight, bare);
        const sealedRate = await closedLoop(sealedTotal, inFlight, durable);
        [sealedTotal, clearTotal] = [Math.ceil(sealedRate * seconds), Math.ceil(clearRate * seconds)];
        if (i < 0) continue;
        perSecond.bare.push(clearRate);
        perSecond.durable.push(sealedRate);
      }
      results.push(comparison({ bench: "sealing", inFlight }, perSecond, []));
    }
    return results;
  } finally {
    await sealed.close();
  }
}

async function echoing(world) {
  const central = await startCentral(world);
  await startEdge(world, central, [
    { subject: "command.echo.bench", from: ["central"], concurrency: 1000, queue: 100000 },
  ]);
  return echoes(world, central, "x".repeat(200));
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
