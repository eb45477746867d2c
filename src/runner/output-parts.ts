import { isUtf8 } from "node:buffer";
import type { OutputPart } from "../message/report.ts";

export type StreamName = OutputPart["stream"];

/** Bytes in one part at most, so that one invalid byte turns no more than this into base64. */
export const PART_BYTES = 32 * 1024;

/** Bytes at the end that begin a UTF-8 character whose other bytes are not there: 0 to 3. */
export function incompleteEnd(bytes: Buffer): number {
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf8 ? 1 : byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? back : 0;
  }
  return 0;
}

/** Bytes at the beginning that continue a UTF-8 character whose first byte is not there: 0 to 3. */
export function incompleteBeginning(bytes: Buffer): number {
  let count = 0;
  while (count < 3 && count < bytes.length && ((bytes[count] ?? 0) & 0xc0) === 0x80) count++;
  return count;
}

/** Text where it is valid UTF-8, else base64; no part ends inside a character unless the bytes do. */
export function toParts(stream: StreamName, offset: number, bytes: Buffer, most = PART_BYTES): OutputPart[] {
  const parts: OutputPart[] = [];
  let from = 0;
  while (from < bytes.length) {
    let piece = bytes.subarray(from, from + most);
    if (from + piece.length < bytes.length) piece = piece.subarray(0, piece.length - incompleteEnd(piece));
    const at = { stream, offset: offset + from };
    parts.push(
      isUtf8(piece)
        ? { ...at, text: piece.toString("utf8") }
        : { ...at, text: piece.toString("base64"), encoding: "base64" },
    );
    from += piece.length;
  }
  return parts;
}

export function partBytes(part: OutputPart): Buffer {
  return Buffer.from(part.text, part.encoding ?? "utf8");
}

/** Where each stream's output ends that a listener has had. */
export type Carried = Record<StreamName, number>;

export function carry(carried: Carried, parts: readonly OutputPart[]): void {
  for (const part of parts) {
    const length = part.encoding === undefined ? Buffer.byteLength(part.text) : partBytes(part).length;
    carried[part.stream] = Math.max(carried[part.stream], part.offset + length);
  }
}

/** The parts that lie beyond the carried output. */
export function beyond(carried: Carried, parts: readonly OutputPart[]): OutputPart[] {
  return parts.flatMap((part) => {
    const had = carried[part.stream] - part.offset;
    if (had <= 0) return [part];
    return toParts(part.stream, part.offset + had, partBytes(part).subarray(had));
  });
}
