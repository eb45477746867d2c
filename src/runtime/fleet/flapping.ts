import type { Clock, Timer } from "../../message/clock.ts";
import type { Failures } from "../../observe/alerting/failures.ts";
import type { NodeChange } from "./known-node.ts";

/**
 * Alerts on a link that is lost again and again: once when that begins, and once when it is over, whatever the number of
 * losses in between. Each node also watches its own link to the broker: other nodes do not notice a loss that is shorter
 * than the patience of its profile. Losses of the own link are not counted for other nodes.
 *
 *   steady ──more than MOST losses within WINDOW──▶ flapping ──WINDOW without a loss──▶ steady
 */
export interface FlappingOptions {
  readonly clock: Clock;
  readonly failures: Pick<Failures, "report">;
}

const MOST = 5;
const WINDOW = 600_000;
const MINUTES = WINDOW / 60_000;
/** The key of this node's own link, in the place of a node's name. */
const OWN = "";

export class Flapping {
  readonly #options: FlappingOptions;
  /** Monotonic times of the latest losses of each node, ms. */
  readonly #losses = new Map<string, number[]>();
  /** Nodes whose link flaps, each with the timer that ends that state. */
  readonly #flapping = new Map<string, Timer>();
  #connected = false;

  constructor(options: FlappingOptions) {
    this.#options = options;
  }

  /** `own`: true if this node has no broker. */
  changed({ name, region, from, to, cause }: NodeChange, own: boolean): void {
    if (own || region !== "link" || from !== "online") return;
    this.#lost(name, `${name} is ${to}`, cause);
  }

  /** This node's link to its broker. */
  ownLink(connected: boolean, fault = "the connection was lost"): void {
    const lost = this.#connected && !connected;
    this.#connected = connected;
    if (lost) this.#lost(OWN, "this node has lost its broker", fault);
  }

  end(): void {
    for (const timer of this.#flapping.values()) this.#options.clock.clearTimeout(timer);
    this.#flapping.clear();
  }

  #lost(name: string, what: string, cause: string): void {
    const { clock, failures } = this.#options;
    const now = clock.monotonic();
    const recent = (this.#losses.get(name) ?? []).filter((at) => now - at < WINDOW);
    this.#losses.set(name, [...recent, now].slice(-(MOST + 1)));
    if (this.#flapping.has(name)) this.#untilCalm(name);
    else if (recent.length >= MOST) {
      this.#untilCalm(name);
      const text = `${what} for the ${recent.length + 1}th time within ${MINUTES} minutes: its link flaps (${cause})`;
      failures.report("flapping", text, `flapping ${name}`);
    }
  }

  #untilCalm(name: string): void {
    const { clock, failures } = this.#options;
    clock.clearTimeout(this.#flapping.get(name));
    const timer = clock.setTimeout(() => {
      this.#flapping.delete(name);
      this.#losses.delete(name);
      const link = name === OWN ? "the link to the broker" : `the link of ${name}`;
      failures.report("flapping-over", `${link} was not lost for ${MINUTES} minutes`, `flapping-over ${name}`);
    }, WINDOW);
    this.#flapping.set(name, timer);
  }
}
