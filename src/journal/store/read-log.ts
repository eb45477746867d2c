import { closeSync, fstatSync, openSync, readdirSync, readFileSync, readSync } from "node:fs";
import { join } from "node:path";
import { StewardError } from "../../message/errors.ts";
import {
  FILE_HEADER,
  frameAt,
  type Header,
  LOG_VERSION,
  type Mark,
  mendedFrame,
  nextFrame,
  readHeader,
  wasWhole,
} from "./log-format.ts";

/** Files of the log, in the journal's directory. */
export const LOG_FILE = /^wal-\d+\.log$/;

/** The content of a log, and the place where writing continues. */
export interface LogState {
  /** Every record after `released`, oldest first. */
  readonly records: readonly unknown[];
  /** The reason to think that acknowledged records are missing; `undefined`: none. */
  readonly hole: string | undefined;
  /** True: there are later records than the missing ones. */
  readonly goesOnAfter: boolean;
  /** The damage that was put right, without a loss. */
  readonly mended: string | undefined;
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
  const chain = chainOf(segments, released, mark !== undefined);
  if (expected !== undefined && files.size < expected.files)
    short ??= `its log has ${files.size} files of ${expected.files}`;
  const records: unknown[] = [];
  let end: Mark = { segment: released, at: 0, crc: 0 };
  let hole: string | undefined;
  let mended: string | undefined;
  let goesOnAfter = false;
  let goesOn = false;
  for (const [i, segment] of chain.entries()) {
    const { before, knowsHole } = segment.header;
    const isMissing = mark !== undefined && before.segment > Math.max(released, chain[i - 1]?.header.segment ?? 0);
    if (isMissing) hole ??= `segment ${before.segment} of its log is missing`;
    if (knowsHole) {
      hole = undefined;
      goesOnAfter = false;
    }
    const next = chain[i + 1]?.header.before;
    // The header behind a missing segment tells where that one ended.
    const read = framesOf(segment, next?.segment === segment.header.segment ? next : undefined);
    for (const record of read.records) records.push(record);
    goesOnAfter ||= read.goesOnAfter || (hole !== undefined && read.records.length > 0);
    end = read.end;
    goesOn = read.isLast;
    hole ??= read.hole;
    mended ??= read.mended;
  }
  const newest = Math.max(released, ...segments.keys());
  hole ??= short;
  if (headless > newest) hole ??= `the header of its log's segment ${headless} is damaged`;
  if (goesOn || (expected?.begun ?? 0) > newest) hole ??= `the segment of its log after ${end.segment} is missing`;
  const highest = Math.max(newest, headless, ...files.values());
  const isEmpty = hole === undefined && end.segment === highest && end.at === FILE_HEADER;
  const empty = isEmpty ? chain.at(-1)?.header : undefined;
  return { records, hole, goesOnAfter, mended, end, empty, released, highest, files };
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

/** The segments, oldest first: those of the chain, and what is there before a missing one. */
function chainOf(segments: ReadonlyMap<number, Segment>, released: number, isSure: boolean): readonly Segment[] {
  const chain: Segment[] = [];
  for (let number = Math.max(0, ...segments.keys()); number > released; ) {
    const segment = segments.get(number);
    if (segment !== undefined) {
      chain.unshift(segment);
      number = segment.header.before.segment;
    } else if (isSure) number = Math.max(0, ...[...segments.keys()].filter((other) => other < number));
    else break;
  }
  return chain;
}

interface Read extends Pick<LogState, "records" | "hole" | "goesOnAfter" | "mended" | "end"> {
  /** True: the last frame says that the log goes on. */
  readonly isLast: boolean;
}

/** @param until where the segment after it says that it ends; without one it is the last */
function framesOf({ header, bytes }: Segment, until: Mark | undefined): Read {
  const { segment, version } = header;
  const records: unknown[] = [];
  let isLast = false;
  let end: Mark = { segment, at: FILE_HEADER, crc: 0 };
  let holeAt: number | undefined;
  let mendedAt: number | undefined;
  while (until === undefined || end.at < until.at) {
    let frame = frameAt(bytes, end.at, version);
    if (frame?.segment !== segment % 0x1_0000_0000) {
      frame = mendedFrame(bytes, end.at, segment);
      if (frame !== undefined) mendedAt ??= end.at;
    }
    if (frame === undefined) {
      // Each write began once the one before it was durable: what comes later is later, whatever became of this one.
      frame = nextFrame(bytes, end.at, segment, version);
      if (frame === undefined) break;
      holeAt ??= end.at;
    }
    const read: readonly unknown[] = JSON.parse(frame.body.toString("utf8"));
    isLast = read.length === 0;
    for (const record of read) records.push(record);
    end = { segment, at: frame.end, crc: frame.crc };
  }
  const goesOnAfter = holeAt !== undefined;
  // Only the last write may be torn.
  const whole = until === undefined ? !wasWhole(bytes, end.at, segment) : end.at === until.at && end.crc === until.crc;
  if (!whole) holeAt ??= end.at;
  const at = (place: number | undefined, what: string): string | undefined =>
    place === undefined ? undefined : `segment ${segment} of its log ${what} at byte ${place}`;
  return {
    records,
    end,
    isLast,
    goesOnAfter,
    hole: at(holeAt, "is damaged"),
    mended: at(mendedAt, "had a turned bit"),
  };
}
