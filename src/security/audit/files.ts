import { createReadStream, mkdirSync, readdirSync, readFileSync, statSync, truncateSync } from "node:fs";
import { open, readFile, unlink } from "node:fs/promises";
import { join } from "node:path";
import { claimOf, hashOf, type Link, START } from "./chain.ts";

/** Lines with their numbers. */
export interface NumberedLine {
  readonly no: number;
  readonly line: string;
}

/** The files of the audit, oldest first: JSON lines, each file named for its first record. */
export interface AuditFiles {
  /** The names of the files, oldest first. */
  names(): readonly string[];
  /** The lines of a file, read bit by bit: one that is longer than any record comes cut. */
  lines(name: string): AsyncIterable<string>;
  /** The lines of a file at once, for one of the usual size. */
  read(name: string): Promise<readonly string[]>;
  /** The last whole record; an unfinished one behind it, of a crash, is cut off. */
  tail(): Link;
  /** Appends lines and waits until they are on disk. */
  append(lines: readonly NumberedLine[]): Promise<void>;
  /**
   * Removes the oldest files beyond these bounds, never the newest one. Answers the link before the first record that is left;
   * `undefined`: nothing was removed.
   */
  forget(bounds: { readonly before: number; readonly bytes: number }): Promise<Link | undefined>;
}

/** Bytes of a file, beyond which the next one is begun. */
const FILE_BYTES = 16 * 1024 * 1024;
/** Bytes that are read at once, and those of the longest line that can be a record. */
const CHUNK_BYTES = 256 * 1024;
const LINE_BYTES = 4 * 1024 * 1024;
const NAME = /^\d{12}\.jsonl$/;

/** The number of the first record of a file, by its name. */
export function firstOf(name: string): number {
  return Number.parseInt(name, 10);
}

export class AuditDirectory implements AuditFiles {
  readonly #directory: string;
  readonly #fileBytes: number;
  #file: { readonly name: string; bytes: number } | undefined;
  /** The last file may hold a part of lines whose writing failed. */
  #isTorn = false;

  constructor(directory: string, fileBytes = FILE_BYTES) {
    this.#directory = directory;
    this.#fileBytes = fileBytes;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  }

  names(): readonly string[] {
    return readdirSync(this.#directory)
      .filter((name) => NAME.test(name))
      .sort();
  }

  async *lines(name: string): AsyncIterable<string> {
    let rest: Buffer = Buffer.alloc(0);
    let isCut = false;
    for await (const chunk of createReadStream(join(this.#directory, name), { highWaterMark: CHUNK_BYTES })) {
      rest = Buffer.concat([rest, chunk as Buffer]);
      let from = 0;
      for (let at = rest.indexOf(10); at >= 0; at = rest.indexOf(10, from)) {
        if (!isCut) yield rest.toString("utf8", from, at);
        isCut = false;
        from = at + 1;
      }
      rest = rest.subarray(from);
      if (rest.length <= LINE_BYTES) continue;
      if (!isCut) yield rest.toString("utf8", 0, LINE_BYTES);
      isCut = true;
      rest = Buffer.alloc(0);
    }
    if (rest.length > 0 && !isCut) yield rest.toString("utf8");
  }

  async read(name: string): Promise<readonly string[]> {
    const lines = (await readFile(join(this.#directory, name), "utf8")).split("\n");
    return lines.at(-1) === "" ? lines.slice(0, -1) : lines;
  }

  tail(): Link {
    const name = this.names().at(-1);
    if (name === undefined) return START;
    const path = join(this.#directory, name);
    const text = readFileSync(path, "utf8");
    const whole = text.slice(0, text.lastIndexOf("\n") + 1);
    if (whole.length < text.length) truncateSync(path, Buffer.byteLength(whole));
    this.#file = { name, bytes: Buffer.byteLength(whole) };
    const line = whole.slice(whole.lastIndexOf("\n", whole.length - 2) + 1, -1);
    return { no: claimOf(line)?.no ?? Number(name.slice(0, 12)) - 1, hash: hashOf(line) };
  }

  async append(lines: readonly NumberedLine[]): Promise<void> {
    let rest = lines;
    for (let [first] = rest; first !== undefined; [first] = rest) {
      this.#file ??= { name: `${String(first.no).padStart(12, "0")}.jsonl`, bytes: 0 };
      const file = this.#file;
      const some: string[] = [];
      let bytes = file.bytes;
      for (const { line } of rest) {
        if (bytes >= this.#fileBytes) break;
        some.push(`${line}\n`);
        bytes += Buffer.byteLength(line) + 1;
      }
      rest = rest.slice(some.length);
      const handle = await open(join(this.#directory, file.name), "a", 0o600);
      try {
        // A disk that filled up may have taken a part of the lines, which come again.
        if (this.#isTorn) await handle.truncate(file.bytes);
        this.#isTorn = true;
        await handle.appendFile(some.join(""));
        await handle.datasync();
        this.#isTorn = false;
      } finally {
        await handle.close();
      }
      file.bytes = bytes;
      if (file.bytes >= this.#fileBytes) this.#file = undefined;
    }
  }

  async forget({ before, bytes }: { readonly before: number; readonly bytes: number }): Promise<Link | undefined> {
    const files = this.names().map((name) => {
      const { size, mtimeMs } = statSync(join(this.#directory, name));
      return { name, size, mtimeMs };
    });
    let held = files.reduce((sum, { size }) => sum + size, 0);
    let left: Link | undefined;
    for (const { name, size, mtimeMs } of files.slice(0, -1)) {
      if (mtimeMs >= before && held <= bytes) break;
      const line = (await this.read(name)).at(-1) ?? "";
      left = { no: claimOf(line)?.no ?? 0, hash: hashOf(line) };
      await unlink(join(this.#directory, name));
      held -= size;
    }
    return left;
  }
}
