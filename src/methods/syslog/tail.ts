import type { Json } from "../../message/message.ts";
import type { SourceContext } from "../define.ts";
import { takeLines } from "./lines.ts";
import type { Losses } from "./losses.ts";
import { MAX_LINE } from "./record.ts";
import { locate, rotatedAfter } from "./rotation.ts";
import { type Identity, identify, type Position, sameFile, TailedFile } from "./tailed-file.ts";

/**
 * Follows a file by its name through rotation, a pass at a time. It holds the files that may still grow, oldest first; the
 * last one is, or was, the one at the path. A pass: is there another file at the path? → add it, and those that were rotated
 * away in between; read each to its end; let go of the older ones that are quiet.
 *
 * Of each file:  current → superseded (another is at the path) → quiet for GRACE → its last line, complete or not → closed
 *                current → truncated → what was not read is looked for in a copy → read from its beginning
 *
 * Lines and the positions after them are handed over together, so that both are durable or neither is.
 */
const CHUNK = 4 * MAX_LINE;
const GRACE = 10_000;

/** What a pass found at the path. */
export type Look = { readonly kind: "following" | "absent" } | { readonly kind: "fault"; readonly code: string };

interface Followed {
  readonly file: TailedFile;
  /** When it last grew, or was superseded; monotonic ms. */
  quietSince: number;
}

export class Tail {
  readonly #path: string;
  readonly #context: SourceContext;
  readonly #losses: Losses;
  readonly #buffer = Buffer.allocUnsafe(CHUNK);
  #files: Followed[] = [];
  /** Positions of an earlier run whose files have not been found yet. */
  #earlier: readonly Position[];
  /** A file that was there before anybody followed it is followed from its end. */
  #fromEnd: boolean;
  #stopped = false;

  constructor(path: string, context: SourceContext, losses: Losses) {
    this.#path = path;
    this.#context = context;
    this.#losses = losses;
    const earlier = parseCheckpoint(context.checkpoint);
    this.#earlier = earlier ?? [];
    this.#fromEnd = earlier === undefined;
    if (this.#fromEnd && context.checkpoint !== undefined) {
      context.log.warn(
        { path, checkpoint: context.checkpoint },
        "the checkpoint cannot be read; following from the end",
      );
    }
  }

  /** One pass at a time. Rejects when `emit` does, or the disk fails; then only a new Tail can go on. */
  async pass(): Promise<Look> {
    let look: Look = { kind: "absent" };
    // A truncation makes a new file of the path; a file that is truncated all the time waits for the next pass.
    for (let round = 0; round < 3 && !this.#stopped; round++) {
      look = await this.look();
      if (!(await this.#drainAll())) break;
    }
    if (!this.#stopped) await this.#retire(look);
    return look;
  }

  /** Ends a pass after the event that is on its way. */
  halt(): void {
    this.#stopped = true;
  }

  /** After the last pass has ended. */
  async close(): Promise<void> {
    this.#stopped = true;
    for (const { file } of this.#files.splice(0)) await file.close();
  }

  /** Looks at the path, and takes up what is new there. The first one decides where to begin. */
  async look(): Promise<Look> {
    let found: Identity;
    let file: TailedFile;
    try {
      const { regular, directory, ...identity } = await identify(this.#path);
      if (!regular) return { kind: "fault", code: directory ? "EISDIR" : "ENOTREG" };
      await this.#findEarlier("now");
      found = identity;
      if (this.#has(found)) return { kind: "following" };
      file = await TailedFile.open(this.#path);
    } catch (error) {
      const { code = "unknown" } = error as NodeJS.ErrnoException;
      if (code !== "ENOENT") return { kind: "fault", code };
      await this.#notThere();
      return { kind: "absent" };
    }
    // It may have been exchanged since it was identified.
    try {
      if (!this.#has(file.identity)) await this.#follow(file);
    } finally {
      if (!this.#files.some((f) => f.file === file)) await file.close();
    }
    return { kind: "following" };
  }

  async #notThere(): Promise<void> {
    // Its disk may not be mounted yet: what is not found now may be found when the path is there.
    await this.#findEarlier("orLater").catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT") throw error;
    });
    if (!this.#fromEnd) return;
    // Whatever comes to be there from now on is new.
    this.#fromEnd = false;
    await this.#context.mark?.(this.#checkpoint());
  }

  async #follow(file: TailedFile): Promise<void> {
    const { log, clock } = this.#context;
    const quietSince = clock.monotonic();
    const last = this.#files.at(-1);
    if (this.#fromEnd) {
      await file.toEnd(MAX_LINE);
      const fields = { path: this.#path, offset: file.offset };
      log.info(fields, "followed for the first time: from its end; what it held before is not sent");
    } else if (last !== undefined) {
      last.quietSince = quietSince;
    }
    this.#fromEnd = false;
    this.#files.push({ file, quietSince });
    if (last !== undefined) await this.#insertAfter(last.file);
    // From here on it is known, whatever happens to it before its first line.
    await this.#context.mark?.(this.#checkpoint());
  }

  async #findEarlier(when: "now" | "orLater"): Promise<void> {
    const { log, clock } = this.#context;
    const missing: Position[] = [];
    const copies: TailedFile[] = [];
    for (const position of this.#earlier) {
      const file = await locate(this.#path, position);
      if (file === undefined) missing.push(position);
      else if (this.#has(file.identity)) await file.close();
      else {
        this.#files.push({ file, quietSince: clock.monotonic() });
        if (!sameFile(file.identity, position)) copies.push(file);
      }
    }
    // The file itself was truncated: it, and what came between it and the next, is read from its beginning.
    for (const copy of copies) await this.#insertAfter(copy);
    this.#earlier = when === "orLater" ? missing : [];
    if (when === "orLater") return;
    for (const position of missing) {
      log.warn(
        { path: this.#path, ...position },
        "the file that was followed is gone; lines that it got since, if any, are not sent",
      );
    }
  }

  /** Whether a file turned out to be truncated. */
  async #drainAll(): Promise<boolean> {
    for (const followed of [...this.#files]) {
      if (this.#stopped) return false;
      if (await this.#drain(followed, false)) continue;
      await this.#truncated(followed);
      return true;
    }
    return false;
  }

  /** Hands over what the file has got, to its end. False: it was truncated. `last`: an incomplete line counts as one. */
  async #drain(followed: Followed, last: boolean): Promise<boolean> {
    const { file } = followed;
    while (!this.#stopped) {
      const length = await file.read(this.#buffer);
      // After the reading: so the bytes that were read are those of the file that was followed.
      if (!(await file.unchanged())) return false;
      const whole = length === CHUNK;
      const { records, consumed, replaced } = takeLines(this.#buffer.subarray(0, length), last && !whole);
      if (consumed === 0) return true;
      followed.quietSince = this.#context.clock.monotonic();
      await file.advance(consumed);
      if (records.length > 0) await this.#context.emit({ lines: records }, this.#checkpoint());
      this.#losses.add("not-utf8", replaced);
    }
    return true;
  }

  /** copytruncate, or somebody emptied it. What was not read is in the copy, if there is one, and in those after it. */
  async #truncated(followed: Followed): Promise<void> {
    const { file } = followed;
    const { log, clock } = this.#context;
    const copy = await locate(this.#path, file.position);
    if (copy !== undefined && this.#has(copy.identity)) return copy.close();
    const found = { path: this.#path, offset: file.offset, copy: copy !== undefined };
    log.info(found, "the file was truncated: read from its beginning");
    file.rewind();
    if (copy === undefined) return;
    this.#files.splice(this.#files.indexOf(followed), 0, { file: copy, quietSince: clock.monotonic() });
    await this.#insertAfter(copy);
  }

  /** Takes up the files that were rotated away after a held one was, in their place. */
  async #insertAfter(file: TailedFile): Promise<void> {
    const known = this.#files.map((f) => f.file.identity);
    const between = await rotatedAfter(this.#path, file.identity, known);
    const quietSince = this.#context.clock.monotonic();
    const place = this.#files.findIndex((f) => f.file === file) + 1;
    this.#files.splice(place, 0, ...between.map((each) => ({ file: each, quietSince })));
  }

  async #retire(look: Look): Promise<void> {
    const now = this.#context.clock.monotonic();
    for (const followed of [...this.#files]) {
      if (now - followed.quietSince < GRACE) continue;
      const superseded = followed !== this.#files.at(-1);
      // A removed file that is kept open would hold its space on the disk.
      const removed = look.kind === "absent" && !(await followed.file.linked());
      if (!superseded && !removed) continue;
      const whole = await this.#drain(followed, true);
      if (this.#stopped) return;
      if (whole || removed) await this.#letGo(followed);
    }
  }

  async #letGo(followed: Followed): Promise<void> {
    this.#files = this.#files.filter((f) => f !== followed);
    await followed.file.close();
    await this.#context.mark?.(this.#checkpoint());
  }

  #has(identity: Identity): boolean {
    return this.#files.some((f) => sameFile(f.file.identity, identity));
  }

  #checkpoint(): Json {
    const positions = [...this.#earlier, ...this.#files.map((f) => f.file.position)];
    return { files: positions.map((position) => ({ ...position, head: { ...position.head } })) };
  }
}

function parseCheckpoint(checkpoint: Json | undefined): readonly Position[] | undefined {
  if (typeof checkpoint !== "object" || checkpoint === null || !("files" in checkpoint)) return undefined;
  const { files } = checkpoint;
  return Array.isArray(files) && files.every(isPosition) ? files : undefined;
}

function isPosition(value: unknown): value is Position {
  if (typeof value !== "object" || value === null) return false;
  const { dev, ino, offset, head } = value as Record<string, unknown>;
  if (typeof head !== "object" || head === null) return false;
  const { length, digest } = head as Record<string, unknown>;
  const numbers = [offset, length].every((n) => Number.isSafeInteger(n) && Number(n) >= 0);
  return numbers && typeof dev === "string" && typeof ino === "string" && typeof digest === "string";
}
