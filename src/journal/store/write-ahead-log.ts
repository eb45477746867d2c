import {
  closeSync,
  constants,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  write,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import type { Clock } from "../../message/clock.ts";
import {
  FILE_HEADER,
  FRAME_HEADER,
  type Header,
  headerOf,
  lastFrame,
  type Mark,
  sealFrame,
  TRAILER,
} from "./log-format.ts";
import type { LogState } from "./read-log.ts";

/**
 * A log of transactions in a few files that are written again and again: one *segment* at a time fills a file from its
 * start. The files have their full size from the beginning, so that a write never changes more than data, and they are
 * open for synchronous data: a transaction costs one short trip to the disk. How it lies in the file: log-format.ts.
 *
 * Invariants: records for which `append` has called back without an error survive a crash. After a failed write its file
 * is not written again before it is released, for the state of its bytes is unknown. The records go into another file, of
 * which the header says where the one before it ends. The header of the next segment is on the disk before the last frame
 * of a segment says that the log goes on, and before the segment's rows are moved.
 * One file more than needed is made in advance: it is the room for what is owed once the disk is full.
 */
export interface WriteAheadLog {
  /**
   * Hands records to the disk, the text of each in pieces; `done` is called with an error, or once they are durable. One
   * call at a time. After an error none of them counts, and they may be handed over again.
   */
  append(records: readonly LogRecord[], done: (error: Error | null) => void): void;
  /** Later records go into another segment; no records may be on their way until `done`. */
  rotate(done: (rotated: Rotated) => void): void;
  /** Files with segments up to this one may be written again. */
  release(segment: number): void;
  /** Bytes that are not released, and how many fit into a segment without growing its file. */
  readonly size: number;
  readonly capacity: number;
  readonly files: number;
  close(): void;
}

export interface Rotated {
  /** The last complete segment. */
  readonly complete: number;
  /** The next segment, whose header is on the disk; `undefined`: the disk did not take it. */
  readonly begun: number | undefined;
}

/** JSON; its pieces follow each other. */
export type LogRecord = readonly string[];

export const CAPACITY = 4 * 1024 * 1024;
/** Least number of files: one is written, one is being moved to LMDB, and one is the reserve for a full disk. */
const FILES = 3;
const SCRATCH = 64 * 1024;
/**
 * A write that takes longer than AT_ONCE, ms, is slow. When more than one in SLOW is, so many as PATIENCE go to another
 * thread before the disk is tried again.
 */
const AT_ONCE = 2;
const SLOW = 5;
const TOO_SLOW = 25;
const PATIENCE = 200;

/** @param state the state of the log, as `readLog` found it */
export function openLog(directory: string, state: LogState, clock: Clock): WriteAheadLog {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  /** Files by name, with the segment that each holds. */
  const files = new Map(state.files);
  /** Files that lost their end, with the segment of which each may still hold records. Another file takes the place of each. */
  const worn = new Map<string, number>();
  for (const [name, held] of files) {
    if (statSync(join(directory, name)).size >= CAPACITY) continue;
    files.delete(name);
    worn.set(name, held);
  }
  let free = state.released;
  let segment = state.highest;
  let file = state.empty === undefined ? undefined : openHeld(directory, files, segment);
  let header = file === undefined ? undefined : state.empty;
  /** For the first header from now on. */
  let knowsHole = state.hole !== undefined;
  /** Where what is durable ends. */
  let end = header?.before ?? state.end;
  /** The segment that does not say yet that the log goes on in another one. */
  let ended: Ended | undefined;
  if (state.hole === undefined && end.segment > free) {
    const last = openHeld(directory, files, end.segment);
    if (last !== undefined) ended = { file: last, end };
  }
  /** Bytes of earlier segments that are not released. */
  const earlier = new Map<number, number>();
  let scratch = Buffer.allocUnsafe(SCRATCH);
  /** Above 0: writes are made in place. Below: so many more are handed to another thread first. */
  let inPlace = 0;
  /** A score of how slow the latest writes in place were. */
  let slow = 0;
  makeSpares();

  const size = (): number => (end.segment === segment ? end.at : 0);

  /** Best effort: a disk that is full has none to give. */
  function makeSpares(): void {
    try {
      removeWorn();
      while (files.size < FILES) create();
    } catch {
      // Tried again when one is needed.
    }
  }

  /** No sooner than its records are safe elsewhere; a file that stayed would be missed as damaged at each start to come. */
  function removeWorn(): void {
    for (const [name, held] of worn) {
      if (held > free) continue;
      rmSync(join(directory, name), { force: true });
      worn.delete(name);
    }
  }

  function create(): string {
    let number = files.size;
    while (files.has(`wal-${number}.log`) || worn.has(`wal-${number}.log`)) number++;
    const name = `wal-${number}.log`;
    makeFile(directory, name);
    files.set(name, 0);
    return name;
  }

  function begin(): number {
    const [name] = [...files].find(([, held]) => held <= free) ?? [create()];
    const opened = openSync(join(directory, name), constants.O_WRONLY | constants.O_DSYNC);
    segment++;
    files.set(name, segment);
    header = { segment, before: end, knowsHole };
    knowsHole = false;
    return opened;
  }

  /** @param isSure nothing in the file is in doubt */
  function leave(isSure: boolean): void {
    if (size() > 0) earlier.set(segment, size());
    if (file === undefined) return;
    if (isSure && size() > 0) {
      forgetEnded();
      ended = { file, end };
    } else closeSync(file);
    file = undefined;
  }

  function forgetEnded(): void {
    if (ended !== undefined) closeSync(ended.file);
    ended = undefined;
  }

  /** Writes the last frame of the segment before, once the next one is on the disk. The segment's own records count without that frame. */
  function conclude(done: () => void): void {
    const last = ended;
    ended = undefined;
    if (last === undefined) done();
    else
      writeAt(last.file, lastFrame(last.end.segment), last.end.at, () => {
        closeSync(last.file);
        done();
      });
  }

  /** The records as one frame, behind the header if it is the first, in one buffer that is used again and again. */
  function gather(records: readonly LogRecord[]): { bytes: Buffer; crc: number } {
    let most = FILE_HEADER + FRAME_HEADER + 2 + TRAILER;
    for (const record of records) {
      most++;
      for (const piece of record) most += 3 * piece.length;
    }
    if (scratch.length < most) scratch = Buffer.allocUnsafe(2 * most);
    const start = size() === 0 && header !== undefined ? headerOf(header).copy(scratch) : 0;
    let at = start + FRAME_HEADER;
    for (const [i, record] of records.entries()) {
      scratch[at++] = i === 0 ? OPENING : COMMA;
      for (const piece of record) at += scratch.write(piece, at);
    }
    scratch[at++] = CLOSING;
    const { end: after, crc } = sealFrame(scratch, start, at, segment);
    return { bytes: scratch.subarray(0, after), crc };
  }

  function writeInPlace(to: number, bytes: Buffer, from: number): Error | null {
    const began = clock.monotonic();
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(to, bytes, at, bytes.length - at, from + at);
    } catch (error) {
      return error as Error;
    }
    slow = Math.max(0, slow + (clock.monotonic() - began > AT_ONCE ? SLOW : -1));
    if (slow > TOO_SLOW) {
      slow = 0;
      inPlace = -PATIENCE;
    }
    return null;
  }

  /** A disk that answers at once is written to in place: to hand the write to another thread costs more than the write. */
  function writeAt(to: number, bytes: Buffer, from: number, done: (error: Error | null) => void): void {
    if (inPlace > 0) {
      done(writeInPlace(to, bytes, from));
      return;
    }
    inPlace++;
    const writeFrom = (at: number): void => {
      write(to, bytes, at, bytes.length - at, from + at, (error, count) => {
        if (error !== null) return done(error);
        if (at + count < bytes.length) return writeFrom(at + count);
        done(null);
      });
    };
    writeFrom(0);
  }

  return {
    capacity: CAPACITY,
    get files() {
      return files.size;
    },
    get size() {
      let sum = size();
      for (const bytes of earlier.values()) sum += bytes;
      return sum;
    },
    append(records, done) {
      const failed = (error: Error): void => {
        leave(false);
        done(error);
      };
      let opened: number;
      try {
        if (size() > CAPACITY) leave(true);
        file ??= begin();
        opened = file;
      } catch (error) {
        return failed(error as Error);
      }
      const { bytes, crc } = gather(records);
      const from = size();
      writeAt(opened, bytes, from, (error) => {
        if (error !== null) return failed(error);
        end = { segment, at: from + bytes.length, crc };
        conclude(() => done(null));
      });
    },
    rotate(done) {
      // The last rotation has begun one, and nothing came since.
      if (file !== undefined && size() === 0) return done({ complete: segment - 1, begun: segment });
      leave(true);
      const complete = segment;
      const failed = (): void => {
        leave(false);
        done({ complete, begun: undefined });
      };
      try {
        file = begin();
      } catch {
        return failed();
      }
      writeAt(file, headerOf(header as Header), 0, (error) => {
        if (error !== null) return failed();
        conclude(() => done({ complete, begun: segment }));
      });
    },
    release(complete) {
      free = complete;
      // The file may hold another segment from now on.
      if (ended !== undefined && ended.end.segment <= complete) forgetEnded();
      for (const one of earlier.keys()) if (one <= complete) earlier.delete(one);
      makeSpares();
    },
    close() {
      leave(false);
      forgetEnded();
    },
  };
}

/** A segment of which everything counts, and where it ends. */
interface Ended {
  readonly file: number;
  readonly end: Mark;
}

/** The file that holds the segment; `undefined`: there is none that takes a write. */
function openHeld(directory: string, files: ReadonlyMap<string, number>, segment: number): number | undefined {
  const [name] = [...files].find(([, held]) => held === segment) ?? [];
  if (name === undefined) return undefined;
  try {
    return openSync(join(directory, name), constants.O_WRONLY | constants.O_DSYNC);
  } catch {
    return undefined;
  }
}

const OPENING = 0x5b;
const COMMA = 0x2c;
const CLOSING = 0x5d;

/** A file of the log has its full size from its first moment: a shorter one has lost something. */
function makeFile(directory: string, name: string): void {
  const path = join(directory, "wal.new");
  const file = openSync(path, "w", 0o600);
  try {
    const zeros = Buffer.alloc(CAPACITY);
    for (let at = 0; at < CAPACITY; ) at += writeSync(file, zeros, at);
    fsyncSync(file);
  } catch (error) {
    // An incomplete file would only take up room.
    rmSync(path);
    throw error;
  } finally {
    closeSync(file);
  }
  renameSync(path, join(directory, name));
  const entries = openSync(directory, "r");
  try {
    fsyncSync(entries);
  } finally {
    closeSync(entries);
  }
}
