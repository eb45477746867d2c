import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * A file that lies beside the log from an orderly end to the next start: it says up to which segment all is in LMDB. With it
 * the files of the log may be missing or cut off without a loss; without it they must be whole.
 */
const MARK = "closed";

export function isClosed(path: string, released: number | undefined): boolean {
  try {
    return released !== undefined && readFileSync(join(path, MARK), "utf8") === String(released);
  } catch {
    return false;
  }
}

/** From now on the log holds what is nowhere else. Returns whether it is forgotten. */
export function forgetClosed(path: string): boolean {
  try {
    rmSync(join(path, MARK), { force: true });
    return true;
  } catch {
    return false;
  }
}

export function markClosed(path: string, released: number): void {
  try {
    writeFileSync(join(path, MARK), String(released), { mode: 0o600 });
  } catch {
    // A full disk: the next start takes the log at its word.
  }
}
