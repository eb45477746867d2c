import type { InLane } from "../records.ts";
import type { Store } from "../store/store.ts";

/**
 * The lanes that this node takes from, by origin, epoch of its journal, and subject. An epoch other than the origin's latest
 * is dead: a replaced journal sends no more, so the numbers of its lanes can be forgotten after a while.
 */
export class InLanes {
  readonly #store: Store;
  readonly #origins = new Map<string, Map<string, Map<string, InLane>>>();
  #size = 0;

  constructor(store: Store) {
    this.#store = store;
    for (const { value } of store.range("sources", {})) this.#hold(value as InLane);
  }

  get(origin: string, epoch: string, subject: string): InLane | undefined {
    return this.#origins.get(origin)?.get(epoch)?.get(subject);
  }

  put(lane: InLane): void {
    this.#hold(lane);
    this.#store.putText("sources", keyOf(lane), textOf(lane));
  }

  /** Number of lanes: of all origins, or of all epochs of one. */
  count(origin?: string): number {
    if (origin === undefined) return this.#size;
    let count = 0;
    for (const lanes of this.#origins.get(origin)?.values() ?? []) count += lanes.size;
    return count;
  }

  /** The epochs that an origin was known by, with the lanes of each. */
  epochs(origin: string): ReadonlyMap<string, ReadonlyMap<string, InLane>> {
    return this.#origins.get(origin) ?? NONE;
  }

  /** Forgets dead epochs of which every lane `isOld` and none is `needed`; stops after the epoch that reaches `limit` lanes. */
  sweep(isOld: (at: number) => boolean, needed: (origin: string, epoch: string) => boolean, limit: number): number {
    let removed = 0;
    for (const [origin, epochs] of this.#origins) {
      if (epochs.size < 2) continue;
      const latest = Math.max(...[...epochs.values()].map(lastHeard));
      for (const [epoch, lanes] of epochs) {
        if (removed >= limit) return removed;
        const at = lastHeard(lanes);
        if (at === latest || !isOld(at) || needed(origin, epoch)) continue;
        for (const lane of lanes.values()) this.#store.remove("sources", keyOf(lane));
        epochs.delete(epoch);
        this.#size -= lanes.size;
        removed += lanes.size;
      }
    }
    return removed;
  }

  #hold(lane: InLane): void {
    const { origin, epoch, subject } = lane;
    const epochs = this.#origins.get(origin) ?? new Map<string, Map<string, InLane>>();
    const lanes = epochs.get(epoch) ?? new Map<string, InLane>();
    if (!lanes.has(subject)) this.#size++;
    this.#origins.set(origin, epochs.set(epoch, lanes.set(subject, lane)));
  }
}

const NONE: ReadonlyMap<string, ReadonlyMap<string, InLane>> = new Map();

/** The time at which the latest of these lanes moved on. */
function lastHeard(lanes: ReadonlyMap<string, InLane>): number {
  let last = Number.NEGATIVE_INFINITY;
  for (const { at } of lanes.values()) last = Math.max(last, at);
  return last;
}

/** The row of a lane, as JSON. The row is written with each frame that is taken: names, subjects and ids need no escapes. */
function textOf({ origin, epoch, subject, last, lastId, verdicts, lost, at }: InLane): string {
  let text = `{"v":1,"origin":"${origin}","epoch":"${epoch}","subject":"${subject}","last":${last}`;
  if (lastId !== undefined) text += `,"lastId":"${lastId}"`;
  text += verdicts.length === 0 ? `,"verdicts":[]` : `,"verdicts":${JSON.stringify(verdicts)}`;
  return `${text}${lost.length === 0 ? `,"lost":[]` : `,"lost":${JSON.stringify(lost)}`},"at":${at}}`;
}

function keyOf({ origin, epoch, subject }: InLane): string {
  return `${origin} ${epoch} ${subject}`;
}
