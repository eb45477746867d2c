/** A state that lasted: `until` is where the next one began, or the present. `cause`: why it began. */
export interface Stretch {
  readonly state: string;
  readonly from: number;
  readonly until: number;
  readonly cause: string;
  /** How many neighbours that are too short to be seen went into it. */
  readonly merged: number;
}

/** A change of one region of a node. */
export interface Change {
  readonly at: number;
  readonly from: string;
  readonly to: string;
  readonly cause: string;
}

/**
 * The states of one region between two times, oldest first and without a hole: what was before the first change that is
 * known is the state that it left; with no change at all, the present state only from when it is known to be so.
 */
export function stretchesOf(
  changes: readonly Change[],
  present: string,
  since: number,
  begin: number,
  end: number,
): Stretch[] {
  const sorted = changes.filter(({ from, to }) => from !== to).sort((a, b) => a.at - b.at);
  const found: Stretch[] = [];
  const first = sorted[0];
  const add = (state: string, from: number, until: number, cause: string): void => {
    const clipped = { from: Math.max(from, begin), until: Math.min(until, end) };
    if (clipped.until <= clipped.from) return;
    const last = found.at(-1);
    if (last?.state === state) found[found.length - 1] = { ...last, until: clipped.until };
    else found.push({ state, ...clipped, cause, merged: 0 });
  };
  if (first === undefined) {
    add("", begin, since, "");
    add(present, since, end, "");
    return found;
  }
  add(first.from === "" ? "" : first.from, begin, first.at, "");
  for (const [i, change] of sorted.entries()) add(change.to, change.at, sorted[i + 1]?.at ?? end, change.cause);
  return found;
}

/** One state of the history that the daemon keeps: since when, which, and why. */
export type KeptState = readonly [at: number, state: string, cause: string];

/**
 * The states of the kept history between two times, without a hole: before the first one, and while the daemon did not run,
 * nothing is known.
 */
export function stretchesKept(
  kept: readonly KeptState[],
  unknown: readonly (readonly [from: number, until: number])[],
  begin: number,
  end: number,
): Stretch[] {
  const found: Stretch[] = [];
  const add = (state: string, from: number, until: number, cause: string): void => {
    const clipped = { from: Math.max(from, begin), until: Math.min(until, end) };
    if (clipped.until <= clipped.from) return;
    const last = found.at(-1);
    if (last?.state === state && last.until === clipped.from)
      found[found.length - 1] = { ...last, until: clipped.until };
    else found.push({ state, ...clipped, cause, merged: 0 });
  };
  add("", begin, kept[0]?.[0] ?? end, "");
  for (const [i, [at, state, cause]] of kept.entries()) {
    let from = at;
    const until = kept[i + 1]?.[0] ?? end;
    for (const [darkFrom, darkUntil] of unknown) {
      if (darkUntil <= from || darkFrom >= until) continue;
      add(state, from, darkFrom, cause);
      add("", Math.max(from, darkFrom), Math.min(until, darkUntil), "the daemon did not run");
      from = darkUntil;
    }
    add(state, from, until, cause);
  }
  return found;
}

/** Stretches wide enough to be seen: what is shorter than `least` ms goes into its longer neighbour, and is counted there. */
export function legible(stretches: readonly Stretch[], least: number, weight: (state: string) => number): Stretch[] {
  const out: Stretch[] = [];
  let short: Stretch[] = [];
  const flush = (): void => {
    if (short.length === 0) return;
    const [first, last] = [short[0], short.at(-1)];
    if (first === undefined || last === undefined) return;
    // The worst state of a crowd is the one that an eye must not miss.
    const worst = short.reduce((a, b) => (weight(b.state) > weight(a.state) ? b : a));
    out.push({
      ...worst,
      from: first.from,
      until: last.until,
      merged: short.reduce((sum, { merged }) => sum + merged + 1, -1),
    });
    short = [];
  };
  for (const stretch of stretches) {
    if (stretch.until - stretch.from < least) {
      short.push(stretch);
      const [first] = short;
      if (first !== undefined && stretch.until - first.from >= least) flush();
    } else {
      flush();
      out.push(stretch);
    }
  }
  flush();
  return out;
}

/** The share of the time in a state, 0 to 1, of the time of which anything is known. */
export function shareOf(stretches: readonly Stretch[], state: string): number | undefined {
  let known = 0;
  let held = 0;
  for (const stretch of stretches) {
    if (stretch.state === "") continue;
    known += stretch.until - stretch.from;
    if (stretch.state === state) held += stretch.until - stretch.from;
  }
  return known === 0 ? undefined : held / known;
}
