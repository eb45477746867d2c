import { closeSync, fstatSync, ftruncateSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { RootDatabase } from "lmdb";

/**
 * Room on the disk for what LMDB is about to write: pages behind the last one that it uses, written with zeros before it
 * gets there. Its native part does not survive a write for which the disk has no room (its heap is damaged), so it must
 * never meet one. Nothing else is done to its file, and nothing while LMDB writes.
 */
export interface Reserve {
  /** @throws the disk's error when it has no room; then everything is as before. */
  ensure(bytes: number): void;
  close(): void;
}

const PAGE = 4096;
/** What is taken at least, so that it is seldom necessary. */
const STEP = 1024 * 1024;
const ZEROS = Buffer.alloc(64 * 1024);

export function openReserve(path: string, env: RootDatabase): Reserve {
  const file = openSync(join(path, "data.mdb"), "r+");
  let open = true;
  return {
    ensure(bytes) {
      const { lastPageNumber = 0 } = env.getStats() as { lastPageNumber?: number };
      const used = (lastPageNumber + 1) * PAGE;
      const { size } = fstatSync(file);
      if (size - used >= bytes) return;
      const end = used + Math.max(bytes, STEP);
      try {
        for (let at = size; at < end; ) at += writeSync(file, ZEROS, 0, Math.min(ZEROS.length, end - at), at);
      } catch (error) {
        ftruncateSync(file, size);
        throw error;
      }
    },
    close() {
      if (open) closeSync(file);
      open = false;
    },
  };
}

/** The most that LMDB writes for so many rows of so many bytes: each may change a leaf, split it, and need pages of its own. */
export function bytesFor(rows: number, bytes: number): number {
  return PAGE * (32 + 4 * rows) + bytes;
}
