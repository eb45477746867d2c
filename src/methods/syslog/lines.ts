import { type LogRecord, MAX_BATCH_BYTES, MAX_BATCH_LINES, MAX_LINE, weightOf } from "./record.ts";
import { cutAt, decode } from "./text.ts";

/** What one event takes of the bytes of a file. */
export interface Taken {
  readonly records: readonly LogRecord[];
  /** Bytes that these lines, and what is skipped, take up. */
  readonly consumed: number;
  readonly replaced: number;
}

const LF = 10;
const CR = 13;

/**
 * The complete lines at the beginning of `bytes`, as many as fit into one event. A line that is longer than `MAX_LINE` is
 * taken in pieces, so that nothing of it is lost and nothing must be remembered. `last`: what lacks a newline is a line too.
 */
export function takeLines(bytes: Buffer, last: boolean): Taken {
  const records: LogRecord[] = [];
  let consumed = 0;
  let replaced = 0;
  let weight = 0;
  while (records.length < MAX_BATCH_LINES) {
    const start = skipHole(bytes, consumed);
    if (records.length === 0) consumed = start;
    const line = nextLine(bytes, start, last);
    if (line === undefined) break;
    const decoded = decode(bytes.subarray(start, line.end));
    const record = { text: decoded.text };
    const more = weightOf(record);
    if (records.length > 0 && weight + more > MAX_BATCH_BYTES) break;
    records.push(record);
    weight += more;
    replaced += decoded.replaced;
    consumed = line.next;
  }
  return { records, consumed, replaced };
}

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
 * line. They are nobody's text.
 */
function skipHole(bytes: Buffer, start: number): number {
  let at = start;
  while (at < bytes.length && bytes[at] === 0) at++;
  // NULs up to the end may yet be overwritten, unless there are very many.
  return at < bytes.length || at - start > MAX_LINE ? at : start;
}
