import { type Database, open, type RootDatabase } from "lmdb";
import { faultText, StewardError } from "../../message/errors.ts";
import { type Bounds, compareKeys, type Entry, type Key, keyText, type Store, TABLES, type Table, within } from "./store.ts";

/** One turn's writes, until LMDB has committed them. */
interface Turn {
  readonly keys: [Table, string][];
}

interface Uncommitted {
  readonly key: Key;
  /** `undefined`: removed. */
  readonly value: unknown;
  readonly turn: Turn;
}

/**
 * The store on LMDB. LMDB shows a write only after its commit, a fraction of a millisecond later; until then reads find
 * it in an overlay, so that decisions of one turn build on each other. Commits group by turn of the event loop.
 */
export function openLmdbStore(path: string): Store {
  let env: RootDatabase;
  try {
    env = open({ path, maxDbs: TABLES.length + 2, encoding: "msgpack", noMemInit: true, overlappingSync: false });
  } catch (error) {
    throw new StewardError("data-directory", { path, fault: faultText(error) }, { cause: error });
  }
  const tables = new Map<Table, Database<unknown, Key>>();
  const overlay = new Map<Table, Map<string, Uncommitted>>();
  for (const table of TABLES) {
    tables.set(table, env.openDB<unknown, Key>({ name: table }));
    overlay.set(table, new Map());
  }
  let turn: Turn | undefined;
  let failure: unknown;

  const database = (table: Table): Database<unknown, Key> => tables.get(table) as Database<unknown, Key>;
  const pending = (table: Table): Map<string, Uncommitted> => overlay.get(table) as Map<string, Uncommitted>;
  const note = (error: unknown): void => {
    failure ??= error;
  };
  const remember = (table: Table, key: Key, value: unknown): void => {
    if (turn === undefined) {
      const opened: Turn = { keys: [] };
      turn = opened;
      setImmediate(() => {
        if (turn === opened) turn = undefined;
        env.committed.then(() => forget(opened), note);
      });
    }
    const text = keyText(key);
    turn.keys.push([table, text]);
    pending(table).set(text, { key, value, turn });
  };
  const forget = (committed: Turn): void => {
    for (const [table, text] of committed.keys) {
      if (pending(table).get(text)?.turn === committed) pending(table).delete(text);
    }
  };

  return {
    get(table, key) {
      const written = pending(table).get(keyText(key));
      return written === undefined ? database(table).get(key as Key) : written.value;
    },
    put(table, key, value) {
      remember(table, key, value);
      database(table).put(key, value).catch(note);
    },
    remove(table, key) {
      remember(table, key, undefined);
      database(table).remove(key).catch(note);
    },
    range(table, bounds) {
      return merge(database(table).getRange(lmdbRange(bounds)) as Iterable<Entry>, [...pending(table).values()], bounds);
    },
    async flushed() {
      if (failure === undefined) {
        try {
          await env.flushed;
        } catch (error) {
          note(error);
        }
      }
      if (failure !== undefined) throw new StewardError("journal-failed", { path, fault: faultText(failure) }, { cause: failure });
    },
    bytes() {
      let pages = 0;
      let size = 4096;
      for (const db of tables.values()) {
        const stats = db.getStats() as Record<string, number>;
        size = stats.pageSize ?? size;
        pages += (stats.treeBranchPageCount ?? 0) + (stats.treeLeafPageCount ?? 0) + (stats.overflowPages ?? 0);
      }
      return pages * size;
    },
    async close() {
      await env.flushed;
      await env.close();
    },
  };
}

/** LMDB's own bounds: it starts inclusive and ends exclusive in both directions; `merge` cuts off what is too much. */
function lmdbRange({ from, to, reverse }: Bounds): { start?: Key; end?: Key; reverse?: boolean } {
  if (reverse === true) return { reverse, ...(to === undefined ? {} : { start: to }) };
  return { ...(from === undefined ? {} : { start: from }), ...(to === undefined ? {} : { end: to }) };
}

/** What is stored and what is not yet committed, in one order. */
function* merge(stored: Iterable<Entry>, written: Uncommitted[], bounds: Bounds): Generator<Entry> {
  const sign = bounds.reverse === true ? -1 : 1;
  const fresh = written.filter((w) => within(w.key, bounds)).sort((a, b) => sign * compareKeys(a.key, b.key));
  let left = bounds.limit ?? Number.POSITIVE_INFINITY;
  let i = 0;
  for (const entry of stored) {
    if (!within(entry.key, bounds)) {
      if (bounds.reverse === true && bounds.from !== undefined && compareKeys(entry.key, bounds.from) < 0) break;
      continue;
    }
    let replaced = false;
    for (let w = fresh[i]; w !== undefined; w = fresh[++i]) {
      const order = sign * compareKeys(w.key, entry.key);
      if (order > 0) break;
      if (order === 0) replaced = true;
      if (w.value === undefined) continue;
      if (left-- <= 0) return;
      yield w;
    }
    if (replaced) continue;
    if (left-- <= 0) return;
    yield entry;
  }
  for (; i < fresh.length; i++) {
    const w = fresh[i];
    if (w === undefined || w.value === undefined) continue;
    if (left-- <= 0) return;
    yield w;
  }
}
