import type { World } from "../../harness/world/world.ts";
import type { Violation } from "../check.ts";

/**
 * Holds the link states that central shows against the truth. A node's truth is judged only when nothing changed for it,
 * for central and for the broker between them for longer than a state may lag behind.
 */
/** Six hellos of 10 s until a node counts as offline, and what the wheel and one hello may add, ms. */
const LAG = 75_000;

interface Known {
  readonly truth: string;
  readonly since: number;
}

export class LinkTruth {
  readonly violations: Violation[] = [];
  readonly #world: World;
  readonly #known = new Map<string, Known>();

  constructor(world: World) {
    this.#world = world;
  }

  /** To be called after each step: what changed within one is taken for changed at its end. */
  stepped(): void {
    const world = this.#world;
    const now = world.time.monotonic();
    const central = world.linkTruth("central");
    for (const name of world.nodes) {
      if (name === "central") continue;
      const truth = `${central} | ${world.linkTruth(name)} | ${world.broker.isUp}`;
      const known = this.#known.get(name);
      if (known?.truth !== truth) this.#known.set(name, { truth, since: now });
      else if (now - known.since > LAG && central.endsWith(" clear") && world.broker.isUp) this.#judge(name);
    }
  }

  /** After calm: everybody must see everybody. */
  async settled(): Promise<void> {
    this.stepped();
    await this.#world.advance(LAG + 1_000);
    this.stepped();
  }

  #judge(name: string): void {
    const truth = this.#world.linkTruth(name);
    let shown: string;
    try {
      shown = this.#world.node(name).link;
    } catch {
      return;
    }
    const expected = truth.endsWith(" clear") ? "online" : truth.endsWith(" silent") ? "offline" : shown;
    if (shown === expected || (expected === "offline" && shown === "neverSeen")) return;
    this.violations.push({ kind: "link", text: `central shows ${name} as ${shown}, and it is ${expected}` });
  }
}
