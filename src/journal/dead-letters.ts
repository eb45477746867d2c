import type { DeadRecord } from "./records.ts";
import type { Store } from "./store/store.ts";

/** Bounds of the dead letters, beyond which the oldest are dropped. */
export interface DeadBounds {
  /** True for a letter that was put aside at this time, ms, and has reached its age. */
  readonly isOld: (at: number) => boolean;
  readonly count: number;
  readonly bytes: number;
}

/**
 * Messages that could not be handled here, and messages of this node that their receiver refused, each kept whole until an
 * operator deals with it. The number of letters and their bytes are held in memory.
 */
export class DeadLetters {
  readonly #store: Store;
  /** By id, the oldest first. */
  readonly #held = new Map<string, { readonly at: number; readonly bytes: number }>();
  #bytes = 0;

  constructor(store: Store) {
    this.#store = store;
    const stored = this.all().sort((a, b) => a.at - b.at);
    for (const dead of stored) this.#hold(dead);
  }

  /** The number of letters. */
  get count(): number {
    return this.#held.size;
  }

  get(id: string): DeadRecord | undefined {
    return this.#store.get("dead", id) as DeadRecord | undefined;
  }

  /** Letters in the order of their ids: those behind `after`, at most `limit`. */
  all(limit?: number, after?: string): DeadRecord[] {
    const bounds = {
      ...(after === undefined ? {} : { from: `${after} ` }),
      ...(limit === undefined ? {} : { limit }),
    };
    return [...this.#store.range("dead", bounds)].map(({ value }) => value as DeadRecord);
  }

  add(dead: DeadRecord): void {
    this.#release(dead.message.id);
    this.#store.put("dead", dead.message.id, dead);
    this.#hold(dead);
  }

  remove(id: string): DeadRecord | undefined {
    const dead = this.get(id);
    if (dead === undefined) return undefined;
    this.#store.remove("dead", id);
    this.#release(id);
    return dead;
  }

  /** Drops letters until the bounds are kept, the oldest first; at most `limit`. */
  sweep({ isOld, count, bytes }: DeadBounds, limit: number): DeadRecord[] {
    const dropped: DeadRecord[] = [];
    for (const [id, { at }] of this.#held) {
      const crowded = this.#held.size > count || this.#bytes > bytes;
      if (dropped.length >= limit || !(crowded || isOld(at))) break;
      const dead = this.remove(id);
      if (dead !== undefined) dropped.push(dead);
    }
    return dropped;
  }

  #hold(dead: DeadRecord): void {
    const bytes = Buffer.byteLength(JSON.stringify(dead));
    this.#held.set(dead.message.id, { at: dead.at, bytes });
    this.#bytes += bytes;
  }

  #release(id: string): void {
    this.#bytes -= this.#held.get(id)?.bytes ?? 0;
    this.#held.delete(id);
  }
}
