import { createHash } from "node:crypto";
import { constants, type FileHandle, open, stat } from "node:fs/promises";

/** Which file it is, whatever its name: device and inode, as decimal text because they may exceed 2^53. */
export interface Identity {
  readonly dev: string;
  readonly ino: string;
}

/** Digest of the first bytes of a file: tells a file from another one that was given its inode, and from its own truncation. */
export interface Head {
  readonly length: number;
  readonly digest: string;
}

/** How far a file was handed over. */
export type Position = Identity & {
  readonly offset: number;
  readonly head: Head;
};

const HEAD = 256;

export function sameFile(a: Identity, b: Identity): boolean {
  return a.dev === b.dev && a.ino === b.ino;
}

/** Follows links, opens nothing. Rejects as `stat` does. */
export async function identify(
  path: string,
): Promise<Identity & { readonly regular: boolean; readonly directory: boolean }> {
  const found = await stat(path, { bigint: true });
  return { dev: `${found.dev}`, ino: `${found.ino}`, regular: found.isFile(), directory: found.isDirectory() };
}

/** A file that is read piece by piece, open from the first byte to the last however often it is renamed. */
export class TailedFile {
  readonly identity: Identity;
  readonly #handle: FileHandle;
  #offset = 0;
  #head: Head = { length: 0, digest: "" };

  private constructor(handle: FileHandle, identity: Identity) {
    this.#handle = handle;
    this.identity = identity;
  }

  /** At its beginning. Rejects as `open` does. */
  static async open(path: string): Promise<TailedFile> {
    // Without O_NONBLOCK the opening of a named pipe would wait for a writer.
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const { dev, ino } = await handle.stat({ bigint: true });
      return new TailedFile(handle, { dev: `${dev}`, ino: `${ino}` });
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** All before it was handed over. Always the beginning of a line, or of a piece of a long one. */
  get offset(): number {
    return this.#offset;
  }

  get position(): Position {
    return { ...this.identity, offset: this.#offset, head: this.#head };
  }

  /** Takes up an earlier position; false when the file does not hold what was read then. */
  async resume(position: Position): Promise<boolean> {
    if ((await this.size()) < position.offset) return false;
    if ((await this.#headOf(position.head.length)).digest !== position.head.digest) return false;
    this.#offset = position.offset;
    this.#head = position.head;
    return true;
  }

  /** It was truncated: what it holds now is new. */
  rewind(): void {
    this.#offset = 0;
    this.#head = { length: 0, digest: "" };
  }

  async advance(bytes: number): Promise<void> {
    this.#offset += bytes;
    if (this.#head.length < HEAD) this.#head = await this.#headOf(Math.min(HEAD, this.#offset));
  }

  /** To the beginning of the last line, if that is incomplete, else to the end. */
  async toEnd(reach: number): Promise<void> {
    const size = await this.size();
    const buffer = Buffer.alloc(Math.min(size, reach));
    const read = await this.#fill(buffer, size - buffer.length);
    const newline = buffer.subarray(0, read).lastIndexOf(10);
    await this.advance(newline === -1 && size > reach ? size : size - buffer.length + newline + 1);
  }

  async read(buffer: Buffer): Promise<number> {
    return this.#fill(buffer, this.#offset);
  }

  /** Whether what was read is still there: no truncation, whatever was written since. */
  async unchanged(): Promise<boolean> {
    if ((await this.size()) < this.#offset) return false;
    return (await this.#headOf(this.#head.length)).digest === this.#head.digest;
  }

  async size(): Promise<number> {
    return (await this.#handle.stat()).size;
  }

  /** Whether it still has a name somewhere. */
  async linked(): Promise<boolean> {
    return (await this.#handle.stat()).nlink > 0;
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  async #headOf(length: number): Promise<Head> {
    if (length === 0) return { length: 0, digest: "" };
    const buffer = Buffer.alloc(length);
    const read = await this.#fill(buffer, 0);
    const digest = createHash("sha256").update(buffer.subarray(0, read)).digest("base64url").slice(0, 22);
    return { length: read, digest };
  }

  async #fill(buffer: Buffer, position: number): Promise<number> {
    let filled = 0;
    while (filled < buffer.length) {
      const { bytesRead } = await this.#handle.read(buffer, filled, buffer.length - filled, position + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return filled;
  }
}
