import type { Clock, Random } from "../message/clock.ts";
import type { Hello } from "../methods/hello.ts";
import type { Announcer } from "./announce.ts";
import type { LinkStatus, Transport } from "./broker/transport.ts";
import type { Fleet, NodeChange } from "./fleet.ts";
import type { Presence } from "./presence.ts";
import type { Publishers } from "./publishers.ts";
import type { Repair } from "./repair.ts";

/** Holds what is to be sent, and lets it go, as the broker and the nodes come and go. */
export interface TrafficOptions {
  readonly transport: Transport;
  readonly fleet: Fleet;
  readonly publishers: Publishers;
  readonly presence: Presence;
  readonly repair: Repair;
  readonly announce: Announcer;
  readonly clock: Clock;
  readonly random: Random;
}

export class Traffic {
  readonly #options: TrafficOptions;

  constructor(options: TrafficOptions) {
    this.#options = options;
  }

  /** Why nothing may be sent to a node now; `undefined`: it may. */
  halted(node: string): string | undefined {
    const { transport, fleet } = this.#options;
    if (transport.status().state !== "connected") return "no broker";
    return fleet.link(node) === "offline" ? `${node} is offline` : undefined;
  }

  linkChanged(status: LinkStatus): void {
    const { fleet, presence, publishers } = this.#options;
    if (status.state === "connected") {
      fleet.ownLink(true);
      presence.begin();
      for (const node of publishers.receivers()) this.#resume(node, "the broker is back");
    } else {
      presence.end();
      // Before the first attempt has ended nothing is known: a restart alone makes nobody late.
      if (status.state !== "connecting" || status.fault !== undefined) fleet.ownLink(false);
      publishers.pause(undefined, "no broker");
    }
  }

  hello(origin: string, hello: Hello): void {
    const { fleet, repair } = this.#options;
    if (fleet.isAnew(origin, hello)) repair.forget(origin);
    fleet.hello(origin, hello);
    repair.look(origin);
  }

  nodeChanged({ name, region, from, to, cause }: NodeChange): void {
    const { repair, publishers, announce } = this.#options;
    if (region === "session" && to === "resyncing") repair.look(name);
    if (region !== "link") return;
    if (to === "offline") {
      publishers.pause(name, `${name} is offline`);
      announce.openCommands(name, "unknown", cause);
    }
    if (from === "offline") announce.openCommands(name, undefined, cause);
    if (to === "online") this.#resume(name, `${name} is back`);
  }

  /** Spread over nodes, so that a fleet that comes back together is not answered in one burst. */
  #resume(node: string, cause: string): void {
    const { clock, random, fleet, publishers } = this.#options;
    publishers.resumeAfter(random.next() * Math.min(2000, fleet.size * 2), clock, node, cause);
  }
}
