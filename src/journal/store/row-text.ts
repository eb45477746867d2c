import { crc32 } from "node:zlib";
import { type Key, keyText, type Table } from "./store.ts";

/**
 * A row as LMDB holds it: JSON, then `#`, the crc32 of the JSON and the crc32 of table and key, eight digits each. The two sums
 * tell damage of the value from damage of the key. Rows of steward 0.1.0 are JSON alone. Damage of a few bits cannot make
 * one kind of row look like the other, for JSON with a sum, or a part of one, behind it is not JSON.
 */
const SUMS = 17;

export interface RowText {
  readonly json: string;
  /** The damage of the row; `undefined`: none. */
  readonly fault: string | undefined;
  /** True: the value is sound, and its key is damaged. */
  readonly strayed?: true;
}

export function rowText(table: Table, key: Key, json: string): string {
  return `${json}#${digits(crc32(json))}${digits(sumOf(table, key))}`;
}

export function readRow(table: Table, key: Key, text: string): RowText {
  const mark = text.length - SUMS;
  if (text[mark] !== "#") {
    const fault = isJson(text) ? undefined : `it is no JSON: ${JSON.stringify(text.slice(0, 60))}`;
    return { json: text, fault };
  }
  const json = text.slice(0, mark);
  if (text.slice(mark + 1, mark + 9) !== digits(crc32(json))) return { json, fault: "its checksum is wrong" };
  if (text.slice(mark + 9) === digits(sumOf(table, key))) return { json, fault: undefined };
  return { json, fault: "its key is not the one that it was written with", strayed: true };
}

/** The original key of a row whose key has one flipped bit. */
export function ownKey(table: Table, key: Key, text: string): Key | undefined {
  const wanted = text.slice(-8);
  for (const candidate of neighbours(key)) if (digits(sumOf(table, candidate)) === wanted) return candidate;
  return undefined;
}

function sumOf(table: Table, key: Key): number {
  return crc32(`${table} ${keyText(key)}`);
}

function digits(sum: number): string {
  return sum.toString(16).padStart(8, "0");
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Keys that differ in one bit. */
function* neighbours(key: Key): Generator<Key> {
  if (typeof key === "string") {
    for (let at = 0; at < key.length; at++)
      for (let bit = 0; bit < 8; bit++) {
        const other = String.fromCharCode(key.charCodeAt(at) ^ (1 << bit));
        yield key.slice(0, at) + other + key.slice(at + 1);
      }
  } else if (typeof key === "number") {
    const bytes = Buffer.alloc(8);
    for (let bit = 0; bit < 64; bit++) {
      bytes.writeDoubleBE(key);
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const other = bytes.readDoubleBE();
      if (Number.isSafeInteger(other)) yield other;
    }
  } else {
    for (const [i, part] of key.entries())
      for (const other of neighbours(part)) yield key.with(i, other as string | number);
  }
}
