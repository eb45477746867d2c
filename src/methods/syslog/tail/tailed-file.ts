import { constants, type FileHandle, open, stat } from "node:fs/promises";
import { type Encoding, encodingOf, MARK_REACH } from "./encoding.ts";
import { BEFORE, fingerprint, HEAD } from "./fingerprint.ts";
import { type Identity, type LogFile, type Position, sameFile } from "./log-file.ts";

/** Follows links, opens nothing. Rejects as `stat` does. */
export async function identify(
  path: string,
): Promise<Identity & { readonly regular: boolean; readonly directory: boolean }> {
  const found = await stat(path, { bigint: true });
  return { dev: `${found.dev}`, ino: `${found.ino}`, regular: found.isFile(), directory: found.isDirectory() };
}

/** A plain file that is read piece by piece, open from the first byte to the last however often it is renamed. */
export class TailedFile implements LogFile {
  readonly identity: Identity;
  readonly #handle: FileHandle;
  #name: string;
  #offset = 0;
  #parts = 0;
  #print = "";
  #size = 0;
  #mtime = "";
  /** A time of change that was set, and is none of a writing. */
  #setTo = "";

  private constructor(handle: FileHandle, identity: Identity, name: string) {
    this.#handle = handle;
    this.identity = identity;
    this.#name = name;
  }

  /** At its beginning. Rejects as `open` does. */
  static async open(path: string): Promise<TailedFile> {
    // Without O_NONBLOCK the opening of a named pipe would wait for a writer.
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const { dev, ino } = await handle.stat({ bigint: true });
      return new TailedFile(handle, { dev: `${dev}`, ino: `${ino}` }, path);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** All before it was handed over. Always the beginning of a line, or of a piece of a long one. */
  get offset(): number {
    return this.#offset;
  }

  get parts(): number {
    return this.#parts;
  }

  get position(): Position {
    const { dev, ino } = this.identity;
    return {
      ...(this.#parts === 0 ? {} : { parts: this.#parts }),
      dev,
      ino,
      name: this.#name,
      offset: this.#offset,
      print: this.#print,
      size: this.#size,
      mtime: this.#mtime,
    };
  }

  /** Takes up an earlier position, of this file or of one that this is a copy of; false when other bytes are before it. */
  async resume(position: Position): Promise<boolean> {
    if ((await this.size()) < position.offset) return false;
    if ((await this.printAt(position.offset)) !== position.print) return false;
    this.#offset = position.offset;
    this.#parts = position.parts ?? 0;
    this.#print = position.print;
    if (sameFile(this.identity, position)) {
      this.#size = position.size;
      this.#mtime = position.mtime;
    }
    return true;
  }

  /** The file was written anew: all that it holds is new. */
  rewind(): void {
    this.#offset = 0;
    this.#parts = 0;
    this.#print = "";
    this.#size = 0;
    this.#mtime = "";
  }

  async advance(bytes: number, parts = 0): Promise<void> {
    this.#offset += bytes;
    this.#parts = parts;
    this.#print = await this.printAt(this.#offset);
  }

  /** To the beginning of the last line, if that is incomplete, else to the end. */
  async toEnd(reach: number): Promise<void> {
    const size = await this.size();
    const buffer = Buffer.alloc(Math.min(size, reach));
    const read = await this.#fill(buffer, size - buffer.length);
    const newline = buffer.subarray(0, read).lastIndexOf(10);
    const end = newline === -1 && size > reach ? size : size - buffer.length + newline + 1;
    // A newline of UTF-16 has a second byte, before or after.
    const wide = (await this.encoding()).name !== "utf-8" && newline !== -1;
    await this.advance(wide ? end + (end % 2) : end);
  }

  async encoding(): Promise<Encoding> {
    const buffer = Buffer.alloc(MARK_REACH);
    return encodingOf(buffer.subarray(0, await this.#fill(buffer, 0)));
  }

  async read(buffer: Buffer): Promise<number> {
    return this.#fill(buffer, this.#offset);
  }

  async look(): Promise<void> {
    const { mtimeNs, atimeNs } = await this.#handle.stat({ bigint: true });
    // `touch` sets both times to one value, which no writing does.
    if (atimeNs === mtimeNs) this.#setTo = `${mtimeNs}`;
  }

  /**
   * Whether the bytes before `offset` are still there: `other` after a truncation, whatever was written since. `touched`: the
   * file was changed since the last look and has not grown, so that the same bytes may have been written anew; every call
   * says so until `accept`.
   */
  async check(): Promise<"same" | "touched" | "other"> {
    const { size, mtimeNs } = await this.#handle.stat({ bigint: true });
    if (size < this.#offset) return "other";
    if ((await this.printAt(this.#offset)) !== this.#print) return "other";
    const mtime = `${mtimeNs}`;
    const changed = this.#mtime !== "" && this.#mtime !== mtime && this.#size === Number(size);
    if (changed && size > 0 && mtime !== this.#setTo) return "touched";
    this.#size = Number(size);
    this.#mtime = mtime;
    return "same";
  }

  /** The change without growth was none of its bytes. */
  async accept(): Promise<void> {
    this.#mtime = await this.changedAt();
  }

  async changedAt(): Promise<string> {
    return `${(await this.#handle.stat({ bigint: true })).mtimeNs}`;
  }

  async size(): Promise<number> {
    return (await this.#handle.stat()).size;
  }

  async linked(): Promise<boolean> {
    return (await this.#handle.stat()).nlink > 0;
  }

  seenAt(name: string): void {
    this.#name = name;
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  async printAt(offset: number): Promise<string> {
    const head = Buffer.alloc(Math.min(HEAD, offset));
    const before = Buffer.alloc(Math.min(BEFORE, offset));
    const read = await this.#fill(head, 0);
    const then = await this.#fill(before, offset - before.length);
    return fingerprint(head.subarray(0, read), before.subarray(0, then));
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
