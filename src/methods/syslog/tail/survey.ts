import { basename } from "node:path";
import type { Known } from "./checkpoint.ts";
import { CompressedLog, type Contents, contentsOf } from "./compressed-log.ts";
import { BEFORE } from "./fingerprint.ts";
import { keyOf, type LogFile, type Position, sameFile } from "./log-file.ts";
import { type Entry, findMoved, listLogs, READABLE } from "./rotation.ts";
import { identify, TailedFile } from "./tailed-file.ts";

/**
 * Compares the files of a log with the checkpoint, and decides for each whether reading continues, begins at its start, or is
 * left out. A file is recognised by device, inode and the fingerprint of the bytes read; a copy, plain or compressed, by the
 * fingerprint alone. A name proves only that a file belongs to the log.
 *
 * In this order: files that are open · positions of an earlier run, by identity · known files, by identity · positions whose
 * file is gone or was written anew, by content · the rest is a copy, a known file in another form, or new.
 */
export interface Before {
  readonly held: readonly LogFile[];
  /** Positions whose files are not open. */
  readonly earlier: readonly Position[];
  readonly known: readonly Known[];
  readonly forgotten: bigint;
  /** True: the log was never followed before, so its present content is not sent. */
  readonly first: boolean;
  /** Wall clock, ms. */
  readonly now: number;
  /** Bytes in which the beginning of the last line is searched, when a file is followed from its end. */
  readonly reach: number;
}

export interface Survey {
  /** The open files to be read, oldest first; the log itself is the last. */
  readonly files: readonly LogFile[];
  readonly known: readonly Known[];
  /** Known files that were not found. */
  readonly gone: readonly Known[];
  /** Positions for which no file was found. */
  readonly missing: readonly Position[];
  /** Files that cannot be read, with the reason. */
  readonly unreadable: readonly { readonly entry: Entry; readonly why: string }[];
  /** True: a compressor is still writing some files. */
  readonly pending: boolean;
  /** The error code when the file at the path cannot be opened. */
  readonly fault: string | undefined;
  readonly stamp: string;
}

/** Beyond so many bytes, the same bytes again are taken for the same log, not for a new one. */
export const AGAIN_LIMIT = 1024 * 1024;
/** Longest time for which a compressed file may be incomplete, ms. */
const COMPRESSING = 60_000;
const SECOND = 1_000_000_000n;

export async function survey(path: string, before: Before): Promise<Survey> {
  return await new Surveyor(path, before).run();
}

class Surveyor {
  readonly #path: string;
  readonly #before: Before;
  /** Files that are not recognised yet. */
  readonly #free = new Map<string, Entry>();
  readonly #entries = new Map<string, Entry>();
  readonly #taken: LogFile[] = [];
  readonly #known: Known[] = [];
  readonly #unreadable: { entry: Entry; why: string }[] = [];
  /** Styles of names that files of this log have had. */
  readonly #styles = new Set<string>();
  readonly #contents = new Map<string, Contents | "partial" | "damaged">();
  #ends: readonly Position[] | undefined;
  #gone: Known[] = [];
  #missing: Position[] = [];
  #pending = false;
  #fault: string | undefined;

  constructor(path: string, before: Before) {
    this.#path = path;
    this.#before = before;
  }

  async run(): Promise<Survey> {
    const { entries, stamp } = await listLogs(this.#path);
    for (const entry of entries) {
      this.#entries.set(keyOf(entry), entry);
      if (entry.live || entry.rotated !== undefined) this.#free.set(keyOf(entry), entry);
    }
    try {
      this.#findHeld();
      await this.#findEarlier();
      await this.#findKnown();
      await this.#findCopies();
      for (const entry of [...this.#free.values()]) await this.#judge(entry);
    } catch (error) {
      for (const file of this.#taken) await file.close();
      throw error;
    }
    return {
      files: this.#ordered(),
      known: this.#known,
      gone: this.#gone,
      missing: this.#missing,
      unreadable: this.#unreadable,
      pending: this.#pending,
      fault: this.#fault,
      stamp,
    };
  }

  #findHeld(): void {
    for (const file of this.#before.held) {
      const entry = this.#free.get(keyOf(file.identity));
      if (entry === undefined) continue;
      file.seenAt(entry.name);
      this.#claim(entry, true);
    }
  }

  async #findEarlier(): Promise<void> {
    // The later of two positions in one file belongs to its present content.
    for (const position of [...this.#before.earlier].reverse()) {
      // An empty file has no fingerprint, and its inode may have been given to a copy, so it is judged like a new file.
      if (position.offset === 0 && this.#free.has(keyOf(position))) continue;
      const file = await this.#openAgain(position);
      if (file === undefined) this.#missing.unshift(position);
      else this.#taken.push(file);
    }
  }

  async #openAgain(position: Position): Promise<LogFile | undefined> {
    const { held } = this.#before;
    if ([...held, ...this.#taken].some(({ identity }) => sameFile(identity, position))) return undefined;
    const entry = this.#free.get(keyOf(position));
    const name = entry?.name ?? (await this.#elsewhere(position));
    if (name === undefined) return undefined;
    const file = position.packed === true ? await this.#openPacked(name, position) : await resumed(name, position);
    if (file !== undefined && entry !== undefined) this.#claim(entry, true);
    return file;
  }

  /** The path of a file outside the listing. Without bytes to compare, another file may just have been given the inode. */
  async #elsewhere(position: Position): Promise<string | undefined> {
    if (position.offset === 0) return undefined;
    const there = await identify(position.name).catch(() => undefined);
    if (there !== undefined && sameFile(there, position)) return position.name;
    return await findMoved(this.#path, position);
  }

  async #openPacked(name: string, position: Position): Promise<LogFile | undefined> {
    const contents = await contentsOf(name, [position.offset]);
    if (typeof contents === "string" || contents.length < position.offset) return undefined;
    if ((contents.prints.get(position.offset) ?? "") !== position.print) return undefined;
    return await CompressedLog.open(name, position.offset, position.parts);
  }

  async #findKnown(): Promise<void> {
    for (const known of this.#before.known) {
      const entry = this.#free.get(keyOf(known));
      if (entry === undefined || (entry.packed !== undefined) !== (known.packed === true)) this.#gone.push(known);
      else if (known.packed === true) {
        if (entry.size === known.size) this.#keep(entry, { ...known, mtime: `${entry.mtime}` });
        else this.#gone.push(known);
      } else await this.#compareKnown(entry, known);
    }
  }

  async #compareKnown(entry: Entry, known: Known): Promise<void> {
    if (known.offset === 0 && entry.size > 0) return;
    const untouched = entry.size === known.size && `${entry.mtime}` === known.mtime;
    if (untouched && !entry.live) return this.#keep(entry, known);
    const file = await resumed(entry.name, known);
    if (file === undefined) {
      this.#gone.push(known);
      return;
    }
    const grown = (await file.size()) > known.offset;
    if (entry.live || (grown && known.copy !== true)) {
      this.#taken.push(file);
      this.#claim(entry, known.ours === true);
      return;
    }
    await file.close();
    // A copy that has grown is still being made, or holds lines that the log has lost.
    if (grown) this.#gone.push(known);
    else this.#keep(entry, { ...known, size: entry.size, mtime: `${entry.mtime}` });
  }

  /** Looks for copies of files that are gone or were written anew: unread lines may be in a copy, after the read ones. */
  async #findCopies(): Promise<void> {
    const missing = this.#missing;
    this.#missing = [];
    for (const position of missing) {
      if (position.offset > 0 ? await this.#findCopy(position) : this.#hasSuccessor(position)) continue;
      this.#missing.push(position);
    }
  }

  /** True when a later file may be the one of this position. No byte of that file was read, so it is read from its beginning. */
  #hasSuccessor({ mtime }: Position): boolean {
    const since = BigInt(mtime === "" ? 0 : mtime);
    return [...this.#free.values()].some((entry) => !entry.live && entry.mtime >= since);
  }

  async #findCopy(position: Position): Promise<boolean> {
    const since = BigInt(position.mtime === "" ? 0 : position.mtime);
    const copies = this.#known.filter(({ copy }) => copy === true).map(keyOf);
    const all = [...this.#entries.values()].filter((e) => this.#free.has(keyOf(e)) || copies.includes(keyOf(e)));
    const plain = all.filter(({ packed }) => packed === undefined);
    const likely = [
      ...plain.filter(({ mtime }) => mtime >= since),
      ...plain.filter(({ mtime }) => mtime < since).reverse(),
    ];
    for (const entry of likely) {
      if (entry.live && !extendsIt(entry, position)) continue;
      const file = await resumed(entry.name, position);
      if (file === undefined) continue;
      this.#taken.push(file);
      this.#claim(entry, true);
      const copy = this.#known.findIndex((known) => sameFile(known, entry));
      if (copy !== -1) this.#known.splice(copy, 1);
      return true;
    }
    for (const entry of all) {
      if (entry.packed === undefined || !this.#free.has(keyOf(entry))) continue;
      if (await this.#isPackedCopy(entry, position)) return true;
    }
    return false;
  }

  async #isPackedCopy(entry: Entry, position: Position): Promise<boolean> {
    if (entry.packed !== READABLE) {
      const whole = position.size === position.offset && sameSecond(entry, position);
      if (whole) this.#keep(entry, asKnown(entry));
      return whole;
    }
    const contents = await this.#contentsOf(entry);
    if (typeof contents === "string" || contents.prints.get(position.offset) !== position.print) return false;
    await this.#takePacked(entry, position.offset, contents, position.parts);
    return true;
  }

  async #judge(entry: Entry): Promise<void> {
    if (entry.live) return await this.#judgeLive(entry);
    if (this.#before.first || entry.mtime <= this.#before.forgotten) return await this.#keepAsItIs(entry);
    if (entry.packed === READABLE) return await this.#judgePacked(entry);
    if (entry.packed !== undefined) return this.#judgeUnreadable(entry);
    return await this.#judgePlain(entry);
  }

  async #judgeLive(entry: Entry): Promise<void> {
    const file = await openOr(entry.name);
    if (!(file instanceof TailedFile)) {
      this.#fault = file;
      return;
    }
    this.#taken.push(file);
    // The path may lead to another file since the listing.
    const { held, first } = this.#before;
    if (held.some(({ identity }) => sameFile(identity, file.identity))) {
      this.#taken.pop();
      return await file.close();
    }
    if (first) return await file.toEnd(this.#before.reach);
    const last = held.at(-1)?.position;
    // A program that replaces its log by an edited copy has not written the lines again.
    if (last !== undefined && last.offset > 0 && extendsIt(entry, last)) await file.resume(last);
  }

  async #judgePlain(entry: Entry): Promise<void> {
    const file = await openOr(entry.name);
    if (!(file instanceof TailedFile)) return this.#giveUp(entry, `it cannot be opened (${file})`);
    const { position } = file;
    const print = await file.printAt(entry.size);
    const known: Known = { ...position, offset: entry.size, print, size: entry.size, mtime: `${entry.mtime}` };
    const isCopy = await this.#isBeginningOfLog(entry, known);
    if (isCopy || this.#isTwin(entry, known)) {
      await file.close();
      return this.#keep(entry, isCopy ? { ...known, copy: true } : known);
    }
    if (this.#isDoubtful(entry)) return await file.close();
    const copied = this.#gone.find((gone) => gone.copy === true && sameFile(gone, entry));
    if (copied !== undefined) await file.resume(copied);
    this.#taken.push(file);
    this.#claim(entry, true);
  }

  /**
   * True for a copy of the log's beginning: while a log is copied to be emptied, both hold the same lines, and the copy is the
   * younger file. An older file with the same lines is an earlier log.
   */
  async #isBeginningOfLog({ birth }: Entry, { offset, print }: Known): Promise<boolean> {
    const live = [...this.#entries.values()].find((entry) => entry.live);
    if (offset === 0 || live === undefined || live.size < offset || birth < live.birth) return false;
    const open = [...this.#before.held, ...this.#taken].find((file) => sameFile(file.identity, live));
    // A log that was written anew was not copied since.
    if (this.#before.earlier.some((position) => sameFile(position, live)) && !this.#taken.some((f) => f === open))
      return false;
    if (open instanceof TailedFile) return (await open.printAt(offset)) === print;
    if (birth === 0n) return false;
    const file = await openOr(live.name);
    if (!(file instanceof TailedFile)) return false;
    try {
      return (await file.printAt(offset)) === print;
    } finally {
      await file.close();
    }
  }

  /** True for a known file in another place: moved across disks, unpacked, or copied with its times. */
  #isTwin(entry: Entry, { offset, print }: Known): boolean {
    if (offset === 0) return false;
    const alike = (known: Known): boolean => known.offset === offset && known.print === print;
    const gone = this.#gone.findIndex((known) => alike(known) && sameSecond(entry, known));
    if (gone !== -1) this.#gone.splice(gone, 1);
    return gone !== -1 || this.#known.some((known) => alike(known) && known.mtime === `${entry.mtime}`);
  }

  async #judgePacked(entry: Entry): Promise<void> {
    const contents = await this.#contentsOf(entry);
    if (contents === "partial" && (this.#hasOriginal(entry) || this.#isYoung(entry))) {
      this.#pending = true;
      return;
    }
    if (typeof contents === "string") return this.#giveUp(entry, "it cannot be unpacked: it is damaged");
    const { length, prints } = contents;
    const holds = ({ offset, print }: Position): boolean => offset > 0 && prints.get(offset) === print;
    const isHeld = (await this.#heldEnds()).some(holds);
    // Should the daemon end now, only this copy has the unread rest of an open file: it stays unknown until that rest is read.
    if (isHeld && this.#before.held.some((file) => file.position.size > file.offset)) return;
    const isKnown = this.#known.some((known) => holds(known) && known.offset === length && sameSecond(entry, known));
    if (isHeld || isKnown || length === 0) return this.#keep(entry, asKnown(entry));
    const gone = this.#gone.findIndex(
      (known) => (holds(known) && (sameSecond(entry, known) || known.offset >= BEFORE)) || isUnpacked(entry, known),
    );
    if (gone !== -1) {
      const [known] = this.#gone.splice(gone, 1);
      return await this.#takePacked(entry, known?.packed === true ? length : (known?.offset ?? 0), contents);
    }
    if (!this.#isDoubtful(entry)) await this.#takePacked(entry, 0, contents);
  }

  async #takePacked(entry: Entry, offset: number, { length }: Contents, parts = 0): Promise<void> {
    if (length === offset) return this.#keep(entry, asKnown(entry));
    this.#taken.push(await CompressedLog.open(entry.name, offset, parts));
    this.#claim(entry, true);
  }

  #judgeUnreadable(entry: Entry): void {
    if (this.#hasOriginal(entry)) {
      this.#pending = true;
      return;
    }
    const whole = this.#before.earlier.filter(({ offset, size }) => offset === size);
    const held = [...this.#before.held.map(({ position }) => position), ...whole];
    const stands = (known: Position): boolean =>
      sameSecond(entry, known) || basename(known.name) + (entry.packed ?? "") === basename(entry.name);
    const gone = this.#gone.findIndex(stands);
    if (gone !== -1) this.#gone.splice(gone, 1);
    if (gone !== -1 || held.some(stands) || this.#known.some((known) => sameSecond(entry, known))) {
      this.#keep(entry, asKnown(entry));
    } else if (!this.#isDoubtful(entry))
      this.#giveUp(entry, `${entry.packed} files cannot be unpacked here, .gz files can`);
  }

  #giveUp(entry: Entry, why: string): void {
    this.#unreadable.push({ entry, why });
    this.#keep(entry, asKnown(entry));
  }

  #isDoubtful({ rotated }: Entry): boolean {
    return rotated?.doubtful === true && !this.#styles.has(rotated.style);
  }

  #isYoung({ mtime }: Entry): boolean {
    return BigInt(Math.round(this.#before.now - COMPRESSING)) * 1_000_000n < mtime;
  }

  /** True when the original, which the compressor reads, is still there. */
  #hasOriginal({ name, packed = "" }: Entry): boolean {
    const original = name.slice(0, name.length - packed.length);
    return [...this.#entries.values()].some((entry) => entry.name === original);
  }

  async #keepAsItIs(entry: Entry): Promise<void> {
    if (entry.packed !== undefined) return this.#keep(entry, asKnown(entry));
    const file = await openOr(entry.name);
    if (!(file instanceof TailedFile)) return this.#keep(entry, asKnown(entry));
    const print = await file.printAt(entry.size);
    await file.close();
    this.#keep(entry, { ...asKnown(entry), offset: entry.size, print });
  }

  async #contentsOf(entry: Entry): Promise<Contents | "partial" | "damaged"> {
    const { known, earlier } = this.#before;
    const places = [...(await this.#heldEnds()), ...known, ...earlier].map(({ offset }) => offset);
    const contents = this.#contents.get(keyOf(entry)) ?? (await contentsOf(entry.name, places));
    this.#contents.set(keyOf(entry), contents);
    return contents;
  }

  /** The ends of the open files, whose lines are read from them and not from a copy. */
  async #heldEnds(): Promise<readonly Position[]> {
    if (this.#ends !== undefined) return this.#ends;
    const ends: Position[] = [];
    for (const file of this.#before.held) {
      if (!(file instanceof TailedFile)) continue;
      const offset = await file.size();
      ends.push({ ...file.position, offset, print: await file.printAt(offset) });
    }
    this.#ends = ends;
    return ends;
  }

  #keep(entry: Entry, known: Known): void {
    this.#known.push({ ...known, name: entry.name });
    this.#claim(entry, known.ours === true);
  }

  #claim(entry: Entry, ours: boolean): void {
    this.#free.delete(keyOf(entry));
    if (ours && entry.rotated !== undefined) this.#styles.add(entry.rotated.style);
  }

  #ordered(): LogFile[] {
    const order = [...this.#entries.keys()];
    const files = [...this.#before.held, ...this.#taken].map((file) => {
      const entry = this.#entries.get(keyOf(file.identity));
      const { mtime } = file.position;
      return {
        file,
        live: entry?.live === true,
        mtime: entry?.mtime ?? BigInt(mtime === "" ? 0 : mtime),
        place: order.indexOf(keyOf(file.identity)),
      };
    });
    files.sort((a, b) => {
      if (a.live !== b.live) return a.live ? 1 : -1;
      if (a.mtime !== b.mtime) return a.mtime < b.mtime ? -1 : 1;
      return a.place - b.place;
    });
    return files.map(({ file }) => file);
  }
}

/** True for a file that may be a log replaced by a copy of itself, rather than the same lines written again. */
function extendsIt(entry: Entry, position: Position): boolean {
  return entry.size > position.offset || position.offset > AGAIN_LIMIT;
}

/** Compressors give their output the time of their input, some of them in whole seconds. */
function sameSecond(entry: Entry, { mtime }: Position): boolean {
  return mtime !== "" && BigInt(mtime) / SECOND === entry.mtime / SECOND;
}

/** True for a known compressed file that has another name or inode now. */
function isUnpacked(entry: Entry, known: Known): boolean {
  return known.packed === true && known.size === entry.size && `${entry.mtime}` === known.mtime;
}

function asKnown({ dev, ino, name, size, mtime, packed }: Entry): Known {
  const plain = { dev, ino, name, offset: size, print: "", size, mtime: `${mtime}` };
  return packed === undefined ? plain : { ...plain, packed: true };
}

async function resumed(name: string, position: Position): Promise<TailedFile | undefined> {
  const file = await openOr(name);
  if (!(file instanceof TailedFile)) return undefined;
  if (await file.resume(position)) {
    file.seenAt(name);
    return file;
  }
  await file.close();
  return undefined;
}

async function openOr(name: string): Promise<TailedFile | string> {
  try {
    return await TailedFile.open(name);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? "unknown";
  }
}
