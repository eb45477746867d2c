import fc from "fast-check";

/** What becomes of valid bytes on a bad day: turned bits, cuts, repeats, splices. */
type Wound =
  | { readonly kind: "flip"; readonly at: number; readonly bits: number }
  | { readonly kind: "cut"; readonly at: number }
  | { readonly kind: "drop" | "double"; readonly at: number; readonly length: number }
  | { readonly kind: "repeat"; readonly at: number; readonly length: number; readonly times: number }
  | { readonly kind: "splice"; readonly at: number; readonly over: number; readonly piece: Uint8Array };

/** Repetition stops there: what is larger is a matter of limits, and has tests of its own. */
const LARGEST = 32 * 1024;

const text = (piece: string): Uint8Array => Buffer.from(piece);

/** Pieces that mean something to one reader or another. */
const PIECES: readonly Uint8Array[] = [
  ...["\0", "\n", "\r\n", " ", '"', "\\", "{", "}", "[", "]", ":", ",", "-", "0", "1e999", "-0", "9007199254740993"],
  ...["\u001b[2J", "\ufeff", "\u2028", "\ufffd", "\u202e", "../", "/", "..", "*", ">", ".", "$(x)", "%00", "%ff"],
  ...["__proto__", "constructor", "prototype", "toString", "null", "true", "NaN", "Infinity", "undefined"],
  ...["&a ", "*a", "<<: ", "!!js/function ", "!!binary ", "--- ", "? ", "| ", "> ", "# ", "%YAML 1.1\n"],
  ...["SW\u0001\u0000", "<34>1 ", "99999999 <", "1 <", "[".repeat(300), "{".repeat(70), "x".repeat(5000)],
]
  .map(text)
  .concat([Buffer.from([0xff]), Buffer.from([0xc0, 0xaf]), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from([0x80])]);

const at = fc.nat();
const wound: fc.Arbitrary<Wound> = fc.oneof(
  fc.record({ kind: fc.constant("flip" as const), at, bits: fc.integer({ min: 1, max: 255 }) }),
  fc.record({ kind: fc.constant("cut" as const), at }),
  fc.record({ kind: fc.constantFrom("drop" as const, "double" as const), at, length: fc.integer({ min: 1, max: 64 }) }),
  fc.record({
    kind: fc.constant("repeat" as const),
    at,
    length: fc.integer({ min: 1, max: 16 }),
    times: fc.constantFrom(2, 3, 10, 100, 2000),
  }),
  fc.record({
    kind: fc.constant("splice" as const),
    at,
    over: fc.nat({ max: 8 }),
    piece: fc.oneof(fc.constantFrom(...PIECES), fc.uint8Array({ maxLength: 16 })),
  }),
);

/** Valid, damaged in up to five places, or noise; most are damaged. */
export function damaged(valid: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  const broken = fc.tuple(valid, fc.array(wound, { minLength: 1, maxLength: 5 })).map(([bytes, wounds]) => {
    return wounds.reduce(inflict, bytes);
  });
  return fc.oneof(
    { weight: 2, arbitrary: valid },
    { weight: 7, arbitrary: broken },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }) },
  );
}

export const damagedText = (valid: fc.Arbitrary<string>): fc.Arbitrary<Uint8Array> => damaged(valid.map(text));

function inflict(bytes: Uint8Array, wound: Wound): Uint8Array {
  const place = bytes.length === 0 ? 0 : wound.at % bytes.length;
  const [before, after] = [bytes.subarray(0, place), bytes.subarray(place)];
  switch (wound.kind) {
    case "flip": {
      const turned = Uint8Array.from(bytes);
      if (turned.length > 0) turned[place] = (turned[place] ?? 0) ^ wound.bits;
      return turned;
    }
    case "cut":
      return before;
    case "drop":
      return Buffer.concat([before, after.subarray(wound.length)]);
    case "double":
      return Buffer.concat([before, after.subarray(0, wound.length), after]);
    case "repeat": {
      const piece = after.subarray(0, wound.length);
      const times = Math.min(wound.times, Math.floor(LARGEST / Math.max(1, piece.length)));
      return Buffer.concat([before, ...Array.from({ length: times }, () => piece), after]).subarray(0, LARGEST);
    }
    case "splice":
      return Buffer.concat([before, wound.piece, after.subarray(wound.over)]);
  }
}
