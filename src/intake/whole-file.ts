import { createHash } from "node:crypto";
import { type BigIntStats, constants } from "node:fs";
import { lstat, open } from "node:fs/promises";
import { type Text, textOf } from "../message/text/text.ts";

/** A regular file as it is now; `mark` changes with every write, rename or replacement. */
export interface FileMark {
  readonly mark: string;
  readonly size: number;
  /** True for a file with a second name (a hard link), which may stand in another folder and be of another owner's. */
  readonly isLinked: boolean;
}

/** A file's text, and a key that is the same for the same file and content, and for nothing else. */
export interface WholeFile {
  readonly content: Text;
  /**
   * A digest of name, content, inode and times. A daemon that dies between handing the messages over and moving the file
   * finds the same key again. The change time is part of it, so that the same file dropped again later has another one.
   */
  readonly key: string;
}

/** `undefined` for what is not there or is no regular file: a folder, a symbolic link, a FIFO. */
export async function markOf(path: string): Promise<FileMark | undefined> {
  try {
    const found = await lstat(path, { bigint: true });
    return found.isFile() ? { mark: markText(found), size: Number(found.size), isLinked: found.nlink > 1n } : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/**
 * Reads a file that still has this mark; `undefined` when it changed before or meanwhile.
 */
export async function readWhole(path: string, name: string, expected: FileMark): Promise<WholeFile | undefined> {
  // Neither follows a link nor waits for a FIFO that took the file's place since it was looked at.
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const before = await file.stat({ bigint: true });
    if (!before.isFile() || markText(before) !== expected.mark) return undefined;
    const content = Buffer.alloc(expected.size);
    let length = 0;
    while (length < content.length) {
      const { bytesRead } = await file.read(content, length, content.length - length, length);
      if (bytesRead === 0) return undefined;
      length += bytesRead;
    }
    if (markText(await file.stat({ bigint: true })) !== expected.mark) return undefined;
    const key = createHash("sha256").update(`${name}\0${expected.mark}\0`).update(content).digest("hex");
    return { content: textOf(content), key };
  } finally {
    await file.close();
  }
}

function markText(found: BigIntStats): string {
  return [found.ino, found.size, found.mtimeNs, found.ctimeNs].join(":");
}
