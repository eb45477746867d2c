import { openNatsTransport } from "../../broker/nats.ts";
import type { Transport } from "../../broker/transport.ts";
import type { Config } from "../../config/config.ts";
import type { Clock, Random, Timer } from "../../message/clock.ts";
import { faultText } from "../../message/errors.ts";
import { idMaker } from "../../message/id.ts";
import type { Logger } from "../../platform/logger.ts";
import { SimulatedNode } from "./node.ts";

/** A fleet in one process: its nodes share a few connections, and say hello spread over the interval. */
export interface SimulatedFleetOptions {
  readonly nodes: number;
  readonly connections: number;
  /** Names of the nodes: this, and a number from 1 on. */
  readonly prefix: string;
  readonly every: number;
  readonly version: string;
  readonly config: Pick<Config, "broker" | "central" | "link">;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** How often the nodes that are due say hello, ms. */
const TICK = 50;
/** Pause after which a node that central has not answered yet says hello again, ms. */
const AGAIN = 2_000;

export class SimulatedFleet {
  readonly #options: SimulatedFleetOptions;
  readonly #transports: Transport[] = [];
  readonly #nodes: SimulatedNode[] = [];
  /** When each node says hello next, monotonic ms. */
  readonly #due: number[] = [];
  #timer: Timer | undefined;
  #unreadable = 0;

  constructor(options: SimulatedFleetOptions) {
    this.#options = options;
    const { config, clock, random, log, prefix, connections } = options;
    const newId = idMaker(clock, random);
    const token = (): string => Buffer.from(random.bytes(8)).toString("hex");
    for (let i = 0; i < connections; i++) {
      const name = `${prefix}fleet${i + 1}`;
      this.#transports.push(
        openNatsTransport({ broker: config.broker, name, pingMs: config.link.ping, clock, random, log }),
      );
    }
    const startedAt = clock.now();
    const begin = clock.monotonic();
    for (let i = 0; i < options.nodes; i++) {
      const transport = this.#transports[i % connections] as Transport;
      const own = { node: `${prefix}${i + 1}`, epoch: token(), life: token(), inbox: `${transport.inbox}.${i}` };
      const node = new SimulatedNode({ ...options, central: config.central, transport, newId, startedAt, ...own });
      this.#nodes.push(node);
      this.#due.push(begin + (AGAIN * i) / options.nodes);
      transport.subscribe(`${own.node}.>`, (packet) => this.#guarded(() => node.packet(packet)));
    }
    for (const transport of this.#transports)
      transport.subscribe(`${transport.inbox}.>`, ({ subject, payload, noResponders }) => {
        if (noResponders) return;
        const [i = "", ...rest] = subject.slice(transport.inbox.length + 1).split(".");
        this.#guarded(() => this.#nodes[Number(i)]?.answered(rest.slice(0, -1).join("."), payload));
      });
    this.#tick();
  }

  /** How many connections there are to the broker, how many nodes central has answered, what they did and could not read. */
  view(): { connected: number; heard: number; commands: number; unreadable: number } {
    return {
      connected: this.#transports.filter((transport) => transport.status().state === "connected").length,
      heard: this.#nodes.filter(({ heard }) => heard).length,
      commands: this.#nodes.reduce((sum, { commands }) => sum + commands, 0),
      unreadable: this.#unreadable,
    };
  }

  async stop(): Promise<void> {
    this.#options.clock.clearTimeout(this.#timer);
    await Promise.all(this.#transports.map((transport) => transport.close()));
  }

  #tick(): void {
    const { clock, every } = this.#options;
    const now = clock.monotonic();
    for (const [i, node] of this.#nodes.entries()) {
      if ((this.#due[i] ?? 0) > now) continue;
      // A node that nobody has heard is in more of a hurry.
      this.#due[i] = now + (node.heard ? every : Math.min(every, AGAIN));
      node.hello();
    }
    this.#timer = clock.setTimeout(() => this.#tick(), TICK);
  }

  #guarded(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#unreadable++;
      this.#options.log.warn({ err: error }, `a packet cannot be read: ${faultText(error)}`);
    }
  }
}
