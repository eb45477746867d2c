import type { NodeHold, NodeHoldRecord } from "../../message/care/node-hold.ts";
import type { Clock } from "../../message/clock.ts";
import type { Json } from "../../message/message.ts";

/** A node of which no alert is told until then. */
export type Mute = NodeHold;

export interface MuteStore {
  checkpoints(prefix: string): Iterable<{ readonly key: string; readonly value: Json }>;
  setCheckpoint(checkpoint: { readonly key: string; readonly value: Json }): void;
  dropCheckpoint(key: string): void;
}

/** A row for each node. */
const KEY = "mute ";

/** The muted nodes, across restarts. */
export class Mutes {
  readonly #journal: MuteStore;
  readonly #clock: Pick<Clock, "now">;
  readonly #mutes = new Map<string, Mute>();

  constructor(journal: MuteStore, clock: Pick<Clock, "now">) {
    this.#journal = journal;
    this.#clock = clock;
    for (const { key, value } of journal.checkpoints(KEY)) {
      const { v: _v, ...mute } = value as unknown as NodeHoldRecord;
      this.#mutes.set(key.slice(KEY.length), mute);
    }
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
    for (const node of nodes) {
      this.#mutes.set(node, { since, ...mute });
      const value: NodeHoldRecord = { v: 1, since, ...mute };
      this.#journal.setCheckpoint({ key: `${KEY}${node}`, value: value as unknown as Json });
    }
    this.#dropOver();
  }

  /** Returns the nodes that were muted. */
  unmute(nodes: readonly string[]): string[] {
    const found = nodes.filter((node) => this.of(node) !== undefined);
    for (const node of nodes) this.#drop(node);
    return found;
  }

  /** Mutes that have ended by themselves are forgotten with the next change. */
  #dropOver(): void {
    for (const node of [...this.#mutes.keys()]) if (this.of(node) === undefined) this.#drop(node);
  }

  #drop(node: string): void {
    if (this.#mutes.delete(node)) this.#journal.dropCheckpoint(`${KEY}${node}`);
  }
}
