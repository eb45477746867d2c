/**
 * Keeps secrets out of the output of a program. A secret is found as it is, in hex, in base64 (both alphabets, wherever it
 * begins in what was encoded), percent-encoded and as in JSON; each line of one of several lines is found by itself.
 * Output that may be the beginning of a secret is held back until more of it comes.
 */
interface Spelling {
  readonly bytes: Buffer;
  readonly instead: Buffer;
  /** For each length of a beginning: the length of the longest shorter beginning that is its end, as of Knuth, Morris, Pratt. */
  readonly border: Int32Array;
}

/** Bytes of a line, or of a piece of base64, that is kept out by itself: fewer would hit what is no secret. */
const LEAST_PIECE = 6;

export class Redactor {
  readonly #spellings: readonly Spelling[];

  constructor(secrets: ReadonlyMap<string, string>) {
    const found = new Map<string, Spelling>();
    for (const [name, secret] of secrets) {
      const instead = Buffer.from(`[secret:${name}]`);
      for (const bytes of spellingsOf(secret))
        found.set(bytes.toString("latin1"), { bytes, instead, border: borderOf(bytes) });
    }
    this.#spellings = [...found.values()].sort((a, b) => b.bytes.length - a.bytes.length);
  }

  /** One stream of output. */
  stream(): RedactedStream {
    return new RedactedStream(this.#spellings);
  }

  /** A whole text. */
  text(text: string): string {
    if (this.#spellings.length === 0) return text;
    const stream = this.stream();
    return Buffer.concat([stream.push(Buffer.from(text)), stream.end()]).toString("utf8");
  }
}

export class RedactedStream {
  readonly #spellings: readonly Spelling[];
  #held: Buffer = Buffer.alloc(0);

  constructor(spellings: readonly Spelling[]) {
    this.#spellings = spellings;
  }

  /** The output that can be handed on now. */
  push(chunk: Buffer): Buffer {
    if (this.#spellings.length === 0) return chunk;
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const begun = Math.max(...this.#spellings.map((spelling) => begunAtEnd(spelling, bytes)));
    return this.#redact(bytes, bytes.length - begun);
  }

  /** The output that was held back, after the last of it. */
  end(): Buffer {
    return this.#redact(this.#held, this.#held.length);
  }

  /** A secret that begins at `until` or later waits for more. */
  #redact(bytes: Buffer, until: number): Buffer {
    const parts: Buffer[] = [];
    const next = this.#spellings.map(({ bytes: secret }) => bytes.indexOf(secret));
    let at = 0;
    for (;;) {
      let first = -1;
      for (const [i, { bytes: secret }] of this.#spellings.entries()) {
        const known = next[i] ?? -1;
        const place = known >= 0 && known < at ? bytes.indexOf(secret, at) : known;
        next[i] = place;
        if (place >= 0 && place < until && (first < 0 || place < (next[first] ?? 0))) first = i;
      }
      const hit = this.#spellings[first];
      if (hit === undefined) break;
      const place = next[first] ?? 0;
      parts.push(bytes.subarray(at, place), hit.instead);
      at = place + hit.bytes.length;
    }
    const end = Math.max(at, until);
    parts.push(bytes.subarray(at, end));
    this.#held = Buffer.from(bytes.subarray(end));
    return parts.length === 1 ? bytes.subarray(at, end) : Buffer.concat(parts);
  }
}

/** How many bytes of the end are the beginning of a spelling that is not whole. */
function begunAtEnd({ bytes: secret, border }: Spelling, bytes: Buffer): number {
  let length = 0;
  for (let i = Math.max(0, bytes.length - secret.length + 1); i < bytes.length; i++) {
    while (length > 0 && secret[length] !== bytes[i]) length = border[length] ?? 0;
    if (secret[length] === bytes[i]) length++;
  }
  return length;
}

function borderOf(bytes: Buffer): Int32Array {
  const border = new Int32Array(bytes.length + 1);
  let length = 0;
  for (let i = 1; i < bytes.length; i++) {
    while (length > 0 && bytes[length] !== bytes[i]) length = border[length] ?? 0;
    if (bytes[length] === bytes[i]) length++;
    border[i + 1] = length;
  }
  return border;
}

function spellingsOf(secret: string): Buffer[] {
  const texts = [secret, ...secret.split(/\r?\n/).filter((line) => Buffer.byteLength(line) >= LEAST_PIECE)];
  return texts.flatMap((text) => {
    const bytes = Buffer.from(text);
    const hex = bytes.toString("hex");
    const written = [hex, hex.toUpperCase(), encodeURIComponent(text), JSON.stringify(text).slice(1, -1)];
    return [bytes, ...[...written, ...base64Pieces(bytes)].map((each) => Buffer.from(each))];
  });
}

/** The characters of base64 that the secret alone decides, for each of the three places where it may begin in a group. */
function base64Pieces(secret: Buffer): string[] {
  return [0, 1, 2].flatMap((before) => {
    const text = Buffer.concat([Buffer.alloc(before), secret]).toString("base64");
    const piece = text.slice(Math.ceil((before * 8) / 6), Math.floor(((before + secret.length) * 8) / 6));
    return piece.length < LEAST_PIECE ? [] : [piece, piece.replaceAll("+", "-").replaceAll("/", "_")];
  });
}
