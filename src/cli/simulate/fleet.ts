import type { Transport } from "../../broker/transport.ts";
import type { Clock, Random, Timer } from "../../message/clock.ts";
import { faultText } from "../../message/errors.ts";
import { idMaker } from "../../message/id.ts";
import type { Envelope } from "../../message/wire/envelope.ts";
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
  readonly central: string;
  /** A connection to the broker, under a name of its own. */
  readonly connect: (name: string) => Transport;
  readonly envelope: Envelope;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** How often the nodes that are due say hello, ms. */
const TICK = 50;
/** Pause after which a node that central has not answered yet says hello again, ms; each is twice as long as the one before. */
const AGAIN = 2_000;

export class SimulatedFleet {
  readonly #options: SimulatedFleetOptions;
  readonly #transports: Transport[] = [];
  readonly #nodes: SimulatedNode[] = [];
  /** When each node says hello next, monotonic ms, and its pause as long as nobody answers. */
  readonly #due: { at: number; pause: number }[] = [];
  #timer: Timer | undefined;
  #unreadable = 0;

  constructor(options: SimulatedFleetOptions) {
    this.#options = options;
    const { clock, random, prefix, connections } = options;
    const newId = idMaker(clock, random);
    const token = (): string => Buffer.from(random.bytes(8)).toString("hex");
    for (let i = 0; i < connections; i++) this.#transports.push(options.connect(`${prefix}fleet${i + 1}`));
    const startedAt = clock.now();
    const begin = clock.monotonic();
    for (let i = 0; i < options.nodes; i++) {
      const transport = this.#transports[i % connections] as Transport;
      const own = { node: `${prefix}${i + 1}`, epoch: token(), life: token(), inbox: `${transport.inbox}.${i}` };
      const node = new SimulatedNode({ ...options, transport, newId, startedAt, ...own });
      this.#nodes.push(node);
      this.#due.push({ at: begin + (AGAIN * i) / options.nodes, pause: AGAIN });
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
      const due = this.#due[i];
      if (due === undefined || due.at > now) continue;
      due.at = now + (node.heard ? every : Math.min(every, due.pause));
      due.pause *= 2;
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
