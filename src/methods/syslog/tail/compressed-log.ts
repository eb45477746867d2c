import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createGunzip } from "node:zlib";
import { type Encoding, encodingOf } from "./encoding.ts";
import { BEFORE, fingerprint, HEAD } from "./fingerprint.ts";
import type { Identity, LogFile, Position } from "./log-file.ts";

/** Keeps, of the bytes that pass by, those that a fingerprint needs. */
class Passing {
  length = 0;
  head: Buffer = Buffer.alloc(0);
  #before: Buffer = Buffer.alloc(0);

  add(bytes: Buffer): void {
    this.length += bytes.length;
    if (this.head.length < HEAD) this.head = Buffer.concat([this.head, bytes.subarray(0, HEAD - this.head.length)]);
    this.#before = Buffer.concat([this.#before, bytes.subarray(-BEFORE)]).subarray(-BEFORE);
  }

  print(): string {
    return fingerprint(this.head, this.#before);
  }
}

/** The length of a compressed log's content, and its fingerprints at the requested offsets. */
export interface Contents {
  readonly length: number;
  readonly prints: ReadonlyMap<number, string>;
}

/** Reads a `.gz` from its beginning to its end. `partial`: the file ends too early, as while it is being written. */
export async function contentsOf(path: string, places: Iterable<number>): Promise<Contents | "partial" | "damaged"> {
  const asked = [...new Set(places)].sort((a, b) => a - b);
  const prints = new Map<number, string>();
  const passing = new Passing();
  try {
    for await (const chunk of gunzip(path)) {
      let at = 0;
      for (let place = asked[0]; place !== undefined && place <= passing.length + chunk.length - at; place = asked[0]) {
        const part = chunk.subarray(at, at + place - passing.length);
        passing.add(part);
        at += part.length;
        prints.set(place, passing.print());
        asked.shift();
      }
      passing.add(chunk.subarray(at));
    }
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "Z_BUF_ERROR" ? "partial" : "damaged";
  }
  return { length: passing.length, prints };
}

async function* gunzip(path: string): AsyncGenerator<Buffer> {
  const source = createReadStream(path);
  const stream = createGunzip();
  source.on("error", (error) => stream.destroy(error));
  try {
    for await (const chunk of source.pipe(stream)) yield chunk as Buffer;
  } finally {
    source.destroy();
    stream.destroy();
  }
}

/** A log that was compressed before it was read to its end. Such a file is complete and never changes. */
export class CompressedLog implements LogFile {
  readonly identity: Identity;
  readonly #chunks: AsyncGenerator<Buffer>;
  readonly #passing = new Passing();
  readonly #size: number;
  readonly #mtime: string;
  #name: string;
  #pending: Buffer = Buffer.alloc(0);
  #ended = false;
  #parts = 0;

  private constructor(name: string, identity: Identity, size: number, mtime: string) {
    this.#name = name;
    this.identity = identity;
    this.#size = size;
    this.#mtime = mtime;
    this.#chunks = gunzip(name);
  }

  /** Opens at an offset that `contentsOf` has found. */
  static async open(path: string, offset: number, parts = 0): Promise<CompressedLog> {
    const { dev, ino, size, mtimeNs } = await stat(path, { bigint: true });
    const log = new CompressedLog(path, { dev: `${dev}`, ino: `${ino}` }, Number(size), `${mtimeNs}`);
    while (log.offset < offset) {
      if (log.#pending.length === 0 && !(await log.#pull())) break;
      await log.advance(Math.min(log.#pending.length, offset - log.offset), parts);
    }
    return log;
  }

  get offset(): number {
    return this.#passing.length;
  }

  get parts(): number {
    return this.#parts;
  }

  get position(): Position {
    const { dev, ino } = this.identity;
    const { length: offset } = this.#passing;
    const print = this.#passing.print();
    const parts = this.#parts === 0 ? {} : { parts: this.#parts };
    return { dev, ino, name: this.#name, offset, print, size: this.#size, mtime: this.#mtime, packed: true, ...parts };
  }

  async encoding(): Promise<Encoding> {
    if (this.#passing.length === 0) await this.#pull();
    return encodingOf(this.#passing.length === 0 ? this.#pending : this.#passing.head);
  }

  async read(buffer: Buffer): Promise<number> {
    while (this.#pending.length < buffer.length && (await this.#pull()));
    return this.#pending.copy(buffer);
  }

  async advance(bytes: number, parts: number): Promise<void> {
    this.#parts = parts;
    this.#passing.add(this.#pending.subarray(0, bytes));
    this.#pending = this.#pending.subarray(bytes);
  }

  async check(): Promise<"same"> {
    return "same";
  }

  async linked(): Promise<boolean> {
    return true;
  }

  seenAt(name: string): void {
    this.#name = name;
  }

  async close(): Promise<void> {
    await this.#chunks.return(undefined);
  }

  async #pull(): Promise<boolean> {
    if (this.#ended) return false;
    const { value, done } = await this.#chunks.next();
    if (done === true) this.#ended = true;
    else this.#pending = Buffer.concat([this.#pending, value]);
    return !this.#ended;
  }
}
