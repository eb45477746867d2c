import type { Database, RootDatabase } from "lmdb";
import { bytesFor, reserve } from "./reserve.ts";
import { readRow, rowText } from "./row-text.ts";
import type { Key, Table } from "./store.ts";
import { type Memory, textOf } from "./turn-rows.ts";
import type { Rotated } from "./write-ahead-log.ts";

/** The way of rows from memory to LMDB. */

/** The last segment of the log that LMDB holds in full. */
const RELEASED = "released segment";
/** The segment that goes on from there: its header was on the disk before this was written. */
const BEGUN = "begun segment";
/** How many files the log has. */
const FILES = "log files";

/** Rows moved in one turn of the event loop. */
const MOVED_AT_ONCE = 250;

/** `undefined`: nobody knows; the mark is missing, or its checksum fails. */
export const releasedSegment = (env: RootDatabase): number | undefined => numberAt(env, RELEASED);

/** `undefined`: no segment was begun before the mark moved on, or an earlier version moved it. */
export const begunSegment = (env: RootDatabase): number | undefined => numberAt(env, BEGUN);

export const logFiles = (env: RootDatabase): number => numberAt(env, FILES) ?? 0;

function numberAt(env: RootDatabase, name: string): number | undefined {
  const { json, fault } = readRow("meta", name, String(env.get(name) ?? ""));
  return fault === undefined && /^\d+$/.test(json) ? Number(json) : undefined;
}

/**
 * Resolves when all of it is committed and synced, with the mark that the log up to `complete` is no longer needed: the mark
 * goes with the last rows, in one transaction, once all before them are committed. After a rejection all may be tried again.
 */
export async function bring(
  rowsOf: Memory,
  { complete, begun, files }: Rotated & { readonly files: number },
  env: RootDatabase,
  tables: ReadonlyMap<Table, Database<string, Key>>,
  path: string,
): Promise<void> {
  const all = [...rowsOf].flatMap(([table, rows]) => Array.from(rows.all(), (row) => ({ table, row })));
  for (let from = 0; ; from += MOVED_AT_ONCE) {
    const some = all.slice(from, from + MOVED_AT_ONCE);
    const bytes = some.reduce((sum, { row }) => sum + Buffer.byteLength(textOf(row) ?? "") + 17, 0);
    reserve(path, env, bytesFor(some.length, bytes));
    const promises = some.map(({ table, row }) => {
      const database = tables.get(table) as Database<string, Key>;
      const text = textOf(row);
      return guarded(
        text === undefined ? database.remove(row.key) : database.put(row.key, rowText(table, row.key, text)),
      );
    });
    const last = from + MOVED_AT_ONCE >= all.length;
    const mark = (name: string, number: number): void =>
      void promises.push(guarded(env.put(name, rowText("meta", name, String(number)))));
    if (last) mark(RELEASED, complete);
    if (last && begun !== undefined) mark(BEGUN, begun);
    if (last && files !== logFiles(env)) mark(FILES, files);
    await committed(promises, env);
    if (last) return;
  }
}

/** LMDB begins to write at the end of the turn and then makes a promise of its own, whose rejection must be handled too. */
async function committed(promises: readonly Promise<unknown>[], env: RootDatabase): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve));
  env.committed.then(
    () => undefined,
    () => undefined,
  );
  await Promise.all(promises);
}

/** LMDB rejects each write of a failed transaction. One rejection is handled; the others must not count as unhandled. */
function guarded(written: Promise<unknown>): Promise<unknown> {
  written.catch(() => undefined);
  return written;
}

/** LMDB puts the cause of a failed commit in a second promise, `error.commitError`. */
export async function causeOf(error: unknown): Promise<unknown> {
  const { commitError } = error as { commitError?: Promise<never> };
  if (commitError === undefined) return error;
  const late = new Promise((resolve) => setImmediate(resolve, error));
  return await Promise.race([commitError.catch((cause: unknown) => cause), late]);
}
