import { closeSync, fstatSync, ftruncateSync, openSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { RootDatabase } from "lmdb";

const PAGE = 4096;
/** Least number of bytes to reserve, so that a reservation is seldom necessary. */
const STEP = 1024 * 1024;
const ZEROS = Buffer.alloc(64 * 1024);

/**
 * Makes sure that the disk has room for LMDB's next write: pages behind the last used one are filled with zeros. LMDB's native
 * part damages its heap when the disk has no room for a write, so such a write must never happen. The file may be extended
 * only while LMDB does not write.
 *
 * @throws the disk's error when it has no room; the file then has its size as before
 */
export function reserve(path: string, env: RootDatabase, bytes: number): void {
  const { lastPageNumber = 0 } = env.getStats() as { lastPageNumber?: number };
  const used = (lastPageNumber + 1) * PAGE;
  const name = join(path, "data.mdb");
  if (statSync(name).size - used < bytes) extend(name, used + Math.max(bytes, STEP));
}

function extend(name: string, end: number): void {
  const file = openSync(name, "r+");
  try {
    const { size } = fstatSync(file);
    try {
      for (let at = size; at < end; ) at += writeSync(file, ZEROS, 0, Math.min(ZEROS.length, end - at), at);
    } catch (error) {
      ftruncateSync(file, size);
      throw error;
    }
  } finally {
    closeSync(file);
  }
}

/** Upper bound of the bytes that LMDB writes for these rows: each may change a leaf, split it, and need pages of its own. */
export function bytesFor(rows: number, bytes: number): number {
  return PAGE * (32 + 4 * rows) + bytes;
}
