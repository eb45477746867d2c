import { crc32, deflateRawSync, inflateRawSync } from "node:zlib";
import { faultText, StewardError } from "../errors.ts";
import { quoted } from "../subject.ts";
import { type FrameLimits, hasMoreParts } from "./bounds.ts";

/**
 * The packets that travel between two daemons: a frame carries a batch of one lane, an ACK answers it. Layout, version 1:
 *
 *   'S' 'W'  version  flags  body
 *
 * flags: 1 = the body is deflated (raw), 2 = an ACK, 4 = a refusal of a frame. The body is JSON with the short keys of the
 * wire types in `frame.ts`. The first key, `l`, is the subject for which the packet was sealed, so that a packet recorded on
 * one subject is refused on another. The last key, `h`, is the CRC-32 of the text before it: a damaged number must not pass
 * for another one.
 * No JSON text begins with 'S', so a plain NATS publisher's body is never mistaken for a frame.
 */
export const FRAME_VERSION = 1;
/** The version of sealed packets: `security/seal/sealed-packet.ts`. */
export const SEALED_VERSION = 2;
const HEADER = 4;
export const DEFLATED = 1;
const ACK = 2;
const REFUSAL = 4;
const CHECKSUM_KEY = Buffer.from(`,"h":`);
const CHECKSUM_LENGTH = 16;

/** Bodies of at most so many characters are parsed without counting their parts first: any such body is parsed in no time. */
const PARSED_UNSEEN = 320 * 1024;
/** Parts that a frame may have besides those of its messages' data. */
const OWN_PARTS = 64 * 1024;

export const KINDS = { frame: 0, ack: ACK, refusal: REFUSAL } as const;
export type Kind = (typeof KINDS)[keyof typeof KINDS];

/** True for a payload that claims to be a frame, an ACK or a refusal; anything else is a foreign body. */
export function isFrame(payload: Uint8Array): boolean {
  return payload.length >= HEADER && payload[0] === 0x53 && payload[1] === 0x57;
}

/** The kind of a packet: one of `KINDS`, or another number if the flags are unknown. */
export function kindOfPacket(payload: Uint8Array): number | undefined {
  return isFrame(payload) ? (payload[3] ?? 0) & ~DEFLATED : undefined;
}

/** `open`: the body's JSON text without its last key, `h`, and its closing brace. */
export function pack(open: string, kind: Kind, compressFrom: number | null): Uint8Array {
  const bytes = Buffer.allocUnsafe(HEADER + Buffer.byteLength(open) + CHECKSUM_LENGTH);
  const end = HEADER + bytes.write(open, HEADER);
  const length = end + bytes.write(`,"h":${crc32(bytes.subarray(HEADER, end))}}`, end, "latin1");
  const body = deflatedFrom(bytes.subarray(HEADER, length), compressFrom);
  bytes[0] = 0x53;
  bytes[1] = 0x57;
  bytes[2] = FRAME_VERSION;
  bytes[3] = body === undefined ? kind : kind | DEFLATED;
  return body === undefined ? bytes.subarray(0, length) : Buffer.concat([bytes.subarray(0, HEADER), body]);
}

/** The body of a packet that needs no checksum, and the flags of that packet. `open`: as for `pack`. */
export function packBody(open: string, kind: Kind, compressFrom: number | null): { flags: number; body: Uint8Array } {
  const bytes = Buffer.from(`${open}}`);
  const body = deflatedFrom(bytes, compressFrom);
  return body === undefined ? { flags: kind, body: bytes } : { flags: kind | DEFLATED, body };
}

/** The body deflated, if it is so large; `undefined`: it travels as it is. */
function deflatedFrom(body: Uint8Array, compressFrom: number | null): Uint8Array | undefined {
  return compressFrom !== null && body.length >= compressFrom ? deflateRawSync(body, { level: 6 }) : undefined;
}

export function unpack(subject: string, payload: Uint8Array, kind: Kind, limits: FrameLimits): unknown {
  if (!isFrame(payload))
    throw new StewardError("frame-malformed", { subject, fault: "it does not begin like a frame" });
  const version = payload[2] ?? 0;
  const flags = payload[3] ?? 0;
  if (version !== FRAME_VERSION)
    throw new StewardError("frame-version", { subject, version, supported: FRAME_VERSION });
  if ((flags & ~DEFLATED) !== kind) {
    throw new StewardError("frame-malformed", { subject, fault: `its flags are ${flags}` });
  }
  return unpackBody(subject, payload.subarray(HEADER), flags, limits);
}

/** The parsed body of a packet with these flags. */
export function unpackBody(subject: string, packed: Uint8Array, flags: number, limits: FrameLimits): unknown {
  let body = packed;
  if ((flags & DEFLATED) !== 0) {
    try {
      body = inflateRawSync(body, { maxOutputLength: limits.bodyBytes });
    } catch (error) {
      if ((error as { code?: string }).code === "ERR_BUFFER_TOO_LARGE") {
        throw new StewardError("frame-too-large", { subject, limit: limits.bodyBytes }, { cause: error });
      }
      throw damaged(subject, faultText(error), error);
    }
  }
  if (body.length > limits.bodyBytes) throw new StewardError("frame-too-large", { subject, limit: limits.bodyBytes });
  const sum = checksumIn(body);
  if (sum !== undefined && crc32(body.subarray(0, sum.from)) !== sum.value)
    throw damaged(subject, "its checksum is wrong");
  // A few kilobytes may expand into millions of parts, and parsing them would block the event loop for seconds.
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("utf8");
  if (text.length > PARSED_UNSEEN && hasMoreParts(text, limits.parts + OWN_PARTS))
    throw new StewardError("frame-malformed", { subject, fault: `it has more than ${limits.parts} parts` });
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw damaged(subject, "its body is not JSON", error);
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
    throw new StewardError("frame-malformed", { subject, fault: "its body is not an object" });
  }
  return parsed;
}

/** The checksum at the end of a body, `,"h":123}`, and where it begins. */
function checksumIn(body: Uint8Array): { readonly from: number; readonly value: number } | undefined {
  let at = body.length - 1;
  if (body[at] !== 0x7d) return undefined;
  let value = 0;
  for (let place = 1; place < 1e10; place *= 10) {
    const digit = (body[--at] ?? 0) - 0x30;
    if (digit < 0 || digit > 9) {
      at++;
      break;
    }
    value += digit * place;
  }
  const from = at - CHECKSUM_KEY.length;
  if (from < 0 || at === body.length - 1) return undefined;
  for (let i = 0; i < CHECKSUM_KEY.length; i++) if (body[from + i] !== CHECKSUM_KEY[i]) return undefined;
  return { from, value };
}

/** The error for a packet that was damaged on its way, so that its sender may send it again. */
function damaged(subject: string, fault: string, cause?: unknown): StewardError {
  return new StewardError("frame-malformed", { subject, fault, damaged: 1 }, { cause });
}

export function insistMeant(meant: string, subject: string): void {
  if (meant !== subject) throw new StewardError("frame-misdirected", { subject, meant: quoted(meant) });
}

export function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

export function isTime(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0 && value <= 8.64e15;
}
