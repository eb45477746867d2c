import { type LogRecord, MAX_BATCH_BYTES, MAX_BATCH_LINES, MAX_LINE, weightOf } from "../record.ts";
import { cutAt, decode } from "../text.ts";
import type { Encoding } from "./encoding.ts";

/** What one event takes of the bytes of a file. */
export interface Taken {
  readonly records: readonly LogRecord[];
  /** Bytes that these lines, and what is skipped, take up. */
  readonly consumed: number;
  readonly replaced: number;
  /** NUL bytes that were skipped before a line. */
  readonly holes: number;
}

const LF = 10;
const CR = 13;

/**
 * The complete lines at the beginning of `bytes`, as many as fit into one event. A line that is longer than `MAX_LINE` is
 * taken in pieces, so that nothing of it is lost and nothing must be remembered. `last`: what lacks a newline is a line too.
 */
export function takeLines(bytes: Buffer, last: boolean, encoding: Encoding["name"] = "utf-8"): Taken {
  return encoding === "utf-8" ? takeBytes(bytes, last) : takeWide(bytes, last, encoding === "utf-16be");
}

function takeBytes(bytes: Buffer, last: boolean): Taken {
  const records: LogRecord[] = [];
  let consumed = 0;
  let replaced = 0;
  let holes = 0;
  let weight = 0;
  while (records.length < MAX_BATCH_LINES) {
    const start = skipHole(bytes, consumed);
    if (records.length === 0) {
      holes += start - consumed;
      consumed = start;
    }
    const line = nextLine(bytes, start, last);
    if (line === undefined) break;
    const decoded = decode(bytes.subarray(start, line.end));
    const record = { text: decoded.text };
    const more = weightOf(record);
    if (records.length > 0 && weight + more > MAX_BATCH_BYTES) break;
    records.push(record);
    weight += more;
    replaced += decoded.replaced;
    holes += start - consumed;
    consumed = line.next;
  }
  return { records, consumed, replaced, holes };
}

/** Lines of UTF-16, as programs of Windows and Java write them. */
function takeWide(bytes: Buffer, last: boolean, bigEndian: boolean): Taken {
  const even = bytes.subarray(0, bytes.length & ~1);
  const text = (bigEndian ? Buffer.from(even).swap16() : even).toString("utf16le");
  const records: LogRecord[] = [];
  let at = 0;
  let replaced = 0;
  let weight = 0;
  while (records.length < MAX_BATCH_LINES && at < text.length) {
    const newline = text.indexOf("\n", at);
    const end = newline === -1 ? text.length : newline > at && text[newline - 1] === "\r" ? newline - 1 : newline;
    const long = end - at > WIDEST;
    if (newline === -1 && !long && !last) break;
    const piece = long ? at + WIDEST - (isHigh(text.charCodeAt(at + WIDEST - 1)) ? 1 : 0) : end;
    const record = { text: text.slice(at, piece).replaceAll(LONE, "\ufffd") };
    const more = weightOf(record);
    if (records.length > 0 && weight + more > MAX_BATCH_BYTES) break;
    replaced += text.slice(at, piece).match(LONE)?.length ?? 0;
    records.push(record);
    weight += more;
    at = long || newline === -1 ? piece : newline + 1;
  }
  return { records, consumed: 2 * at, replaced, holes: 0 };
}

/** Code units of a line: in UTF-8 each takes at most three bytes. */
const WIDEST = Math.floor(MAX_LINE / 3);
/** Half of a pair that stands alone. */
const LONE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
const isHigh = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff;

function nextLine(bytes: Buffer, start: number, last: boolean): { end: number; next: number } | undefined {
  const newline = bytes.indexOf(LF, start);
  const end = newline === -1 ? bytes.length : newline > start && bytes[newline - 1] === CR ? newline - 1 : newline;
  // One byte more may be the CR of a line that is just long enough.
  if (end - start > MAX_LINE + (newline === -1 && !last ? 1 : 0)) {
    const piece = start + cutAt(bytes.subarray(start, start + MAX_LINE + 1), MAX_LINE);
    return { end: piece, next: piece };
  }
  if (newline !== -1) return { end, next: newline + 1 };
  return last && end > start ? { end, next: end } : undefined;
}

/**
 * A program that keeps writing at its old position after its file was truncated leaves a hole: NUL bytes before its next
 * line. They are nobody's text, and are counted.
 */
function skipHole(bytes: Buffer, start: number): number {
  let at = start;
  while (at < bytes.length && bytes[at] === 0) at++;
  // NULs up to the end may yet be overwritten, unless there are very many.
  return at < bytes.length || at - start > MAX_LINE ? at : start;
}
