import type { Json } from "../../../message/message.ts";
import { type LogRecord, MAX_BATCH_LINES, parseBatch } from "../record.ts";
import { renderLine } from "./render.ts";

/** Bytes of a batch without lines. */
const FRAME = Buffer.byteLength(JSON.stringify({ lines: [] }));
/** The least text of a piece, bytes, so that splitting makes progress. */
const LEAST = 64;

/** The longest suffix of a part's number. */
const LONGEST_PART = ".999999";

/** A character that JSON writes as one byte. */
const PLAIN = /[ !#-[\]-~]/;

/**
 * Splits a batch of lines into batches of at most `bytes` as JSON. A line that is too large alone is divided into parts, each
 * with the header of the line.
 */
export function splitBatch(data: Json, bytes: number): readonly Json[] {
  const batches: LogRecord[][] = [];
  let batch: LogRecord[] = [];
  let size = FRAME;
  for (const record of parseBatch(data).lines.flatMap((line) => divided(line, bytes - FRAME - 1))) {
    const more = jsonBytes(record) + 1;
    if (batch.length > 0 && (size + more > bytes || batch.length >= MAX_BATCH_LINES)) {
      batches.push(batch);
      batch = [];
      size = FRAME;
    }
    batch.push(record);
    size += more;
  }
  if (batch.length > 0) batches.push(batch);
  return batches.map((lines) => ({ lines }));
}

function divided(record: LogRecord, bytes: number): LogRecord[] {
  if (jsonBytes(record) <= bytes) return [record];
  const { part, more, ...whole } = record;
  const room = bytes - jsonBytes({ ...whole, part: `${part ?? ""}${LONGEST_PART}`, more: true, text: "" });
  // A header that leaves no room for text becomes text itself, as it would be stored.
  if (room < LEAST && record.time !== undefined && Object.keys(whole).length > 2) {
    const text = renderLine(whole).slice(record.time.length + 1);
    const marks = { ...(part === undefined ? {} : { part }), ...(more === undefined ? {} : { more }) };
    return divided({ time: record.time, ...marks, text }, bytes);
  }
  const pieces = textPieces(record.text, Math.max(LEAST, room));
  return pieces.map((text, i) => {
    const no = part === undefined ? `${i + 1}` : `${part}.${i + 1}`;
    const isLast = i === pieces.length - 1;
    return { ...whole, part: no, ...(isLast && more === undefined ? {} : { more: true as const }), text };
  });
}

/** Pieces of a text of at most `bytes` in JSON; no character is torn. */
function textPieces(text: string, bytes: number): string[] {
  const pieces: string[] = [];
  let start = 0;
  let at = 0;
  let size = 0;
  for (const character of text) {
    const more = PLAIN.test(character) ? 1 : jsonBytes(character) - 2;
    if (size + more > bytes && at > start) {
      pieces.push(text.slice(start, at));
      start = at;
      size = 0;
    }
    size += more;
    at += character.length;
  }
  pieces.push(text.slice(start));
  return pieces;
}

function jsonBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}
