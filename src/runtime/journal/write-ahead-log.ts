import {
  closeSync,
  constants,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  write,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import type { Clock } from "../../message/clock.ts";

/**
 * A log of transactions in a few files that are written again and again: one *segment* at a time fills a file from its
 * start. The files have their full size from the beginning, so that a write never changes more than data, and they are
 * open for synchronous data: a transaction costs one short trip to the disk.
 *
 *   file     header (magic, segment number, its crc32), then records
 *   record   length, crc32, JSON; little-endian. The crc begins with the segment's number, so that what an earlier
 *            segment left in the same file is never taken for a record of this one.
 *
 * Invariants: what `append` has called back for survives a crash. Reading stops at the first record that is torn: it was
 * never acknowledged.
 */
export interface WriteAheadLog {
  /** Hands records to the disk; called with an error, or once they are durable. One call at a time. */
  append(records: readonly string[], done: (error: Error | null) => void): void;
  /** Goes on in another file; not while records are on their way. Returns the number of the segment that is complete. */
  rotate(): number;
  /** Files with segments up to this one may be written again. */
  release(segment: number): void;
  /** Bytes in the present segment, and how many fit without growing its file. */
  readonly size: number;
  readonly capacity: number;
  close(): void;
}

const MAGIC = 0x4c57_5453;
const FILE_HEADER = 16;
const RECORD_HEADER = 8;
const CAPACITY = 4 * 1024 * 1024;
const SCRATCH = 64 * 1024;
/**
 * A write that takes longer than AT_ONCE, ms, is slow. When more than one in SLOW is, so many as PATIENCE go to another
 * thread before the disk is tried again.
 */
const AT_ONCE = 1;
const SLOW = 5;
const TOO_SLOW = 25;
const PATIENCE = 1000;
const NAME = /^wal-\d+\.log$/;

/** Every intact record of the segments after `released`, oldest first. */
export function* readLog(directory: string, released: number): Generator<unknown> {
  const found = readdirSync(directory)
    .filter((name) => NAME.test(name))
    .map((name) => readFileSync(join(directory, name)))
    .flatMap((bytes) => {
      const segment = segmentOf(bytes);
      return segment === undefined || segment <= released ? [] : [{ segment, bytes }];
    })
    .sort((a, b) => a.segment - b.segment);
  for (const { segment, bytes } of found) {
    for (let at = FILE_HEADER; at + RECORD_HEADER <= bytes.length; ) {
      const length = bytes.readUInt32LE(at);
      const body = bytes.subarray(at + RECORD_HEADER, at + RECORD_HEADER + length);
      if (length === 0 || body.length < length || crc32(body, seed(segment)) !== bytes.readUInt32LE(at + 4)) break;
      yield JSON.parse(body.toString("utf8"));
      at += RECORD_HEADER + length;
    }
  }
}

/** @param released highest segment whose content is safe elsewhere */
export function openLog(directory: string, released: number, clock: Clock): WriteAheadLog {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  /** Files by name, with the segment that each holds. */
  const files = new Map<string, number>();
  for (const name of readdirSync(directory).filter((entry) => NAME.test(entry))) {
    files.set(name, segmentOf(readFileSync(join(directory, name)).subarray(0, FILE_HEADER)) ?? 0);
  }
  let segment = Math.max(released, ...files.values());
  let free = released;
  let size = 0;
  let scratch = Buffer.allocUnsafe(SCRATCH);
  /** Above 0: writes are made in place. Below: so many more are handed to another thread first. */
  let inPlace = 0;
  /** How slow the disk was of late when it was written to in place. */
  let slow = 0;
  let file = begin();

  /** The records as they lie in the file, in one buffer that is used again and again. */
  function gather(records: readonly string[]): Buffer {
    let most = FILE_HEADER;
    for (const record of records) most += RECORD_HEADER + 3 * record.length;
    if (scratch.length < most) scratch = Buffer.allocUnsafe(2 * most);
    let at = 0;
    if (size === 0) at += headerOf(segment).copy(scratch);
    for (const record of records) {
      const body = at + RECORD_HEADER;
      const length = scratch.write(record, body);
      scratch.writeUInt32LE(length, at);
      scratch.writeUInt32LE(crc32(scratch.subarray(body, body + length), seed(segment)), at + 4);
      at = body + length;
    }
    return scratch.subarray(0, at);
  }

  function begin(): number {
    segment++;
    const name = [...files].find(([, held]) => held <= free)?.[0] ?? create(directory, files.size);
    files.set(name, segment);
    size = 0;
    return openSync(join(directory, name), constants.O_WRONLY | constants.O_DSYNC);
  }

  return {
    capacity: CAPACITY,
    get size() {
      return size;
    },
    append(records, done) {
      const bytes = gather(records);
      // A disk that answers at once is written to in place: to hand the write to another thread costs more than the write.
      if (inPlace > 0) {
        const began = clock.monotonic();
        try {
          for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at, bytes.length - at, size + at);
        } catch (error) {
          return done(error as Error);
        }
        slow = Math.max(0, slow + (clock.monotonic() - began > AT_ONCE ? SLOW : -1));
        if (slow > TOO_SLOW) {
          slow = 0;
          inPlace = -PATIENCE;
        }
        size += bytes.length;
        return done(null);
      }
      inPlace++;
      const writeFrom = (at: number): void => {
        write(file, bytes, at, bytes.length - at, size + at, (error, written) => {
          if (error !== null) return done(error);
          if (at + written < bytes.length) return writeFrom(at + written);
          size += bytes.length;
          done(null);
        });
      };
      writeFrom(0);
    },
    rotate() {
      const complete = segment;
      closeSync(file);
      file = begin();
      return complete;
    },
    release(complete) {
      free = complete;
    },
    close: () => closeSync(file),
  };
}

function create(directory: string, number: number): string {
  const name = `wal-${number}.log`;
  const file = openSync(join(directory, name), "wx", 0o600);
  writeSync(file, Buffer.alloc(CAPACITY));
  fsyncSync(file);
  closeSync(file);
  const entries = openSync(directory, "r");
  fsyncSync(entries);
  closeSync(entries);
  return name;
}

function headerOf(segment: number): Buffer {
  const header = Buffer.alloc(FILE_HEADER);
  header.writeUInt32LE(MAGIC, 0);
  header.writeUIntLE(segment, 4, 6);
  header.writeUInt32LE(crc32(header.subarray(0, 10)), 12);
  return header;
}

function segmentOf(bytes: Buffer): number | undefined {
  if (bytes.length < FILE_HEADER || bytes.readUInt32LE(0) !== MAGIC) return undefined;
  return crc32(bytes.subarray(0, 10)) === bytes.readUInt32LE(12) ? bytes.readUIntLE(4, 6) : undefined;
}

function seed(segment: number): number {
  return segment % 0x1_0000_0000;
}
