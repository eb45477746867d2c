import type { Database } from "lmdb";
import { type Bounds, compareKeys, type Entry, type Key, within } from "./store.ts";

interface Row {
  readonly key: Key;
  /** `undefined`, and no text: removed. */
  readonly value: unknown;
  readonly text: string | undefined;
}

type Rows = ReadonlyMap<string, Row>;

/** The rows of a table in one order: what LMDB has, covered by the layers of later writes, the latest last. */
export function* merged(
  stored: Database<string, Key>,
  layers: readonly (Rows | undefined)[],
  bounds: Bounds,
  read: (key: Key, text: string) => unknown,
): Generator<Entry> {
  const sign = bounds.reverse === true ? -1 : 1;
  const latest = new Map<string, Row>();
  for (const layer of layers) {
    for (const [text, row] of layer ?? []) if (within(row.key, bounds)) latest.set(text, row);
  }
  const fresh = [...latest.values()].sort((a, b) => sign * compareKeys(a.key, b.key));
  let left = bounds.limit ?? Number.POSITIVE_INFINITY;
  let i = 0;
  for (const { key, value } of stored.getRange(lmdbRange(bounds))) {
    if (!within(key, bounds)) {
      if (bounds.reverse === true && bounds.from !== undefined && compareKeys(key, bounds.from) < 0) break;
      continue;
    }
    let replaced = false;
    for (let row = fresh[i]; row !== undefined; row = fresh[++i]) {
      const order = sign * compareKeys(row.key, key);
      if (order > 0) break;
      if (order === 0) replaced = true;
      const fresher = valueIn(row);
      if (fresher === undefined) continue;
      if (left-- <= 0) return;
      yield { key: row.key, value: fresher };
    }
    if (replaced) continue;
    const sound = read(key, value);
    if (sound === undefined) continue;
    if (left-- <= 0) return;
    yield { key, value: sound };
  }
  for (; i < fresh.length; i++) {
    const row = fresh[i];
    const value = row && valueIn(row);
    if (row === undefined || value === undefined) continue;
    if (left-- <= 0) return;
    yield { key: row.key, value };
  }
}

/** A value is given out as its own copy where its text is known. */
export function valueIn(row: Pick<Row, "value" | "text">): unknown {
  return row.value === undefined ? parsed(row.text) : row.value;
}

function parsed(text: string | undefined): unknown {
  return text === undefined ? undefined : JSON.parse(text);
}

/** LMDB's own bounds: it starts inclusive and ends exclusive in both directions; what is too much is cut off above. */
function lmdbRange({ from, to, reverse }: Bounds): { start?: Key; end?: Key; reverse?: boolean } {
  if (reverse === true) return { reverse, ...(to === undefined ? {} : { start: to }) };
  return { ...(from === undefined ? {} : { start: from }), ...(to === undefined ? {} : { end: to }) };
}
