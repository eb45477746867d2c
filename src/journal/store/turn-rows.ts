import { StewardError } from "../../message/errors.ts";
import { Rows } from "./rows.ts";
import { type Key, TABLES, type Table } from "./store.ts";

/** Rows that were written and are not in LMDB yet, and how a turn of them is said in the log. */

export interface Written {
  readonly key: Key;
  /** `undefined`, and no text: removed. */
  value: unknown;
  /** The key was never in LMDB: when it goes before it is moved, nothing is left to do. */
  readonly fresh: boolean;
  /** The turn that wrote it, and its place in that turn's record. */
  readonly turn: number;
  readonly place: number;
  /** The value as JSON, from the end of its turn on in its place: the log and LMDB are given the same text. */
  text: string | undefined;
}

export type Memory = ReadonlyMap<Table, Rows<Written>>;

/** A row of a turn's record; without one it came and went within the turn. */
export interface Operation {
  readonly table: Table;
  readonly row: Written;
}
/** The same in the log: without a value the row is removed. */
export type Logged = [table: number, key: Key, value?: unknown];

/** How the log names tables. */
const NUMBER = Object.fromEntries(TABLES.map((table, number) => [table, number])) as Record<Table, number>;

/** A turn as one record of the log, in pieces: the text of a row is as long as all that it holds, and copied once. */
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
