import { isUtf8 } from "node:buffer";
import type { Json } from "../message.ts";

/**
 * The one door through which bytes become text. A decoder that puts U+FFFD in the place of what it cannot read makes another
 * command of a command: `rm caf\xe9` would remove another file. So text that is not UTF-8 is refused, with its place.
 */
export type Text = { readonly text: string } | { readonly fault: string };

/** The text of the bytes; a byte order mark stays where it is. */
export function textOf(bytes: Uint8Array): Text {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (isUtf8(buffer)) return { text: buffer.toString("utf8") };
  const bad = firstBad(buffer);
  const before = buffer.toString("utf8", 0, bad);
  const line = before.split("\n").length;
  const column = [...before.slice(before.lastIndexOf("\n") + 1)].length + 1;
  const byte = (buffer[bad] ?? 0).toString(16).padStart(2, "0");
  return { fault: `it is not UTF-8 text: the byte 0x${byte} in line ${line}, column ${column} begins no character` };
}

/** The offset of the first byte that belongs to no character. */
function firstBad(bytes: Buffer): number {
  let at = 0;
  while (at < bytes.length) {
    const lead = bytes[at] ?? 0;
    const length = lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (length > 1 && !isUtf8(bytes.subarray(at, at + length))) return at;
    at += length;
  }
  return at;
}

/**
 * JSON can write half of a surrogate pair (`"\ud800"`), which no UTF-8 can carry: it would arrive as U+FFFD. The words name
 * the first such half; `undefined`: there is none.
 */
export function surrogateFault(text: string): string | undefined {
  if (text.isWellFormed()) return undefined;
  const at = text.search(/\p{Surrogate}/u);
  return `\\u${text.charCodeAt(at).toString(16)} is half of a character, which cannot be sent`;
}

/** The first such fault in any text or key within a value, with its place: `data.argv[1]: …`. */
export function surrogateFaultIn(value: Json, where: string): string | undefined {
  if (typeof value === "string") {
    const fault = surrogateFault(value);
    return fault === undefined ? undefined : `${where}: ${fault}`;
  }
  if (typeof value !== "object" || value === null) return undefined;
  if (isList(value)) {
    for (let i = 0; i < value.length; i++) {
      const fault = surrogateFaultIn(value[i] ?? null, `${where}[${i}]`);
      if (fault !== undefined) return fault;
    }
    return undefined;
  }
  for (const key in value) {
    const fault = surrogateFault(key);
    if (fault !== undefined) return `${where}, a key: ${fault}`;
    const inside = surrogateFaultIn(value[key] ?? null, `${where}.${key}`);
    if (inside !== undefined) return inside;
  }
  return undefined;
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
