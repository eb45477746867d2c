import { crc32 } from "node:zlib";
import { idTime } from "../../message/id.ts";
import { type IdEntry, SPAN } from "../id-rows.ts";
import type { OutBatch } from "../records.ts";
import type { Table } from "../store/store.ts";
import { type Check, type Inspection, type Rows, Unreadable } from "./problems.ts";
import { id as idShape, list, outBatch, sequence, tuple } from "./shapes.ts";

type Place = readonly [lane: number, seq: number];

/**
 * A number and a sum over ids and their places, in any order. Two sets of equal sums are taken to be equal, so that a journal
 * of any size is checked with a few numbers in memory and read again only if they differ.
 */
export class IdSum {
  #total = 0;
  #sum = 0;

  add(id: string, [lane, seq]: Place): void {
    this.#total++;
    const mixed = Math.imul(crc32(id) ^ Math.imul(lane, 0x9e37_79b1), 2 * seq + 1);
    this.#sum = (this.#sum + (Math.imul(mixed ^ (mixed >>> 15), 0x85eb_ca6b) >>> 0)) % 2 ** 48;
  }

  equals(other: IdSum): boolean {
    return this.#total === other.#total && this.#sum === other.#sum;
  }
}

/** Checks rows of many ids each. `visit` returns the fault of one entry. */
export function checkIdRows<V>(
  found: Inspection,
  table: Table,
  value: Check,
  visit: (id: string, value: V) => string | undefined,
): void {
  const shape = list(tuple(idShape, value));
  for (const { key, value: entries } of found.sound<readonly IdEntry<V>[], string>(table, idShape, shape)) {
    let before = "";
    if (entries.length === 0) found.add(table, key, "it is empty", "leftover");
    for (const [id, each] of entries) {
      const fault = visit(id, each);
      if (fault !== undefined) found.add(table, key, `${id}: ${fault}`);
      if (id <= before) found.add(table, key, `${id} comes after ${before}`);
      before = id;
      // The search for an id skips rows that begin after the id, or more than `SPAN` before it.
      if (id < key || idTime(id) - idTime(key) > SPAN) found.add(table, key, `${id} is not looked for in this row`);
    }
  }
}

/** Each kept message has its id, and each id its message. */
export function checkPlaces(found: Inspection, kept: IdSum): void {
  const listed = new IdSum();
  checkIdRows<Place>(found, "ids", tuple(sequence, sequence), (id, place) => {
    listed.add(id, place);
    return undefined;
  });
  if (listed.equals(kept)) return;
  for (const { key, value } of found.rows.range("ids", {})) {
    if (!Array.isArray(value)) continue;
    for (const entry of value as unknown[]) {
      if (tuple(idShape, tuple(sequence, sequence))(entry) !== undefined) continue;
      const [id, place] = entry as IdEntry<Place>;
      const there = idAt(found.rows, place);
      if (there === id) continue;
      const where = `number ${place[1]} of lane ${place[0]}`;
      found.add("ids", key, there === undefined ? `${id}: there is no ${where}` : `${id}: ${where} is ${there}`);
    }
  }
  for (const { key, value } of found.rows.range("out", {})) {
    if (tuple(sequence, sequence)(key) !== undefined || outBatch(value) !== undefined) continue;
    const [lane, first] = key as [number, number];
    const { k, m } = value as OutBatch;
    m.forEach((item, i) => {
      if (k === 0 || item === null) return;
      const place = placeOf(found.rows, item.i);
      if (place?.[0] !== lane || place[1] !== first + i)
        found.add("out", key, `number ${first + i} is not found by its id, ${item.i}`);
    });
  }
}

/** The place of a kept message. */
export function placeOf(rows: Rows, id: string): Place | undefined {
  for (const { key, value } of rows.range("ids", { to: `${id}~`, reverse: true })) {
    if (idTime(String(key)) < idTime(id) - SPAN) return undefined;
    if (!Array.isArray(value)) continue;
    const entry = (value as unknown[]).find((each) => Array.isArray(each) && each[0] === id) as
      | IdEntry<Place>
      | undefined;
    if (entry !== undefined && Array.isArray(entry[1])) return entry[1];
  }
  return undefined;
}

/** The id of the kept message in a place. */
function idAt(rows: Rows, [lane, seq]: Place): string | undefined {
  for (const { key, value } of rows.range("out", { from: [lane, 0], to: [lane, seq + 1], reverse: true, limit: 1 })) {
    if (value instanceof Unreadable || outBatch(value) !== undefined) return undefined;
    return (value as OutBatch).m[seq - (key as [number, number])[1]]?.i;
  }
  return undefined;
}
