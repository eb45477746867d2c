import { type LogRecord, MAX_BATCH_BYTES, MAX_BATCH_LINES, Parts, weightOf } from "../record.ts";
import { cutAt, decode } from "../text.ts";
import type { Encoding } from "./encoding.ts";

/** The lines of one event, and the bytes of the file that they take up. */
export interface Taken {
  readonly records: readonly LogRecord[];
  /** Bytes of these lines and of skipped NUL bytes. */
  readonly consumed: number;
  readonly replaced: number;
  /** NUL bytes that were skipped before a line. */
  readonly holes: number;
  /** Parts taken so far of the line in whose middle the consumed bytes end; 0: they end between lines. */
  readonly parts: number;
}

export interface Taking {
  /** True: the rest without a newline counts as a line. */
  readonly last: boolean;
  readonly encoding: Encoding["name"];
  /** Bytes of the longest line that is not divided. */
  readonly limit: number;
  /** Parts taken before of the line in whose middle the bytes begin; 0: they begin with a line. */
  readonly parts: number;
}

const LF = 10;
const CR = 13;

/** The complete lines at the beginning of `bytes`, as many as fit into one event. A line beyond the limit is taken in parts. */
export function takeLines(bytes: Buffer, taking: Taking): Taken {
  return taking.encoding === "utf-8" ? takeBytes(bytes, taking) : takeWide(bytes, taking);
}

function takeBytes(bytes: Buffer, { last, limit, parts: begun }: Taking): Taken {
  const records: LogRecord[] = [];
  const parts = new Parts(begun);
  let consumed = 0;
  let replaced = 0;
  let holes = 0;
  let weight = 0;
  while (records.length < MAX_BATCH_LINES) {
    const start = parts.made > 0 ? consumed : skipHole(bytes, consumed, limit);
    if (records.length === 0) {
      holes += start - consumed;
      consumed = start;
    }
    const line = nextLine(bytes, start, last, limit);
    if (line === undefined) break;
    const decoded = decode(bytes.subarray(start, line.end));
    const more = weightOf({ text: decoded.text });
    if (records.length > 0 && weight + more > MAX_BATCH_BYTES) break;
    records.push(parts.next({ text: decoded.text }, line.more));
    weight += more;
    replaced += decoded.replaced;
    holes += start - consumed;
    consumed = line.next;
  }
  return { records, consumed, replaced, holes, parts: parts.made };
}

/** Lines of UTF-16, as programs of Windows and Java write them. */
function takeWide(bytes: Buffer, { last, limit, encoding, parts: begun }: Taking): Taken {
  const even = bytes.subarray(0, bytes.length & ~1);
  const text = (encoding === "utf-16be" ? Buffer.from(even).swap16() : even).toString("utf16le");
  const records: LogRecord[] = [];
  const parts = new Parts(begun);
  // In UTF-8 a code unit takes at most three bytes.
  const widest = Math.floor(limit / 3);
  let at = 0;
  let replaced = 0;
  let weight = 0;
  while (records.length < MAX_BATCH_LINES && at < text.length) {
    const newline = text.indexOf("\n", at);
    const end = newline === -1 ? text.length : newline > at && text[newline - 1] === "\r" ? newline - 1 : newline;
    const long = end - at > widest + (newline === -1 && !last ? 1 : 0);
    if (newline === -1 && !long && !last) break;
    const piece = long ? at + widest - (isHigh(text.charCodeAt(at + widest - 1)) ? 1 : 0) : end;
    const line = text.slice(at, piece).replaceAll(LONE, "\ufffd");
    const more = weightOf({ text: line });
    if (records.length > 0 && weight + more > MAX_BATCH_BYTES) break;
    replaced += text.slice(at, piece).match(LONE)?.length ?? 0;
    records.push(parts.next({ text: line }, long));
    weight += more;
    at = long || newline === -1 ? piece : newline + 1;
  }
  return { records, consumed: 2 * at, replaced, holes: 0, parts: parts.made };
}

/** A surrogate without its other half. */
const LONE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
const isHigh = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff;

function nextLine(
  bytes: Buffer,
  start: number,
  last: boolean,
  limit: number,
): { end: number; next: number; more: boolean } | undefined {
  const newline = bytes.indexOf(LF, start);
  const end = newline === -1 ? bytes.length : newline > start && bytes[newline - 1] === CR ? newline - 1 : newline;
  // One byte beyond the limit may be the CR of a line that is just short enough.
  if (end - start > limit + (newline === -1 && !last ? 1 : 0)) {
    const piece = start + cutAt(bytes.subarray(start, start + limit + 1), limit);
    return { end: piece, next: piece, more: true };
  }
  if (newline !== -1) return { end, next: newline + 1, more: false };
  return last && end > start ? { end, next: end, more: false } : undefined;
}

/**
 * Skips a hole: the NUL bytes that a program leaves before its next line when it keeps writing at its old position after its
 * file was truncated. Skipped bytes are counted as lost.
 */
function skipHole(bytes: Buffer, start: number, limit: number): number {
  let at = start;
  while (at < bytes.length && bytes[at] === 0) at++;
  // NUL bytes up to the end may yet be overwritten, unless there are very many.
  return at < bytes.length || at - start > limit ? at : start;
}
