import type { Database } from "lmdb";
import type { Rows } from "./rows.ts";
import { type Bounds, compareKeys, type Entry, type Key, within } from "./store.ts";
import type { Written } from "./turn-rows.ts";

interface Stored {
  readonly key: Key;
  readonly value: string;
}

/**
 * The rows of a table in the order of keys: LMDB's rows, overridden by layers of later writes, the latest layer first. Rows may
 * be written and removed during the iteration. Few rows are read besides the yielded ones.
 */
export function* merged(
  stored: Database<string, Key>,
  layers: readonly Rows<Written>[],
  bounds: Bounds,
  read: (key: Key, text: string) => unknown,
): Generator<Entry> {
  const sign = bounds.reverse === true ? -1 : 1;
  const below = storedWithin(stored, bounds);
  let old: Stored | undefined;
  let fresh: Written | undefined;
  let last: Key | undefined;
  let version: number | undefined;
  try {
    for (let left = bounds.limit ?? Number.POSITIVE_INFINITY; left > 0; ) {
      old ??= below.next().value ?? undefined;
      const present = layers.reduce((sum, layer) => sum + layer.version, 0);
      if (present !== version) fresh = freshest(layers, last, bounds);
      version = present;
      const order = old === undefined || fresh === undefined ? undefined : sign * compareKeys(fresh.key, old.key);
      const next = order === undefined ? (fresh ?? old) : order <= 0 ? fresh : old;
      if (next === undefined) return;
      last = next.key;
      let value: unknown;
      if (next === fresh) {
        value = valueIn(fresh);
        version = undefined;
        if (order === 0) old = undefined;
      } else if (old !== undefined) {
        value = read(old.key, old.value);
        old = undefined;
      }
      if (value === undefined) continue;
      left--;
      yield { key: last, value };
    }
  } finally {
    below.return(undefined);
  }
}

/** The value of a row: a fresh copy if the row has its text, otherwise the written value itself. */
export function valueIn(row: Pick<Written, "value" | "text">): unknown {
  return row.value === undefined ? parsed(row.text) : row.value;
}

function parsed(text: string | undefined): unknown {
  return text === undefined ? undefined : JSON.parse(text);
}

/** The next row behind `last`; of two rows with one key, the later one. */
function freshest(layers: readonly Rows<Written>[], last: Key | undefined, bounds: Bounds): Written | undefined {
  const { from, to, reverse = false } = bounds;
  let found: Written | undefined;
  for (const layer of layers) {
    const row = reverse ? layer.previous(last ?? to) : layer.next(last ?? from, last !== undefined);
    if (row === undefined || !within(row.key, bounds)) continue;
    const order = found === undefined ? -1 : compareKeys(row.key, found.key);
    if (reverse && found !== undefined ? order > 0 : order < 0) found = row;
  }
  return found;
}

/** LMDB's rows within the bounds. LMDB's own ranges include the start and exclude the end in both directions. */
function* storedWithin(stored: Database<string, Key>, bounds: Bounds): Generator<Stored, undefined> {
  const { from, to, reverse } = bounds;
  const start = reverse === true ? to : from;
  const end = reverse === true ? undefined : to;
  const range = { ...(start === undefined ? {} : { start }), ...(end === undefined ? {} : { end }) };
  for (const row of stored.getRange(reverse === true ? { ...range, reverse } : range)) {
    if (within(row.key, bounds)) yield row;
    else if (reverse === true && from !== undefined && compareKeys(row.key, from) < 0) return;
  }
}
