import { closeSync, fstatSync, openSync, readdirSync, readFileSync, readSync } from "node:fs";
import { join } from "node:path";
import { StewardError } from "../../message/errors.ts";
import {
  FILE_HEADER,
  frameAt,
  type Header,
  hasFrameAfter,
  LOG_VERSION,
  type Mark,
  readHeader,
  wasWhole,
} from "./log-format.ts";

/** Files of the log, in the journal's directory. */
export const LOG_FILE = /^wal-\d+\.log$/;

/** The content of a log, and the place where writing continues. */
export interface LogState {
  /** Every record after `released`, oldest first; after a hole there is none. */
  readonly records: readonly unknown[];
  /** The reason to think that acknowledged records are missing; `undefined`: none. */
  readonly hole: string | undefined;
  /** The end of the valid records. */
  readonly end: Mark;
  /** The header of a segment that was begun and holds no records: the log goes on in it. */
  readonly empty: Header | undefined;
  readonly released: number;
  /** The highest segment number so far. */
  readonly highest: number;
  /** By name, with the segment that each may hold. */
  readonly files: ReadonlyMap<string, number>;
}

/** The state of the log as LMDB has noted it. */
export interface LogExpected {
  /** Number of files, when last noted. */
  readonly files: number;
  /** A file of the log has this size at least. */
  readonly bytes: number;
  /** A segment of which the header was on the disk before its number was written down. */
  readonly begun?: number | undefined;
}

interface Segment {
  readonly header: Header & { readonly version: number };
  readonly bytes: Buffer;
}

/**
 * Reads the log back along the chain of its headers, from the newest to the last that is released, then forward.
 *
 * @param mark highest segment whose content is safe elsewhere; `undefined`: nobody knows. Then all is read that is there:
 * a file is written again only when its segment is safe, and to bring the same rows twice does no harm
 * @param expected `undefined`: everything that was in the log is safe elsewhere, whatever became of its files
 * @throws StewardError `journal-version`
 */
export function readLog(directory: string, mark: number | undefined, expected?: LogExpected): LogState {
  const released = mark ?? 0;
  const files = new Map<string, number>();
  const segments = new Map<number, Segment>();
  let headless = 0;
  let short: string | undefined;
  for (const name of readdirSync(directory).filter((entry) => LOG_FILE.test(entry))) {
    const { bytes, size } = contentOf(join(directory, name), released);
    const header = readHeader(bytes);
    // A header goes to the disk together with its first frame, and before it: one that is damaged alone has rotted.
    const segment = header?.segment ?? frameAt(bytes, FILE_HEADER, LOG_VERSION)?.segment ?? 0;
    files.set(name, segment);
    if (expected !== undefined && size < expected.bytes)
      short ??= `${name} of its log has ${size} bytes of ${expected.bytes}`;
    if (segment <= released) continue;
    if (header === undefined) {
      headless = Math.max(headless, segment);
      continue;
    }
    const { version } = header;
    if (version > LOG_VERSION)
      throw new StewardError("journal-version", { path: join(directory, name), version, supported: LOG_VERSION });
    segments.set(segment, { header, bytes });
  }
  const { chain, missing } = chainOf(segments, released, mark !== undefined);
  if (expected !== undefined && files.size < expected.files)
    short ??= `its log has ${files.size} files of ${expected.files}`;
  const records: unknown[] = [];
  let end: Mark = { segment: released, at: 0, crc: 0 };
  let hole = missing;
  let goesOn = false;
  for (const [i, segment] of chain.entries()) {
    const read = framesOf(segment, chain[i + 1]?.header.before);
    for (const record of read.records) records.push(record);
    end = read.end;
    goesOn = read.isLast;
    if (read.hole === undefined) continue;
    hole = read.hole;
    break;
  }
  const newest = Math.max(released, ...segments.keys());
  hole ??= short;
  if (headless > newest) hole ??= `the header of its log's segment ${headless} is damaged`;
  if (goesOn || (expected?.begun ?? 0) > newest) hole ??= `the segment of its log after ${end.segment} is missing`;
  const highest = Math.max(newest, headless, ...files.values());
  const isEmpty = hole === undefined && end.segment === highest && end.at === FILE_HEADER;
  return { records, hole, end, empty: isEmpty ? chain.at(-1)?.header : undefined, released, highest, files };
}

/** The bytes of a file, or its header alone if its segment is released: such frames are not needed. */
function contentOf(path: string, released: number): { readonly bytes: Buffer; readonly size: number } {
  const file = openSync(path, "r");
  try {
    const { size } = fstatSync(file);
    const head = Buffer.alloc(Math.min(FILE_HEADER, size));
    readSync(file, head, 0, head.length, 0);
    const header = readHeader(head);
    const isReleased = header !== undefined && header.segment <= released;
    return { bytes: isReleased ? head : readFileSync(file), size };
  } finally {
    closeSync(file);
  }
}

/** The unbroken chain of segments, oldest first, up to the first missing one. */
function chainOf(
  segments: ReadonlyMap<number, Segment>,
  released: number,
  isSure: boolean,
): { chain: readonly Segment[]; missing: string | undefined } {
  let chain: Segment[] = [];
  let missing: string | undefined;
  for (let number = Math.max(0, ...segments.keys()); number > released; ) {
    const segment = segments.get(number);
    if (segment === undefined) {
      if (!isSure) break;
      missing = `segment ${number} of its log is missing`;
      chain = [];
      // Segments before the hole stay valid.
      number = Math.max(0, ...[...segments.keys()].filter((other) => other < number));
      continue;
    }
    chain.unshift(segment);
    number = segment.header.before.segment;
  }
  return { chain, missing };
}

interface Read extends Pick<LogState, "records" | "hole" | "end"> {
  /** True: the last frame says that the log goes on. */
  readonly isLast: boolean;
}

/** @param until where the segment after it says that it ends; without one it is the last */
function framesOf({ header, bytes }: Segment, until: Mark | undefined): Read {
  const { segment } = header;
  const records: unknown[] = [];
  let isLast = false;
  let end: Mark = { segment, at: FILE_HEADER, crc: 0 };
  while (until === undefined || end.at < until.at) {
    const frame = frameAt(bytes, end.at, header.version);
    if (frame === undefined || frame.segment !== segment % 0x1_0000_0000) break;
    const read: readonly unknown[] = JSON.parse(frame.body.toString("utf8"));
    isLast = read.length === 0;
    for (const record of read) records.push(record);
    end = { segment, at: frame.end, crc: frame.crc };
  }
  // Only the last write may be torn: each begins once the one before it is durable.
  const whole =
    until === undefined
      ? !hasFrameAfter(bytes, end.at, segment, header.version) && !wasWhole(bytes, end.at, segment)
      : end.at === until.at && end.crc === until.crc;
  return {
    records,
    end,
    isLast,
    hole: whole ? undefined : `segment ${segment} of its log is damaged at byte ${end.at}`,
  };
}
