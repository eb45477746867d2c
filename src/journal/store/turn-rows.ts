import { StewardError } from "../../message/errors.ts";
import { Rows } from "./rows.ts";
import { type Key, TABLES, type Table } from "./store.ts";

/** A row that was written and is not in LMDB yet. */
export interface Written {
  readonly key: Key;
  /** `undefined` with a `text`: see there; without: the row was removed. */
  value: unknown;
  /** True: the key was never in LMDB, so a removal before the move leaves nothing to do. */
  readonly fresh: boolean;
  /** The turn that wrote it, and its place in that turn's record. */
  readonly turn: number;
  readonly place: number;
  /** The value as JSON, which replaces `value` at the end of the turn; the log and LMDB get the same text. */
  text: string | undefined;
}

export type Memory = ReadonlyMap<Table, Rows<Written>>;

/** A row of a turn's record. */
export interface Operation {
  readonly table: Table;
  readonly row: Written;
}
/** An operation as the log holds it; without a value the row was removed. */
export type Logged = [table: number, key: Key, value?: unknown];

/** The log's numbers of the tables. */
const NUMBER = Object.fromEntries(TABLES.map((table, number) => [table, number])) as Record<Table, number>;

/**
 * A turn as one record of the log, in pieces, so that the long texts of rows are copied only once. `undefined`: a row that
 * came and went within the turn.
 */
export function recordOf(operations: readonly (Operation | undefined)[]): string[] {
  const pieces: string[] = [];
  for (const operation of operations) {
    if (operation === undefined) continue;
    const { table, row } = operation;
    const head = `${pieces.length === 0 ? "[[" : ",["}${NUMBER[table]},${JSON.stringify(row.key)}`;
    const json = textOf(row);
    if (json === undefined) pieces.push(`${head}]`);
    else pieces.push(`${head},`, json, "]");
  }
  pieces.push(pieces.length === 0 ? "[]" : "]");
  return pieces;
}

export function textOf(row: Written): string | undefined {
  if (row.value !== undefined) {
    row.text ??= JSON.stringify(row.value);
    row.value = undefined;
  }
  return row.text;
}

export function emptyMemory(): Memory {
  return new Map(TABLES.map((table) => [table, new Rows<Written>()]));
}

export function tableOf(number: number, path: string): Table {
  const table = TABLES[number];
  if (table === undefined) throw new StewardError("journal-damaged", { path, fault: `its log has a table ${number}` });
  return table;
}
