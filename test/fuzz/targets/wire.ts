import { deflateRawSync } from "node:zlib";
import fc from "fast-check";
import { CATALOGUE, type ErrorCode, StewardError } from "../../../src/message/errors.ts";
import { isId } from "../../../src/message/id.ts";
import { formatSubject, isToken, parseSubject } from "../../../src/message/subject.ts";
import { formatDuration, formatSize, readDuration, readSize } from "../../../src/message/text/units.ts";
import { FRAME_LIMITS } from "../../../src/message/wire/bounds.ts";
import { decodeAck, decodeFrame, encodeAck } from "../../../src/message/wire/frame.ts";
import { FRAME_VERSION, isFrame } from "../../../src/message/wire/packet.ts";
import { encodeFrame } from "../../harness/packets.ts";
import { damaged, damagedText } from "../damage.ts";
import { depthOf, insist, insistFinite, insistLine, insistSame, type Target } from "../target.ts";
import { twisted } from "../twist.ts";

/** What two daemons say to each other, and the words that it is made of. */
const SUBJECT = "ship1.command.shellcommand.os";
const ID = "01HZZZZZZZ0123456789ABCDEF";
const DEFLATED = 1;
const ACK = 2;

/** The one thing that a decoder may throw. */
export function insistRefusal(thrown: unknown, codes: readonly ErrorCode[], what: string): void {
  if (!(thrown instanceof StewardError)) throw thrown;
  insist(codes.includes(thrown.code), `${what} refused with ${thrown.code}: ${thrown.message}`);
  insist(Object.hasOwn(CATALOGUE, thrown.code), `${thrown.code} is not in the catalogue`);
  insistLine(thrown.message, `the refusal of ${what}`);
}

/** Now and then sealed for somebody else: what comes behind that check is reached by the others. */
const sealedFor = (subject: string): fc.Arbitrary<string> =>
  fc.oneof({ weight: 9, arbitrary: fc.constant(subject) }, fc.constantFrom("ship9.command.echo.os", "", `${subject}x`));
const frame = (subject: string) =>
  fc.record({
    l: sealedFor(subject),
    o: fc.constantFrom("central", "ship1", "_"),
    e: fc.constantFrom("a1b2c3d4e5f60718", "x"),
    t: fc.nat(),
    f: fc.nat({ max: 9 }),
    a: fc.constant(0),
    m: fc.array(
      fc.oneof(
        fc.record({ i: fc.constant(ID), c: fc.nat(), b: fc.nat(), t: fc.nat(), d: fc.jsonValue() }),
        fc.record({ i: fc.constant(ID), c: fc.nat(), d: fc.constant(["uname", "-a"]), r: fc.constant(ID) }),
        fc.record({ i: fc.constant(ID), x: fc.constantFrom("expired", "cancelled") }),
      ),
      { minLength: 1, maxLength: 4 },
    ),
  });
const ack = (subject: string) =>
  fc.record({
    l: sealedFor(subject),
    o: fc.constant("ship1"),
    n: fc.constant("a1b2"),
    e: fc.constant("c3d4"),
    t: fc.nat(),
    k: fc.nat(),
    s: fc.nat(),
    u: fc.nat(),
    c: fc.nat(),
    v: fc.array(fc.tuple(fc.nat(), fc.constantFrom("rejected", "expired", "cancelled"), fc.string({ maxLength: 20 })), {
      maxLength: 3,
    }),
  });

/** A peer's bytes: the checksum is right, so that what is behind it is reached; or not there, or damaged afterwards. */
function onTheWire(body: fc.Arbitrary<string>, kind: number): fc.Arbitrary<Uint8Array> {
  const packed = fc
    .tuple(body, fc.constantFrom(0, 0, DEFLATED), fc.constantFrom(kind, kind, kind, kind ^ ACK, 4, 255))
    .map(([text, deflated, flags]) => pack(text, flags | deflated));
  return fc.oneof({ weight: 3, arbitrary: packed }, { weight: 2, arbitrary: damaged(packed) });
}

function pack(text: string, flags: number): Uint8Array {
  const body = (flags & DEFLATED) === 0 ? Buffer.from(text) : deflateRawSync(text);
  return Buffer.concat([Buffer.from([0x53, 0x57, FRAME_VERSION, flags]), body]);
}

const REFUSED: readonly ErrorCode[] = ["frame-malformed", "frame-misdirected", "frame-version", "frame-too-large"];

/** Payloads that are meant for one subject, most of them wrong in another way. */
export const framesFor = (subject: string): fc.Arbitrary<Uint8Array> => onTheWire(twisted(frame(subject)), 0);
export const acksFor = (subject: string): fc.Arbitrary<Uint8Array> => onTheWire(twisted(ack(subject)), ACK);

export const frames: Target = {
  name: "frame",
  about: "a payload on one of a node's subjects, for decodeFrame",
  runs: 3000,
  input: framesFor(SUBJECT),
  check(input) {
    let decoded: ReturnType<typeof decodeFrame>;
    try {
      decoded = decodeFrame(SUBJECT, input);
    } catch (thrown) {
      return insistRefusal(thrown, REFUSED, "a frame");
    }
    insist(isFrame(input), "what does not begin like a frame was taken for one");
    insist(isToken(decoded.origin) && isToken(decoded.epoch), "origin and epoch are tokens");
    insist(decoded.items.length <= FRAME_LIMITS.items, "the number of items is bounded");
    insist(decoded.items.length > 0 || decoded.first > 0, "outside all lanes there is nothing to ask for");
    insist(Number.isSafeInteger(decoded.first + decoded.items.length), "every number of the frame can be acknowledged");
    insist(decoded.first === 0 || decoded.acked < decoded.first, "what it carries is not acknowledged yet");
    for (const item of decoded.items) {
      if ("unreadable" in item) continue;
      insist(isId(item.id), "ids are ids");
      if ("skip" in item) continue;
      insist(depthOf(item.data) <= FRAME_LIMITS.depth, "nesting is bounded");
      insist(!Number.isNaN(new Date(item.createdAt).getTime()), "a time is a time");
    }
    // What cannot be read cannot be written either.
    if (decoded.items.some((item) => "unreadable" in item)) return;
    for (const compressFrom of [null, 0]) {
      insistSame(
        decodeFrame(SUBJECT, encodeFrame(SUBJECT, decoded, compressFrom)),
        decoded,
        "a frame, encoded and decoded",
      );
    }
    // What JSON cannot write would not survive the journal.
    insistFinite(decoded.items);
  },
};

export const acks: Target = {
  name: "ack",
  about: "a payload on a node's own reply subjects, for decodeAck",
  runs: 2000,
  input: acksFor(SUBJECT),
  check(input) {
    let decoded: ReturnType<typeof decodeAck>;
    try {
      decoded = decodeAck(SUBJECT, input);
    } catch (thrown) {
      return insistRefusal(thrown, REFUSED, "an ACK");
    }
    insist(isToken(decoded.node) && isToken(decoded.epoch) && isToken(decoded.receiverEpoch), "names are tokens");
    for (const count of [decoded.last, decoded.started, decoded.upTo, decoded.credit])
      insist(Number.isSafeInteger(count) && count >= 0, "counts are counts");
    insist(decoded.verdicts.length <= FRAME_LIMITS.items, "the number of verdicts is bounded");
    const again = decodeAck(SUBJECT, encodeAck(SUBJECT, decoded));
    const short = decoded.verdicts.map((verdict) => ({ ...verdict, reason: verdict.reason.slice(0, 500) }));
    insistSame(again, { ...decoded, verdicts: short }, "an ACK, encoded and decoded");
  },
};

const token = fc.constantFrom("ship1", "central", "os", "shellcommand", "a-b_c", "_", "x".repeat(63), "__proto__");

export const subjects: Target = {
  name: "subject",
  about: "the text of a subject, for parseSubject",
  runs: 2000,
  input: damagedText(
    fc.tuple(token, fc.constantFrom("command", "event"), token, token).map((tokens) => tokens.join(".")),
  ),
  check(input) {
    const text = Buffer.from(input).toString("utf8");
    try {
      const subject = parseSubject(text);
      insist(formatSubject(subject) === text, "a subject, parsed and written again, is the same");
      for (const part of [subject.node, subject.method, subject.domain])
        insist(/^[A-Za-z0-9_-]{1,63}$/.test(part) && !part.startsWith("-"), `${part} may become a name of a file`);
    } catch (thrown) {
      insistRefusal(thrown, ["subject-invalid"], "a subject");
    }
  },
};

const UNITS = ["ms", "s", "m", "h", "d", "B", "KB", "MB", "K", "KiB", "gb", "T", ""];
const amount = fc
  .array(fc.tuple(fc.oneof(fc.nat().map(String), fc.double().map(String)), fc.constantFrom(...UNITS)), {
    minLength: 1,
    maxLength: 3,
  })
  .map((parts) => parts.flat().join(""));

export const units: Target = {
  name: "units",
  about: "the text of a duration or a size",
  runs: 2000,
  input: damagedText(amount),
  check(input) {
    const text = Buffer.from(input).toString("utf8");
    const ms = readDuration(text);
    insist(ms === undefined || (Number.isSafeInteger(ms) && ms >= 0), `${text} is the duration ${ms}`);
    if (ms !== undefined) insist(readDuration(formatDuration(ms)) === ms, `${ms} ms, written and read again`);
    const bytes = readSize(text);
    insist(bytes === undefined || (Number.isSafeInteger(bytes) && bytes >= 0), `${text} is the size ${bytes}`);
    if (bytes !== undefined) insist(readSize(formatSize(bytes)) === bytes, `${bytes} bytes, written and read again`);
  },
};
