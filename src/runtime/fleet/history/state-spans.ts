import type { HistoryEntry } from "../../../journal/records.ts";

type Span = readonly [at: number, state: string, cause: string];

/** The states of each region of each node, in the order in which they began; equal neighbours are one. */
export class StateSpans {
  readonly #nodes = new Map<string, Map<string, Span[]>>();
  /** Sorted, made anew after a node has come or gone. */
  #names: string[] | undefined;

  add([at, node, region, state, cause]: HistoryEntry): void {
    let regions = this.#nodes.get(node);
    if (regions === undefined) {
      regions = new Map();
      this.#nodes.set(node, regions);
      this.#names = undefined;
    }
    const spans = regions.get(region);
    if (spans === undefined) regions.set(region, [[at, state, cause]]);
    else if (spans.at(-1)?.[1] !== state) spans.push([at, state, cause]);
  }

  last(node: string, region: string): string | undefined {
    return this.#nodes.get(node)?.get(region)?.at(-1)?.[1];
  }

  /** The time of the first span of a node; `undefined`: nothing is known of it. */
  first(node: string): number | undefined {
    const begun = [...(this.#nodes.get(node)?.values() ?? [])].flatMap(([first]) => first?.[0] ?? []);
    return begun.length === 0 ? undefined : Math.min(...begun);
  }

  /** Names in order, after one of them, at most so many. */
  names(after: string | undefined, limit: number): readonly string[] {
    this.#names ??= [...this.#nodes.keys()].sort();
    const names =
      after === undefined ? this.#names : this.#names.slice(firstAfter(this.#names, (name) => name > after));
    return names.slice(0, limit);
  }

  /** By region the spans that reach into a time. */
  of(node: string, since: number, until: number, only?: string): Record<string, readonly Span[]> {
    const regions = [...(this.#nodes.get(node) ?? [])].filter(([region]) => only === undefined || region === only);
    return Object.fromEntries(
      regions.map(([region, spans]) => {
        const first = firstAfter(spans, ([at]) => at > since);
        return [
          region,
          spans.slice(
            Math.max(0, first - 1),
            firstAfter(spans, ([at]) => at >= until),
          ),
        ];
      }),
    );
  }

  /**
   * Lets go of the oldest span of a region. "last": it is the state that still holds, and stays; with a node that is not
   * known any more it goes too.
   */
  drop([at, node, region]: HistoryEntry, isKnown: boolean): "gone" | "last" {
    const regions = this.#nodes.get(node);
    const spans = regions?.get(region);
    if (regions === undefined || spans === undefined || spans[0]?.[0] !== at) return "gone";
    if (spans.length > 1) {
      spans.shift();
      return "gone";
    }
    if (isKnown) return "last";
    regions.delete(region);
    if (regions.size === 0) {
      this.#nodes.delete(node);
      this.#names = undefined;
    }
    return "gone";
  }
}

/** The place of the first element for which `is` holds; all before it do not. */
function firstAfter<T>(sorted: readonly T[], is: (element: T) => boolean): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const element = sorted[middle];
    if (element !== undefined && is(element)) high = middle;
    else low = middle + 1;
  }
  return low;
}
