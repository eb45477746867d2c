import type { Clock } from "../../message/clock.ts";
import type { Json } from "../../message/message.ts";

/** A node of which no alert is told until then. */
export interface Mute {
  readonly since: number;
  /** `null`: until it is unmuted. */
  readonly endsAt: number | null;
  readonly by: string;
  readonly note?: string;
}

export interface MuteStore {
  checkpoint(key: string): Json | undefined;
  setCheckpoint(checkpoint: { readonly key: string; readonly value: Json }): void;
}

const KEY = "mutes";

/** The muted nodes, across restarts. */
export class Mutes {
  readonly #journal: MuteStore;
  readonly #clock: Pick<Clock, "now">;
  readonly #mutes = new Map<string, Mute>();

  constructor(journal: MuteStore, clock: Pick<Clock, "now">) {
    this.#journal = journal;
    this.#clock = clock;
    const { nodes = {} } = (journal.checkpoint(KEY) ?? {}) as unknown as { readonly nodes?: Record<string, Mute> };
    for (const [node, mute] of Object.entries(nodes)) this.#mutes.set(node, mute);
  }

  of(node: string): Mute | undefined {
    const mute = this.#mutes.get(node);
    if (mute === undefined || mute.endsAt === null || mute.endsAt > this.#clock.now()) return mute;
    return undefined;
  }

  all(): (readonly [node: string, mute: Mute])[] {
    return [...this.#mutes.keys()].sort().flatMap((node) => {
      const mute = this.of(node);
      return mute === undefined ? [] : [[node, mute] as const];
    });
  }

  mute(nodes: readonly string[], mute: Omit<Mute, "since">): void {
    const since = this.#clock.now();
    for (const node of nodes) this.#mutes.set(node, { since, ...mute });
    this.#store();
  }

  /** Returns the nodes that were muted. */
  unmute(nodes: readonly string[]): string[] {
    const found = nodes.filter((node) => this.of(node) !== undefined);
    for (const node of nodes) this.#mutes.delete(node);
    if (found.length > 0) this.#store();
    return found;
  }

  #store(): void {
    const nodes = Object.fromEntries(this.all()) as unknown as Json;
    this.#journal.setCheckpoint({ key: KEY, value: { v: 1, nodes } });
  }
}
