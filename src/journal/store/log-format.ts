import { crc32 } from "node:zlib";

/**
 * The layout of a segment of the write-ahead log in its file, little-endian. This version stays readable for ever.
 *
 *   file     header, then frames, then whatever an earlier segment left there
 *   header   0 magic u32 · 4 version u16 · 6 one where what is missing before it is known, u16 · 8 segment u48 · 14 zero · 16 the segment before it u48 · 22 zero ·
 *            24 where that one ends u32 · 28 crc of its last frame u32 · 32 zero · 36 crc32 of these 36 bytes
 *   frame    0 segment, its low 32 bits · 4 length of the body · 8 crc32 of these 8 bytes and the body · 12 body · trailer
 *   trailer  the three numbers before the body once more, the last first: it tells a frame that was written whole and has
 *            rotted since from one that a power cut tore. Version 1 has none.
 *   body     JSON: the records of one write to the disk, a list. A record is a turn: a list of `[table, key, value?]`,
 *            the table by its position in TABLES, without a value the row is removed. An empty list is the last frame of
 *            a segment: the log goes on in another one, whose header was on the disk before.
 *
 * Magic, version, segment and the header's crc keep their places in every version. The chain of headers says what belongs
 * to the log: a hole in it is rot, a tear at its very end is a write that nobody was told of.
 */
export const LOG_VERSION = 2;
export const FILE_HEADER = 40;
export const FRAME_HEADER = 12;
export const TRAILER = 12;

const MAGIC = 0x474c_5453;
const CRC_AT = FILE_HEADER - 4;
const CRC_IN_FRAME = 8;
const NO_RECORDS = "[]";
/** The polynomial of crc32, its bits reversed. */
const POLYNOMIAL = 0xedb8_8320;

/** A place in the log; `crc`: the crc of the last frame before this place. */
export interface Mark {
  readonly segment: number;
  readonly at: number;
  readonly crc: number;
}

export interface Header {
  readonly segment: number;
  /** The end of the log when this segment began. */
  readonly before: Mark;
  /** True: what is missing before it was told, and the journal has drawn the consequences. */
  readonly knowsHole?: boolean;
}

export function headerOf({ segment, before, knowsHole = false }: Header, version = LOG_VERSION): Buffer {
  const bytes = Buffer.alloc(FILE_HEADER);
  bytes.writeUInt32LE(MAGIC, 0);
  bytes.writeUInt16LE(version, 4);
  bytes.writeUInt16LE(knowsHole ? 1 : 0, 6);
  bytes.writeUIntLE(segment, 8, 6);
  bytes.writeUIntLE(before.segment, 16, 6);
  bytes.writeUInt32LE(before.at, 24);
  bytes.writeUInt32LE(before.crc, 28);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, CRC_AT)), CRC_AT);
  return bytes;
}

/**
 * `undefined`: the header is missing or damaged; one turned bit is put right. In other versions than LOG_VERSION only segment
 * and version are valid.
 */
export function readHeader(bytes: Buffer): (Header & { readonly version: number }) | undefined {
  if (bytes.length < FILE_HEADER) return undefined;
  const head = Buffer.from(bytes.subarray(0, FILE_HEADER));
  const difference = crc32(head.subarray(0, CRC_AT)) ^ head.readUInt32LE(CRC_AT);
  if (difference !== 0 && !turnBack(head.subarray(0, CRC_AT), difference)) return undefined;
  if (head.readUInt32LE(0) !== MAGIC) return undefined;
  const before = { segment: head.readUIntLE(16, 6), at: head.readUInt32LE(24), crc: head.readUInt32LE(28) };
  const knowsHole = head.readUInt16LE(6) === 1;
  return { version: head.readUInt16LE(4), segment: head.readUIntLE(8, 6), before, knowsHole };
}

/**
 * Puts the one bit right that turned in `bytes`, or in the crc that was noted of them. False: more than one did.
 *
 * @param difference the crc of the bytes, exclusive or the noted one: each single bit makes another difference
 */
function turnBack(bytes: Buffer, difference: number): boolean {
  const wanted = difference >>> 0;
  // A power of two: the noted crc itself is off.
  if (wanted !== 0 && (wanted & (wanted - 1)) === 0) return true;
  let marks = Array.from({ length: 8 }, (_, bit) => ROUNDS[1 << bit] as number);
  for (let at = bytes.length - 1; at >= 0; at--) {
    const bit = marks.indexOf(wanted);
    if (bit !== -1) {
      bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
      return true;
    }
    marks = marks.map((mark) => ((ROUNDS[mark & 0xff] as number) ^ (mark >>> 8)) >>> 0);
  }
  return false;
}

/** The crc32 register after one byte. */
const ROUNDS = Array.from({ length: 256 }, (_, byte) => {
  let register = byte;
  for (let bit = 0; bit < 8; bit++) register = (register & 1) === 1 ? (register >>> 1) ^ POLYNOMIAL : register >>> 1;
  return register >>> 0;
});

/** The frame whose body lies behind its place in `bytes` already gets the rest: what stands before it, and its trailer. */
export function sealFrame(bytes: Buffer, from: number, to: number, segment: number): { end: number; crc: number } {
  const frame = bytes.subarray(from, to);
  const number = segment % 0x1_0000_0000;
  const length = frame.length - FRAME_HEADER;
  frame.writeUInt32LE(number, 0);
  frame.writeUInt32LE(length, 4);
  const crc = frameCrc(frame);
  frame.writeUInt32LE(crc, CRC_IN_FRAME);
  let end = bytes.writeUInt32LE(crc, to);
  end = bytes.writeUInt32LE(length, end);
  end = bytes.writeUInt32LE(number, end);
  return { end, crc };
}

/** The frame that says that the log goes on in another segment. */
export function lastFrame(segment: number): Buffer {
  const bytes = Buffer.alloc(FRAME_HEADER + NO_RECORDS.length + TRAILER);
  const to = FRAME_HEADER + bytes.write(NO_RECORDS, FRAME_HEADER);
  sealFrame(bytes, 0, to, segment);
  return bytes;
}

/** @param frame the frame without its trailer; its crc is not looked at */
function frameCrc(frame: Buffer): number {
  return crc32(frame.subarray(FRAME_HEADER), crc32(frame.subarray(0, CRC_IN_FRAME)));
}

export interface Frame {
  /** The low 32 bits of its segment. */
  readonly segment: number;
  readonly end: number;
  readonly crc: number;
  readonly body: Buffer;
}

/** The intact frame at `at`, of any segment. */
export function frameAt(bytes: Buffer, at: number, version: number): Frame | undefined {
  if (at + FRAME_HEADER > bytes.length) return undefined;
  const end = at + FRAME_HEADER + bytes.readUInt32LE(at + 4);
  if (end > bytes.length) return undefined;
  const frame = bytes.subarray(at, end);
  const crc = frame.readUInt32LE(CRC_IN_FRAME);
  if (frameCrc(frame) !== crc) return undefined;
  const trailer = version < 2 ? 0 : TRAILER;
  return { segment: frame.readUInt32LE(0), end: end + trailer, crc, body: frame.subarray(FRAME_HEADER) };
}

/** The frame of this segment at `at`, of which one bit has turned since it was written whole, put right. */
export function mendedFrame(bytes: Buffer, at: number, segment: number): Frame | undefined {
  const trailer = trailerOf(bytes, at, segment);
  if (trailer === undefined) return undefined;
  const { length, crc } = trailer;
  const frame = Buffer.from(bytes.subarray(at, at + FRAME_HEADER + length));
  const number = segment % 0x1_0000_0000;
  frame.writeUInt32LE(number, 0);
  frame.writeUInt32LE(length, 4);
  const difference = frameCrc(frame) ^ crc;
  if (difference !== 0 && !turnBack(frame.subarray(FRAME_HEADER), difference)) return undefined;
  if (frameCrc(frame) !== crc) return undefined;
  return { segment: number, end: at + frame.length + TRAILER, crc, body: frame.subarray(FRAME_HEADER) };
}

/** The next intact frame of this segment at `at` or later. JSON has no zero bytes, so few places are possible. */
export function nextFrame(bytes: Buffer, at: number, segment: number, version: number): Frame | undefined {
  for (const place of marksAfter(bytes, at, segment)) {
    const frame = frameAt(bytes, place, version);
    if (frame !== undefined) return frame;
  }
  return undefined;
}

/** True when the frame at `at` was written to its end, which its trailer proves even if the rest is damaged. */
export function wasWhole(bytes: Buffer, at: number, segment: number): boolean {
  return trailerOf(bytes, at, segment) !== undefined;
}

function trailerOf(bytes: Buffer, at: number, segment: number): { length: number; crc: number } | undefined {
  for (const place of marksAfter(bytes, at + FRAME_HEADER, segment)) {
    const length = place - 8 - FRAME_HEADER - at;
    if (length <= 0 || bytes.readUInt32LE(place - 4) !== length) continue;
    const crc = bytes.readUInt32LE(place - 8);
    // A frame that an earlier segment left may be as long as this segment's number: before it stands its own number, twice.
    if (crc !== length) return { length, crc };
  }
  return undefined;
}

function marksAfter(bytes: Buffer, at: number, segment: number): number[] {
  const mark = Buffer.alloc(4);
  mark.writeUInt32LE(segment % 0x1_0000_0000);
  const places: number[] = [];
  for (let i = bytes.indexOf(mark, at); i !== -1; i = bytes.indexOf(mark, i + 1)) places.push(i);
  return places;
}
