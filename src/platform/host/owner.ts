import { closeSync, constants, fchownSync, fstatSync, openSync, statSync } from "node:fs";
import { join } from "node:path";

/**
 * The user whose files a program may use in a data directory. The superuser works there in the name of the daemon, which runs
 * as the owner of the directory; anybody else works in his own name. `undefined`: this system has no users.
 */
export function actingUser(directory: string): number | undefined {
  const own = process.getuid?.();
  return own === 0 ? (statSync(directory, { throwIfNoEntry: false })?.uid ?? own) : own;
}

/** Gives to the owner of a directory the files and folders in it that the superuser has made under these names. */
export function giveToOwner(directory: string, names: readonly string[]): void {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = statSync(directory);
  if (uid === 0) return;
  for (const name of names) give(join(directory, name), uid, gid);
}

function give(path: string, uid: number, gid: number): void {
  let file: number;
  try {
    // A link that the owner has put there may lead to a file of somebody else.
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (["ENOENT", "ELOOP"].includes((error as NodeJS.ErrnoException).code ?? "")) return;
    throw error;
  }
  try {
    const found = fstatSync(file);
    // So may a second name of a file.
    if (found.uid === 0 && (found.isDirectory() || found.nlink === 1)) fchownSync(file, uid, gid);
  } finally {
    closeSync(file);
  }
}
