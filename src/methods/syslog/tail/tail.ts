import { statfs } from "node:fs/promises";
import type { Json } from "../../../message/message.ts";
import type { SourceContext } from "../../define.ts";
import type { Losses } from "../losses.ts";
import { bounded, type Known, parseCheckpoint, toCheckpoint } from "./checkpoint.ts";
import { takeLines } from "./lines.ts";
import { type Identity, keyOf, type LogFile, type Position, sameFile } from "./log-file.ts";
import { MissingLines } from "./missing-lines.ts";
import { stampOf } from "./rotation.ts";
import { AGAIN_LIMIT, type Survey, survey } from "./survey.ts";
import { identify, TailedFile } from "./tailed-file.ts";

/** Least size of the read buffer, bytes; it holds several of the longest lines. */
const CHUNK = 128 * 1024;
const GRACE = 10_000;
/** Time between two surveys without a changed name, ms: old files may grow, and not every file system updates its stamps. */
const SURVEY = 30_000;
/** Time that a changed file without growth is given to grow, ms. */
const SETTLE = 50;
/** A known file is forgotten after so long an absence, ms: a renaming may hide a file from one survey. */
const GONE = 60_000;

/** The state of the path, as a pass found it. */
export type Look = { readonly kind: "following" | "absent" } | Fault;
interface Fault {
  readonly kind: "fault";
  readonly code: string;
}

interface Followed {
  readonly file: LogFile;
  /** Time of the last growth, or of the supersession; monotonic ms. */
  quietSince: number;
  /** A change without growth: first seen at, monotonic ms, and the file's time of change. */
  touched?: { readonly since: number; readonly mtime: string } | undefined;
}

/**
 * Follows a log through rotation, a pass at a time. The files that may still grow are open, oldest first; the last one is, or
 * was, the file at the path. A pass: if the names have changed or another file is at the path, a survey decides which files
 * are read, and from which offset; each is read to its end; older files that are quiet are closed and remembered as known.
 *
 *   current → superseded (another is at the path) → quiet for GRACE → last line read, complete or not → known
 *   current → written anew → unread lines are looked for in a copy → read from its beginning
 *
 * Lines and the positions after them are handed over together, so that both are durable or neither is.
 */
export class Tail {
  readonly #path: string;
  readonly #context: SourceContext;
  readonly #losses: Losses;
  readonly #missing: MissingLines;
  #buffer = Buffer.allocUnsafe(CHUNK);
  #files: Followed[] = [];
  /** Positions whose files are not open: of an earlier run, or of a file that was written anew. */
  #earlier: readonly Position[];
  #known: readonly Known[];
  #forgotten: bigint;
  /** Time at which a known file was first not found, by identity. */
  readonly #goneSince = new Map<string, number>();
  /** Time of the checkpoint with which this run began, or of this run's last pass; wall ms. */
  #readAt: number;
  /** Positions, at the end of their files, of superseded files: only a late line can be missing. */
  readonly #superseded: ReadonlySet<Position>;
  /** Positions of this run's files that were written anew; lines after these positions were never seen. */
  readonly #own = new Set<Position>();
  /** True: the log was never followed before, so reading begins at its end. */
  #fromEnd: boolean;
  #surveyed: { readonly at: number; readonly stamp: string; readonly settled: boolean } | undefined;
  #stopped = false;

  constructor(path: string, context: SourceContext, losses: Losses) {
    this.#path = path;
    this.#context = context;
    this.#losses = losses;
    this.#missing = new MissingLines(path, context, losses);
    const remembered = parseCheckpoint(context.checkpoint);
    this.#earlier = remembered?.files ?? [];
    this.#superseded = new Set(this.#earlier.slice(0, -1).filter(({ offset, size }) => offset === size));
    this.#known = remembered?.known ?? [];
    this.#forgotten = remembered?.forgotten ?? 0n;
    this.#readAt = remembered?.at ?? context.clock.now();
    this.#fromEnd = remembered === undefined;
    if (this.#fromEnd && context.checkpoint !== undefined) {
      const fields = { path, checkpoint: context.checkpoint };
      context.log.warn(fields, "the checkpoint cannot be read; following from the end");
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
    if (this.#stopped) return look;
    await this.#retire(look);
    this.#missing.flush();
    this.#readAt = this.#context.clock.now();
    return look;
  }

  /** Ends the pass after the event that is on its way. */
  halt(): void {
    this.#stopped = true;
  }

  /** Called after the last pass has ended. */
  async close(): Promise<void> {
    this.#stopped = true;
    this.#missing.flush(true);
    for (const { file } of this.#files.splice(0)) await file.close();
  }

  /** Looks at the path, and opens new files there. The first look decides the starting position. */
  async look(): Promise<Look> {
    const found = await lookAt(this.#path);
    if ("code" in found) return found;
    const changed = "identity" in found && !this.#isLast(found.identity);
    const fault = changed || (await this.#isDue()) ? await this.#survey(found.kind === "following") : undefined;
    return fault === undefined ? { kind: found.kind } : { kind: "fault", code: fault };
  }

  async #isDue(): Promise<boolean> {
    const last = this.#surveyed;
    if (last === undefined || this.#context.clock.monotonic() - last.at >= SURVEY) return true;
    // The clock of a file system is coarse: names may change after a survey without a change of the stamp.
    return !last.settled || last.stamp !== (await stampOf(this.#path));
  }

  /** @param present true when a file is at the path; while none is, its disk may be unmounted, so no position is given up */
  async #survey(present: boolean): Promise<string | undefined> {
    const { clock } = this.#context;
    // The open files are read to their ends first, so that their lines are not looked for in copies.
    for (const followed of [...this.#files]) if (!(await this.#drain(followed, false))) this.#beginAnew(followed.file);
    if (this.#stopped) return undefined;
    const before = this.#files.map(({ file }) => file);
    const asked = {
      held: before,
      earlier: this.#earlier,
      known: this.#known,
      forgotten: this.#forgotten,
      first: this.#fromEnd,
      now: clock.now(),
      reach: this.#context.lineBytes(),
    };
    const found = await survey(this.#path, asked).catch((error: NodeJS.ErrnoException) => error.code ?? error.message);
    if (typeof found === "string") return found;
    this.#take(found);
    const waits = !present || found.pending;
    this.#tell(found, waits);
    this.#earlier = waits ? found.missing : [];
    this.#remember([...found.known, ...this.#notYetForgotten(found.gone, present)]);
    const changed = this.#surveyed?.stamp !== found.stamp;
    this.#surveyed = { at: clock.monotonic(), stamp: found.stamp, settled: !changed };
    this.#fromEnd &&= found.fault !== undefined;
    // With this mark a new file is known even before its first line.
    if (changed || found.files.length !== before.length) await this.#mark();
    return found.fault;
  }

  #take({ files }: Survey): void {
    const { log, clock } = this.#context;
    const now = clock.monotonic();
    const held = new Map(this.#files.map((followed) => [followed.file, followed]));
    const last = this.#files.at(-1);
    this.#files = files.map((file) => held.get(file) ?? { file, quietSince: now });
    if (last !== undefined && last !== this.#files.at(-1)) last.quietSince = now;
    if (!this.#fromEnd || files.length === 0) return;
    const fields = { path: this.#path, offset: files.at(-1)?.offset };
    log.info(fields, "followed for the first time: from its end; what it held before is not sent");
  }

  #tell({ missing, unreadable }: Survey, waits: boolean): void {
    for (const { entry, why } of unreadable) this.#missing.unreadable(entry, why);
    if (waits) return;
    for (const position of missing) {
      if (this.#own.has(position)) this.#missing.rewritten(position, this.#readAt);
      else if (!this.#superseded.has(position)) this.#missing.gone(position, this.#readAt);
    }
    this.#own.clear();
  }

  #notYetForgotten(gone: readonly Known[], present: boolean): Known[] {
    const now = this.#context.clock.monotonic();
    const since = new Map(this.#goneSince);
    this.#goneSince.clear();
    return gone.filter((known) => {
      const first = since.get(keyOf(known)) ?? now;
      this.#goneSince.set(keyOf(known), present ? first : now);
      return !present || now - first < GONE;
    });
  }

  #remember(known: readonly Known[]): void {
    const kept = bounded(known, this.#forgotten);
    this.#known = kept.known;
    this.#forgotten = kept.forgotten;
  }

  /** Reads all files to their ends. True: one was written anew. */
  async #drainAll(): Promise<boolean> {
    for (const followed of [...this.#files]) {
      if (this.#stopped) return false;
      if (await this.#drain(followed, false)) continue;
      await this.#writtenAnew(followed);
      return true;
    }
    return false;
  }

  /** Hands over a file's lines to its end. False: the file was written anew. `last`: an incomplete line counts as a line. */
  async #drain(followed: Followed, last: boolean): Promise<boolean> {
    const { file } = followed;
    while (!this.#stopped) {
      const limit = this.#context.lineBytes();
      if (this.#buffer.length < 4 * limit) this.#buffer = Buffer.allocUnsafe(4 * limit);
      await file.look?.();
      const { name, mark } = await file.encoding();
      const length = await file.read(this.#buffer);
      // The check comes after the read, so that it covers the bytes that were read.
      const state = await file.check();
      if (state === "other") return false;
      if (state === "same") followed.touched = undefined;
      const whole = length === this.#buffer.length;
      const skipped = file.offset === 0 ? Math.min(mark, length) : 0;
      const bytes = this.#buffer.subarray(skipped, length);
      const taken = takeLines(bytes, { last: last && !whole, encoding: name, limit, parts: file.parts });
      const { records, consumed, replaced, holes, parts } = taken;
      if (consumed === 0) return state === "same" || (await this.#isUntouched(followed));
      followed.quietSince = this.#context.clock.monotonic();
      await file.advance(skipped + consumed, parts);
      if (records.length > 0) await this.#context.emit({ lines: records }, this.#checkpoint());
      this.#losses.add("not-utf8", replaced);
      this.#losses.add("nul", holes);
      const divided = records.filter(({ part }) => part === "1").length;
      if (divided > 0) this.#context.divided?.(divided);
    }
    return true;
  }

  /** Decides about a file that was changed without growth. False: the file was written anew. */
  async #isUntouched(followed: Followed): Promise<boolean> {
    const { file, touched } = followed;
    if (!(file instanceof TailedFile)) return true;
    const now = this.#context.clock.monotonic();
    const mtime = await file.changedAt();
    if (touched === undefined) {
      followed.touched = { since: now, mtime };
      return true;
    }
    if (touched.mtime === mtime && now - touched.since < SETTLE) return true;
    followed.touched = undefined;
    const isLog = followed === this.#files.at(-1);
    const small = file.position.size <= AGAIN_LIMIT;
    // A write that fails for lack of room changes a file's time alone.
    const full = (await statfs(this.#path).catch(() => undefined))?.bavail === 0;
    if (isLog && small && !full) return false;
    if (isLog && !full) this.#missing.untold(file.position);
    await file.accept();
    await this.#mark();
    return true;
  }

  async #writtenAnew({ file }: Followed): Promise<void> {
    this.#beginAnew(file);
    await this.#survey(true);
  }

  /** Begins a file again that was emptied or written anew; its old position stays, for unread lines may be in a copy. */
  #beginAnew(file: LogFile): void {
    if (!(file instanceof TailedFile)) return;
    const { position } = file;
    const fields = { path: this.#path, offset: file.offset };
    this.#context.log.info(fields, "the file was written anew: read from its beginning");
    file.rewind();
    if (position.offset === 0) return;
    this.#earlier = [...this.#earlier, position];
    this.#own.add(position);
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
    const { file } = followed;
    this.#files = this.#files.filter((f) => f !== followed);
    this.#remember([...this.#known, { ...file.position, ours: true }]);
    await file.close();
    await this.#mark();
  }

  #isLast(identity: Identity): boolean {
    const last = this.#files.at(-1);
    return last !== undefined && sameFile(last.file.identity, identity);
  }

  async #mark(): Promise<void> {
    await this.#context.mark?.(this.#checkpoint());
  }

  #checkpoint(): Json {
    return toCheckpoint({
      files: [...this.#earlier, ...this.#files.map(({ file }) => file.position)],
      known: this.#known,
      forgotten: this.#forgotten,
      at: this.#context.clock.now(),
    });
  }
}

type Found = { readonly kind: "following"; readonly identity: Identity } | { readonly kind: "absent" } | Fault;

async function lookAt(path: string): Promise<Found> {
  try {
    const { regular, directory, ...identity } = await identify(path);
    if (!regular) return { kind: "fault", code: directory ? "EISDIR" : "ENOTREG" };
    return { kind: "following", identity };
  } catch (error) {
    const { code = "unknown" } = error as NodeJS.ErrnoException;
    return code === "ENOENT" ? { kind: "absent" } : { kind: "fault", code };
  }
}
