import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * The mark is a file beside the log from an orderly end to the next start, with the last segment, whose rows are all in LMDB.
 * With the mark, log files may be missing or truncated without a loss; without it they must be complete.
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
    // Without the mark, on a full disk, the next start insists on complete log files.
  }
}
