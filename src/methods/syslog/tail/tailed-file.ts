import { constants, type FileHandle, open, stat } from "node:fs/promises";
import { type Encoding, encodingOf, MARK_REACH } from "./encoding.ts";
import { BEFORE, fingerprint, HEAD } from "./fingerprint.ts";
import { type Identity, type LogFile, type Position, sameFile } from "./log-file.ts";

/** Follows links. Rejects as `stat` does. */
export async function identify(
  path: string,
): Promise<Identity & { readonly regular: boolean; readonly directory: boolean }> {
  const found = await stat(path, { bigint: true });
  return { dev: `${found.dev}`, ino: `${found.ino}`, regular: found.isFile(), directory: found.isDirectory() };
}

/** A plain file that is read piece by piece, and stays open through renamings. */
export class TailedFile implements LogFile {
  readonly identity: Identity;
  readonly #handle: FileHandle;
  #name: string;
  #offset = 0;
  #parts = 0;
  #print = "";
  #size = 0;
  #mtime = "";
  /** A time of change that was set by `touch` rather than by a write. */
  #setTo = "";

  private constructor(handle: FileHandle, identity: Identity, name: string) {
    this.#handle = handle;
    this.identity = identity;
    this.#name = name;
  }

  /** Opens at the beginning. Rejects as `open` does. */
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

  /** Bytes before this offset were handed over. The offset is always at the beginning of a line, or of a part of a long line. */
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

  /** Takes up an earlier position, of this file or of the original of this copy. False: the fingerprint differs. */
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

  /** Starts again at the beginning of a file that was written anew. */
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

  /** Moves to the end, or to the beginning of an incomplete last line. */
  async toEnd(reach: number): Promise<void> {
    const size = await this.size();
    const buffer = Buffer.alloc(Math.min(size, reach));
    const read = await this.#fill(buffer, size - buffer.length);
    const newline = buffer.subarray(0, read).lastIndexOf(10);
    const end = newline === -1 && size > reach ? size : size - buffer.length + newline + 1;
    // A newline of UTF-16 has a zero byte, before or after.
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
    // `touch` sets both times to one value, which no write does.
    if (atimeNs === mtimeNs) this.#setTo = `${mtimeNs}`;
  }

  /**
   * Compares the bytes before `offset` with the fingerprint. `other`: the file was truncated or written anew. `touched`: the
   * file was changed without growth since the last look, so that the same bytes may have been written anew; repeated until
   * `accept`.
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

  /** Accepts a change without growth as one that changed no bytes. */
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
