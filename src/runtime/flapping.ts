import type { Clock, Timer } from "../message/clock.ts";
import type { NodeChange } from "./fleet.ts";

/**
 * Tells of a node whose link is lost again and again: once when that begins, and once when it is over, whatever the number
 * of losses in between. Losses of this node's own link say nothing of others.
 *
 *   steady ──more than MOST losses within WINDOW──▶ flapping ──WINDOW without a loss──▶ steady
 */
export interface FlappingOptions {
  readonly clock: Clock;
  /** `same`: what counts as the same alert. */
  readonly report: (code: string, text: string, same: string) => void;
}

const MOST = 5;
const WINDOW = 600_000;
const MINUTES = WINDOW / 60_000;

export class Flapping {
  readonly #options: FlappingOptions;
  /** When the latest losses of each node were, by monotonic time. */
  readonly #lost = new Map<string, number[]>();
  /** Those that flap, each with what ends that. */
  readonly #flapping = new Map<string, Timer>();

  constructor(options: FlappingOptions) {
    this.#options = options;
  }

  /** `own`: it is this node that has no broker. */
  changed({ name, region, from, to, cause }: NodeChange, own: boolean): void {
    if (own || region !== "link" || from !== "online") return;
    const { clock, report } = this.#options;
    const now = clock.monotonic();
    const recent = (this.#lost.get(name) ?? []).filter((at) => now - at < WINDOW);
    this.#lost.set(name, [...recent, now].slice(-(MOST + 1)));
    if (this.#flapping.has(name)) this.#untilCalm(name);
    else if (recent.length >= MOST) {
      this.#untilCalm(name);
      const text = `${name} is ${to} for the ${recent.length + 1}th time within ${MINUTES} minutes: its link flaps (${cause})`;
      report("flapping", text, `flapping ${name}`);
    }
  }

  end(): void {
    for (const timer of this.#flapping.values()) this.#options.clock.clearTimeout(timer);
    this.#flapping.clear();
  }

  #untilCalm(name: string): void {
    const { clock, report } = this.#options;
    clock.clearTimeout(this.#flapping.get(name));
    const timer = clock.setTimeout(() => {
      this.#flapping.delete(name);
      this.#lost.delete(name);
      report("flapping-over", `the link of ${name} was not lost for ${MINUTES} minutes`, `flapping-over ${name}`);
    }, WINDOW);
    this.#flapping.set(name, timer);
  }
}
