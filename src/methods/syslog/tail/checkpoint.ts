import type { Json } from "../../../message/message.ts";
import { keyOf, type Position } from "./log-file.ts";

/** A file that was read to its end, and is remembered so that no other name makes it new. */
export type Known = Position & {
  /** True: the file was followed itself, so its name shows how this log is rotated. */
  readonly ours?: true;
  /** True: the file was a copy of the beginning of the log. If the log is emptied, unread lines are in this copy. */
  readonly copy?: true;
};

/** The checkpoint of a followed log. */
export interface Remembered {
  /** Files that are not read to their end, oldest first. */
  readonly files: readonly Position[];
  readonly known: readonly Known[];
  /** Files last changed at this time, ns, or before are known as well; their records were dropped for lack of room. */
  readonly forgotten: bigint;
  /** Wall clock at the writing of this checkpoint, ms. */
  readonly at: number;
}

/** Most records of known files. */
const MOST = 200;

export function toCheckpoint({ files, known, forgotten, at }: Remembered): Json {
  const copy = (position: Position): Json => ({ ...position });
  return { files: files.map(copy), known: known.map(copy), forgotten: `${forgotten}`, at };
}

export function parseCheckpoint(checkpoint: Json | undefined): Remembered | undefined {
  if (typeof checkpoint !== "object" || checkpoint === null || Array.isArray(checkpoint)) return undefined;
  const { files, known, forgotten, at } = checkpoint as Readonly<Record<string, Json>>;
  if (!Array.isArray(files) || !files.every(isPosition) || !Array.isArray(known) || !known.every(isPosition)) {
    return undefined;
  }
  if (typeof forgotten !== "string" || !/^\d+$/.test(forgotten) || typeof at !== "number") return undefined;
  return { files, known, forgotten: BigInt(forgotten), at };
}

function isPosition(value: unknown): value is Position {
  if (typeof value !== "object" || value === null) return false;
  const { dev, ino, name, offset, print, size, mtime, parts = 0 } = value as Record<string, unknown>;
  const numbers = [offset, size, parts].every((n) => Number.isSafeInteger(n) && Number(n) >= 0);
  const words = [dev, ino, name, print].every((word) => typeof word === "string");
  return numbers && words && typeof mtime === "string" && /^\d*$/.test(mtime);
}

/** The youngest known files, `MOST` at most, and the time of the last change among the dropped ones. */
export function bounded(known: readonly Known[], forgotten: bigint): { known: readonly Known[]; forgotten: bigint } {
  if (known.length <= MOST) return { known, forgotten };
  const oldest = [...known].sort((a, b) => (BigInt(a.mtime) < BigInt(b.mtime) ? -1 : 1)).slice(0, known.length - MOST);
  const gone = new Set(oldest.map(keyOf));
  const latest = oldest.reduce((time, { mtime }) => (BigInt(mtime) > time ? BigInt(mtime) : time), forgotten);
  return { known: known.filter((one) => !gone.has(keyOf(one))), forgotten: latest };
}
