import { deflateRawSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ErrorCode, StewardError } from "../../../src/message/errors.ts";
import { type FinalState, isFinalState, STATES, type State } from "../../../src/message/lifecycle.ts";
import type { Json } from "../../../src/message/message.ts";
import { deeperThan, FRAME_LIMITS } from "../../../src/message/wire/bounds.ts";
import {
  type Ack,
  decodeAck,
  decodeFrame,
  encodeAck,
  encodeItem,
  type Frame,
  type FrameItem,
} from "../../../src/message/wire/frame.ts";
import { FRAME_VERSION, isFrame } from "../../../src/message/wire/packet.ts";
import { encodeFrame } from "../../harness/packets.ts";

const SUBJECT = "ship1.command.shellcommand.os";
const ID = "01HZZZZZZZ0123456789ABCDEF";
const DEFLATED = 1;
const ACK = 2;

const token = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_-]{0,62}$/);
const id = fc.stringMatching(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/);
const time = fc.integer({ min: 0, max: 8.64e15 });
const count = fc.maxSafeNat();
/** As it comes out of a parser: -0 is none of it. */
const json = fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as Json);
const finalState = fc.constantFrom(
  ...(Object.keys(STATES) as State[]).filter(isFinalState),
) as fc.Arbitrary<FinalState>;

const message: fc.Arbitrary<FrameItem> = fc
  .record({
    id,
    createdAt: time,
    deliverBy: fc.option(time),
    timeout: fc.option(fc.nat()),
    data: json,
    inReplyTo: fc.option(id, { nil: undefined }),
  })
  .map(({ inReplyTo, ...item }) => (inReplyTo === undefined ? item : { ...item, inReplyTo }));
const marker: fc.Arbitrary<FrameItem> = fc.record({
  id,
  skip: fc.constantFrom("expired" as const, "cancelled" as const),
});
const frame: fc.Arbitrary<Frame> = fc
  .record({
    origin: token,
    epoch: token,
    sentAt: time,
    first: fc.maxSafeNat().map((first) => Math.max(0, first - 12)),
    acked: count,
    receiverEpoch: token,
    receiverLife: token,
    items: fc.array(fc.oneof({ weight: 4, arbitrary: message }, marker), { minLength: 1, maxLength: 12 }),
  })
  // What a frame carries is not acknowledged yet.
  .map((sent) => ({ ...sent, acked: sent.first === 0 ? sent.acked : sent.acked % sent.first }));
const ack: fc.Arbitrary<Ack> = fc.record({
  node: token,
  receiverEpoch: token,
  receiverLife: token,
  epoch: token,
  sentAt: time,
  last: count,
  started: count,
  upTo: count,
  credit: count,
  verdicts: fc.array(fc.record({ seq: count, state: finalState, reason: fc.string({ unit: "grapheme" }) }), {
    maxLength: 5,
  }),
});

/** What a peer that does not play by the rules might put on the wire. */
function raw(body: unknown, { flags = 0, version = FRAME_VERSION } = {}): Uint8Array {
  const text = typeof body === "string" ? Buffer.from(body) : Buffer.from(JSON.stringify(body));
  const carried = (flags & DEFLATED) === 0 ? text : deflateRawSync(text);
  return Buffer.concat([Buffer.from([0x53, 0x57, version, flags]), carried]);
}

function codeOf(work: () => unknown): ErrorCode | "no error" {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(StewardError);
    return (error as StewardError).code;
  }
  return "no error";
}

const goodItem = { i: ID, c: 1, d: ["uname"] };
const goodFrame = { l: SUBJECT, o: "central", e: "e1", t: 5, f: 1, a: 0, m: [goodItem] };
const goodAck = { l: SUBJECT, o: "ship1", n: "r1", e: "e1", t: 5, k: 3, s: 1, u: 3, c: 9, v: [[2, "rejected", "no"]] };

describe("a frame", () => {
  it("comes out of the wire as it went in, in the clear and deflated", () => {
    fc.assert(
      fc.property(frame, fc.constantFrom(null, 0, 400), (sent, compressFrom) => {
        const payload = encodeFrame(SUBJECT, sent, compressFrom);
        expect(isFrame(payload)).toBe(true);
        expect(decodeFrame(SUBJECT, payload)).toEqual(sent);
      }),
      { numRuns: 400 },
    );
  });

  it("is good for the subject that it was sealed for, and for no other", () => {
    const others = [
      "ship2.command.shellcommand.os",
      "ship1.command.shellcommand.o",
      `${SUBJECT}x`,
      SUBJECT.toUpperCase(),
    ];
    fc.assert(
      fc.property(frame, ack, fc.constantFrom(...others), fc.constantFrom(null, 0), (sent, answer, other, from) => {
        const payload = encodeFrame(SUBJECT, sent, from);
        expect(codeOf(() => decodeFrame(other, payload))).toBe("frame-misdirected");
        expect(codeOf(() => decodeFrame(SUBJECT, payload))).toBe("no error");
        const acked = encodeAck(SUBJECT, answer);
        expect(codeOf(() => decodeAck(other, acked))).toBe("frame-misdirected");
        expect(codeOf(() => decodeAck(SUBJECT, acked))).toBe("no error");
      }),
    );
  });

  it("that claims to be for anything at all is refused in one short line", () => {
    for (const l of ["", "\u001b[2J\n", "x".repeat(100_000), "__proto__"]) {
      let thrown: unknown;
      try {
        decodeFrame(SUBJECT, raw({ ...goodFrame, l }));
      } catch (error) {
        thrown = error;
      }
      expect(thrown).toMatchObject({ code: "frame-misdirected" });
      expect((thrown as StewardError).message).toMatch(/^[\x20-\x7e…]{1,250}$/);
    }
    for (const l of [undefined, null, 1, {}, [SUBJECT]]) {
      expect(codeOf(() => decodeFrame(SUBJECT, raw({ ...goodFrame, l })))).toBe("frame-malformed");
      expect(codeOf(() => decodeAck(SUBJECT, raw({ ...goodAck, l }, { flags: ACK })))).toBe("frame-malformed");
    }
  });

  it("is read out of the middle of a larger buffer too", () => {
    fc.assert(
      fc.property(frame, fc.constantFrom(null, 0), fc.nat({ max: 9 }), (sent, compressFrom, offset) => {
        const payload = encodeFrame(SUBJECT, sent, compressFrom);
        const pool = new Uint8Array(offset + payload.length + 7).fill(0x22);
        pool.set(payload, offset);
        expect(decodeFrame(SUBJECT, pool.subarray(offset, offset + payload.length))).toEqual(sent);
      }),
    );
  });

  it("is deflated from the threshold on and not below it", () => {
    const sent: Frame = {
      origin: "a",
      epoch: "e",
      sentAt: 1,
      first: 1,
      acked: 0,
      items: [{ id: ID, createdAt: 1, deliverBy: null, timeout: null, data: "x".repeat(5000) }],
    };
    expect(encodeFrame(SUBJECT, sent, 4096).length).toBeLessThan(300);
    expect(encodeFrame(SUBJECT, sent, 4096)[3]).toBe(DEFLATED);
    expect(encodeFrame(SUBJECT, sent, 8192).length).toBeGreaterThan(5000);
    expect(encodeFrame(SUBJECT, sent, null)[3]).toBe(0);
  });

  it("never takes more bytes than its items were counted for", () => {
    const realTime = fc.integer({ min: 1_600_000_000_000, max: 4_000_000_000_000 });
    const text = fc.oneof(
      fc.string({ unit: "binary", maxLength: 400 }),
      fc.constant("界".repeat(300)),
      fc.constant("\u0000é".repeat(90)),
    );
    const real: fc.Arbitrary<FrameItem> = fc
      .record({
        id,
        createdAt: realTime,
        deliverBy: fc.option(realTime),
        timeout: fc.option(fc.nat({ max: 9_999_999 })),
        data: fc.oneof(json, text),
      })
      .map((item) => item as FrameItem);
    const long = "x".repeat(63);
    const most = Number.MAX_SAFE_INTEGER - 20;
    const numbers = { sentAt: 1_700_000_000_000, first: most, acked: most - 1, sentBefore: most, base: most - 2 };
    const epochs = { epoch: "0123456789abcdef", receiverEpoch: "0123456789abcdef", receiverNow: "fedcba9876543210" };
    const head = { origin: long, ...epochs, receiverLife: "01HZZZZZZZ0123456789ABCDEF", ...numbers };
    const longest = [long, "command", long, long].join(".");
    fc.assert(
      fc.property(fc.array(real, { minLength: 1, maxLength: 10 }), (items) => {
        const payload = encodeFrame(longest, { ...head, items }, null);
        const counted = items.reduce((sum, item) => sum + Buffer.byteLength(encodeItem(item)) + 1, 0);
        expect(payload.length).toBeLessThanOrEqual(counted + 512);
      }),
    );
  });

  it("of the largest size and number of items is taken, one more is not", () => {
    const limits = { ...FRAME_LIMITS, bodyBytes: 1000, items: 3, depth: 3 };
    const room = limits.bodyBytes - JSON.stringify({ ...goodFrame, m: [{ ...goodItem, d: "" }] }).length;
    for (const flags of [0, DEFLATED]) {
      const fits = raw({ ...goodFrame, m: [{ ...goodItem, d: "x".repeat(room) }] }, { flags });
      const over = raw({ ...goodFrame, m: [{ ...goodItem, d: "x".repeat(room + 1) }] }, { flags });
      expect(codeOf(() => decodeFrame(SUBJECT, fits, limits))).toBe("no error");
      expect(codeOf(() => decodeFrame(SUBJECT, over, limits))).toBe("frame-too-large");
    }
    expect(codeOf(() => decodeFrame(SUBJECT, raw({ ...goodFrame, m: [goodItem, goodItem, goodItem] }), limits))).toBe(
      "no error",
    );
    expect(
      codeOf(() => decodeFrame(SUBJECT, raw({ ...goodFrame, m: [goodItem, goodItem, goodItem, goodItem] }), limits)),
    ).toBe("frame-malformed");
    expect(codeOf(() => decodeFrame(SUBJECT, raw({ ...goodFrame, m: [{ ...goodItem, d: [[[1]]] }] }), limits))).toBe(
      "no error",
    );
    for (const d of [[[[[1]]]], { a: { b: { c: {} } } }]) {
      const { items } = decodeFrame(SUBJECT, raw({ ...goodFrame, m: [{ ...goodItem, d }] }), limits);
      expect(items).toEqual([{ id: ID, unreadable: "data is nested deeper than 3" }]);
    }
  });

  const refused: [string, Uint8Array, ErrorCode][] = [
    ["nothing", new Uint8Array(0), "frame-malformed"],
    ["half a header", Uint8Array.of(0x53, 0x57, 1), "frame-malformed"],
    ["a header alone", Uint8Array.of(0x53, 0x57, 1, 0), "frame-malformed"],
    ["a deflated header alone", Uint8Array.of(0x53, 0x57, 1, DEFLATED), "frame-malformed"],
    ["JSON without a header", Buffer.from('{"data":["uname"]}'), "frame-malformed"],
    ["version 0", raw(goodFrame, { version: 0 }), "frame-version"],
    ["the next version", raw(goodFrame, { version: FRAME_VERSION + 1 }), "frame-version"],
    ["the next version, of a layout that nobody knows", raw("\u0001?", { version: 255, flags: 0 }), "frame-version"],
    ["an unknown flag", raw(goodFrame, { flags: 8 }), "frame-malformed"],
    ["a refusal", raw(goodFrame, { flags: 4 }), "frame-malformed"],
    ["all flags", raw(goodFrame, { flags: 255 }), "frame-malformed"],
    [
      "an ACK",
      encodeAck(SUBJECT, {
        node: "a",
        receiverEpoch: "b",
        epoch: "c",
        sentAt: 1,
        last: 1,
        started: 0,
        upTo: 1,
        credit: 1,
        verdicts: [],
      }),
      "frame-malformed",
    ],
    [
      "a body that is not deflated though it says so",
      Buffer.concat([Buffer.from([0x53, 0x57, 1, DEFLATED]), Buffer.from(JSON.stringify(goodFrame))]),
      "frame-malformed",
    ],
    ["half of the deflated body", raw(goodFrame, { flags: DEFLATED }).subarray(0, 30), "frame-malformed"],
    ["half of the body", raw(goodFrame).subarray(0, 40), "frame-malformed"],
    ["null", raw("null"), "frame-malformed"],
    ["a list", raw([goodFrame]), "frame-malformed"],
    ["a string", raw('"x"'), "frame-malformed"],
    ["an object with nothing in it", raw({}), "frame-malformed"],
    ["two bodies", raw(JSON.stringify(goodFrame).repeat(2)), "frame-malformed"],
    ["its fields in the prototype", raw(`{"__proto__":${JSON.stringify(goodFrame)}}`), "frame-malformed"],
    ["a million open brackets", raw("[".repeat(1_000_000)), "frame-malformed"],
    [
      "data of a million brackets",
      raw(
        `{"l":"${SUBJECT}","o":"a","e":"e","t":1,"f":1,"a":0,"m":[{"i":"${ID}","c":1,"d":${"[".repeat(1e6)}${"]".repeat(1e6)}}]}`,
      ),
      "frame-malformed",
    ],
    [
      "a field of a hundred thousand objects within each other",
      raw(`{"l":"${SUBJECT}","o":${'{"o":'.repeat(1e5)}1${"}".repeat(1e5)}}`),
      "frame-malformed",
    ],
  ];
  it.each(refused)("that is %s is refused", (_what, payload, code) => {
    expect(codeOf(() => decodeFrame(SUBJECT, payload))).toBe(code);
  });

  const badValues = [
    undefined,
    null,
    true,
    -1,
    1.5,
    2 ** 53,
    Number.MAX_VALUE,
    "",
    "x y",
    "a.b",
    "*",
    ">",
    "-x",
    "x".repeat(64),
    "../etc",
    "é",
    [],
    {},
    [1],
    "__proto__\u0000",
  ];
  const wrong: [string, object][] = [
    ...["o", "e"].flatMap((key) =>
      badValues.map((value): [string, object] => [`${key} = ${show(value)}`, { ...goodFrame, [key]: value }]),
    ),
    ...["f", "a"].flatMap((key) =>
      [undefined, null, "1", -1, 1.5, 2 ** 53, true, [1], {}].map((value): [string, object] => [
        `${key} = ${show(value)}`,
        { ...goodFrame, [key]: value },
      ]),
    ),
    ...[undefined, null, "1", -1, 8.64e15 + 1e3, true, [], {}].map((value): [string, object] => [
      `t = ${show(value)}`,
      { ...goodFrame, t: value },
    ]),
    ...[undefined, null, {}, "items", 3, { length: 1, 0: goodItem }].map((value): [string, object] => [
      `m = ${show(value)}`,
      { ...goodFrame, m: value },
    ]),
    ["no items outside all lanes", { ...goodFrame, f: 0, m: [] }],
  ];
  const unreadable: [string, { m: readonly unknown[] }][] = [
    ...[null, 1, "x", [], [[]], {}].map((value): [string, { m: readonly unknown[] }] => [
      `an item = ${show(value)}`,
      { ...goodFrame, m: [goodItem, value] },
    ]),
    ...[
      undefined,
      null,
      "",
      7,
      ID.toLowerCase(),
      `${ID}0`,
      ID.slice(1),
      `8${ID.slice(1)}`,
      `../${ID.slice(3)}`,
      {},
    ].map((i): [string, { m: readonly unknown[] }] => [`i = ${show(i)}`, { ...goodFrame, m: [{ ...goodItem, i }] }]),
    ...[undefined, null, "1", -1, 9e15, [], true].map((c): [string, { m: readonly unknown[] }] => [
      `c = ${show(c)}`,
      { ...goodFrame, m: [{ ...goodItem, c }] },
    ]),
    ...[null, "1", -1, 9e15, [], true].map((b): [string, { m: readonly unknown[] }] => [
      `b = ${show(b)}`,
      { ...goodFrame, m: [{ ...goodItem, b }] },
    ]),
    ...[null, "1", -1, 1.5, 2 ** 53, [], false].map((t): [string, { m: readonly unknown[] }] => [
      `an item's t = ${show(t)}`,
      { ...goodFrame, m: [{ ...goodItem, t }] },
    ]),
    ...[null, "", "x", 1, {}, [ID]].map((r): [string, { m: readonly unknown[] }] => [
      `r = ${show(r)}`,
      { ...goodFrame, m: [{ ...goodItem, r }] },
    ]),
    ...[null, "", "succeeded", "constructor", 1, true, {}, ["expired"]].map(
      (x): [string, { m: readonly unknown[] }] => [`x = ${show(x)}`, { ...goodFrame, m: [{ i: ID, x }] }],
    ),
  ];
  it.each(unreadable)("with %s is taken, and that message is known as one that cannot be read", (_what, body) => {
    const { items } = decodeFrame(SUBJECT, raw(body));
    expect(items.map((item) => "unreadable" in item)).toEqual(body.m.map((_, i) => i === body.m.length - 1));
    expect(codeOf(() => decodeFrame(SUBJECT, raw({ ...goodFrame, ...body, f: 0 })))).toBe("frame-malformed");
  });

  it("may have no items: it asks what the receiver has", () => {
    expect(decodeFrame(SUBJECT, raw({ ...goodFrame, m: [] })).items).toEqual([]);
  });

  it.each(wrong)("with %s is refused", (_what, body) => {
    expect(codeOf(() => decodeFrame(SUBJECT, raw(body)))).toBe("frame-malformed");
  });

  it("may have fields that this version does not know", () => {
    expect(decodeFrame(SUBJECT, raw({ ...goodFrame, z: { y: 1 }, m: [{ ...goodItem, q: [] }] }))).toEqual(
      decodeFrame(SUBJECT, raw(goodFrame)),
    );
  });

  it("of a decompression bomb is refused at the limit, whatever is in it", () => {
    const bomb = (text: Buffer): Uint8Array =>
      Buffer.concat([Buffer.from([0x53, 0x57, 1, DEFLATED]), deflateRawSync(text, { level: 9 })]);
    const big = 64 * 1024 * 1024;
    const before = process.memoryUsage().arrayBuffers;
    for (const text of [Buffer.alloc(big), Buffer.alloc(big, " "), Buffer.alloc(big, "[")]) {
      const payload = bomb(text);
      expect(payload.length).toBeLessThan(big / 500);
      expect(codeOf(() => decodeFrame(SUBJECT, payload))).toBe("frame-too-large");
      expect(codeOf(() => decodeAck(SUBJECT, Buffer.from(payload).fill(DEFLATED | ACK, 3, 4)))).toBe("frame-too-large");
    }
    // The three texts themselves may still be there; what they would have expanded to a second time may not.
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(4 * big);
    const small = { ...FRAME_LIMITS, bodyBytes: 100 };
    expect(codeOf(() => decodeFrame(SUBJECT, bomb(Buffer.alloc(101)), small))).toBe("frame-too-large");
    expect(codeOf(() => decodeFrame(SUBJECT, bomb(Buffer.alloc(100)), small))).toBe("frame-malformed");
  });

  it("with keys that mean something to JavaScript carries them as data and changes nothing else", () => {
    const data =
      '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"toString":2,"hasOwnProperty":null}';
    const decoded = decodeFrame(
      SUBJECT,
      raw(`{"l":"${SUBJECT}","o":"a","e":"e","t":1,"f":1,"a":0,"m":[{"i":"${ID}","c":1,"d":${data}}]}`),
    );
    const [item] = decoded.items;
    expect(item !== undefined && "data" in item && JSON.stringify(item.data)).toBe(data);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    const again = decodeFrame(SUBJECT, encodeFrame(SUBJECT, decoded, null));
    expect(JSON.stringify(again)).toBe(JSON.stringify(decoded));
  });
});

describe("an ACK", () => {
  it("comes out of the wire as it went in", () => {
    fc.assert(
      fc.property(ack, (sent) => {
        expect(decodeAck(SUBJECT, encodeAck(SUBJECT, sent))).toEqual(sent);
      }),
      { numRuns: 400 },
    );
  });

  it("is not taken for a frame, nor a frame for it", () => {
    expect(codeOf(() => decodeAck(SUBJECT, raw(goodFrame)))).toBe("frame-malformed");
    expect(codeOf(() => decodeFrame(SUBJECT, raw(goodAck, { flags: ACK })))).toBe("frame-malformed");
    expect(codeOf(() => decodeAck(SUBJECT, raw(goodAck, { flags: ACK, version: 2 })))).toBe("frame-version");
    expect(codeOf(() => decodeAck(SUBJECT, raw(goodAck, { flags: ACK | DEFLATED })))).toBe("no error");
  });

  const wrong: [string, object][] = [
    ...["o", "n", "e"].flatMap((key) =>
      [undefined, null, 1, "", "a b", "a.b", "x".repeat(64), {}].map((value): [string, object] => [
        `${key} = ${show(value)}`,
        { ...goodAck, [key]: value },
      ]),
    ),
    ...["k", "s", "u", "c"].flatMap((key) =>
      [undefined, null, "1", -1, 0.5, 2 ** 53, []].map((value): [string, object] => [
        `${key} = ${show(value)}`,
        { ...goodAck, [key]: value },
      ]),
    ),
    ...[undefined, null, -1, "1", 9e15].map((t): [string, object] => [`t = ${show(t)}`, { ...goodAck, t }]),
    ...[null, {}, "v", 1, [null], [[]], [{}], [[1, "rejected"]], [[1, "rejected", "a", 0]]].map(
      (v): [string, object] => [`v = ${show(v)}`, { ...goodAck, v }],
    ),
    ...["received", "queued", "unknown", "Succeeded", "constructor", "__proto__", "toString", "", 1, null].map(
      (state): [string, object] => [`a verdict of ${show(state)}`, { ...goodAck, v: [[1, state, "r"]] }],
    ),
    ...[
      [-1, "failed", "r"],
      ["1", "failed", "r"],
      [1, "failed", 1],
      [1, "failed", null],
      [1.5, "failed", ""],
    ].map((verdict): [string, object] => [`the verdict ${show(verdict)}`, { ...goodAck, v: [verdict] }]),
    [
      "more verdicts than a frame has items",
      { ...goodAck, v: Array.from({ length: FRAME_LIMITS.items + 1 }, () => [1, "failed", ""]) },
    ],
  ];
  it.each(wrong)("with %s is refused", (_what, body) => {
    expect(codeOf(() => decodeAck(SUBJECT, raw(body, { flags: ACK })))).toBe("frame-malformed");
  });
});

describe("bytes that nobody meant as a frame", () => {
  const codes: ErrorCode[] = ["frame-malformed", "frame-misdirected", "frame-version", "frame-too-large"];
  const survives = (payload: Uint8Array): void => {
    for (const decode of [decodeFrame, decodeAck]) {
      const code = codeOf(() => decode(SUBJECT, payload));
      if (code !== "no error") expect(codes).toContain(code);
    }
  };

  it("end in an error of the catalogue, thousands of times", () => {
    const header = fc.record({
      version: fc.constantFrom(1, 1, 1, 0, 2, 255),
      flags: fc.constantFrom(0, 1, 2, 3, 4, 255),
    });
    const bytes = fc.uint8Array({ maxLength: 200 });
    fc.assert(fc.property(bytes, survives), { numRuns: 2000 });
    fc.assert(
      fc.property(header, bytes, ({ version, flags }, body) =>
        survives(Buffer.concat([Buffer.from([0x53, 0x57, version, flags]), body])),
      ),
      { numRuns: 2000 },
    );
  });

  it("are any JSON at all, in any place", () => {
    const fields = fc.dictionary(
      fc.constantFrom("l", "o", "e", "n", "t", "f", "a", "m", "k", "s", "u", "c", "v", "__proto__"),
      fc.jsonValue(),
    );
    fc.assert(
      fc.property(fc.constantFrom(goodFrame, goodAck), fields, fc.constantFrom(0, 1, 2, 3), (good, bad, flags) =>
        survives(raw({ ...good, ...bad }, { flags })),
      ),
      { numRuns: 2000 },
    );
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom("i", "c", "b", "t", "d", "r", "x", "__proto__"), fc.jsonValue()),
        (bad) => survives(raw({ ...goodFrame, m: [{ ...goodItem, ...bad }] })),
      ),
      { numRuns: 1000 },
    );
  });

  it("are a real frame with some of its bytes turned over", () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(frame, fc.constantFrom(null, 0), damage, fc.nat(), (sent, compressFrom, flips, cut) => {
        const payload = Buffer.from(encodeFrame(SUBJECT, sent, compressFrom));
        for (const [at, bits] of flips) payload[at % payload.length] = (payload[at % payload.length] ?? 0) ^ bits;
        survives(payload);
        survives(payload.subarray(0, cut % payload.length));
      }),
      { numRuns: 1000 },
    );
  });
});

describe("nesting", () => {
  it("is counted in levels of lists and objects", () => {
    const nested = (levels: number): unknown =>
      levels === 0 ? 1 : levels % 2 === 0 ? [nested(levels - 1)] : { a: nested(levels - 1) };
    for (let levels = 0; levels < 6; levels++) {
      for (let depth = 0; depth < 6; depth++) expect(deeperThan(nested(levels), depth)).toBe(levels > depth);
    }
    expect(deeperThan([1, "x", null, [2], { a: 1 }], 2)).toBe(false);
    expect(deeperThan([1, { a: [], b: 2 }], 2)).toBe(true);
  });

  it("is measured without running out of stack, however deep", () => {
    let value: unknown = 1;
    for (let i = 0; i < 1_000_000; i++) value = [value];
    expect(deeperThan(value, 64)).toBe(true);
  });
});

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 30 ? `${text.slice(0, 30)}…` : text;
}
