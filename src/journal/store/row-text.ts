import { crc32 } from "node:zlib";
import { fromBufferKey, toBufferKey } from "ordered-binary";
import { type Key, keyText, type SetAside, type Table } from "./store.ts";

/**
 * A row as LMDB holds it: JSON, then `#`, the crc32 of the JSON and the crc32 of table and key, eight digits each. The two sums
 * tell damage of the value from damage of the key. Rows of steward 0.1.0 are JSON alone. Damage of a few bits cannot make
 * one kind of row look like the other, for JSON with a sum, or a part of one, behind it is not JSON.
 */
const SUMS = 17;
/** The longest key that LMDB takes, bytes. */
const LONGEST_KEY = 1978;

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

/** The row of the table `aside` that keeps a damaged one; `open`: its consequences have still to be drawn. */
export const asideRow = (row: SetAside, text: string) => ({ v: 1, ...row, text, open: true });

/** The key of these bytes; `undefined`: they are damaged, for LMDB could not find a row of theirs. */
export function keyOf(bytes: Buffer): Key | undefined {
  if (bytes.length === 0 || bytes.length > LONGEST_KEY) return undefined;
  try {
    const key: unknown = fromBufferKey(bytes);
    return isKey(key) && toBufferKey(key).equals(bytes) ? key : undefined;
  } catch {
    return undefined;
  }
}

export const keyBytes = (key: Key): Buffer => toBufferKey(key);

/** The original key of a row whose key has one flipped bit. */
export function ownKey(table: Table, bytes: Buffer, text: string): Key | undefined {
  const wanted = text.slice(-8);
  const other = Buffer.from(bytes);
  for (let bit = 0; bit < 8 * bytes.length; bit++) {
    const at = bit >> 3;
    const was = bytes[at] ?? 0;
    other[at] = was ^ (1 << (bit & 7));
    const key = keyOf(other);
    if (key !== undefined && digits(sumOf(table, key)) === wanted) return key;
    other[at] = was;
  }
  return undefined;
}

function isKey(key: unknown): key is Key {
  const isPart = (part: unknown): boolean =>
    typeof part === "string" || (typeof part === "number" && !Number.isNaN(part));
  return Array.isArray(key) ? key.every(isPart) : isPart(key);
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
