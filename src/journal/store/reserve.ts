import { closeSync, fstatSync, ftruncateSync, openSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { RootDatabase } from "lmdb";

const PAGE = 4096;
/** What is taken at least, so that it is seldom necessary. */
const STEP = 1024 * 1024;
const ZEROS = Buffer.alloc(64 * 1024);

/**
 * Makes sure that the disk has room for what LMDB is about to write: pages behind the last one that it uses, written with
 * zeros before it gets there. Its native part does not survive a write for which the disk has no room (its heap is
 * damaged), so it must never meet one. Nothing else is done to its file, and nothing while LMDB writes.
 *
 * @throws the disk's error when it has no room; then everything is as before
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

/** The most that LMDB writes for so many rows of so many bytes: each may change a leaf, split it, and need pages of its own. */
export function bytesFor(rows: number, bytes: number): number {
  return PAGE * (32 + 4 * rows) + bytes;
}
