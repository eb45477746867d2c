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
  /** The end of the output so far, which may be the beginning of a secret. */
  #held: Buffer = Buffer.alloc(0);
  /** How many bytes of it belong to a secret that was found already, which another one may overlap. */
  #covered = 0;
  /** The name that stands last in the output for a secret. */
  #said: Buffer | undefined;

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
    let at = this.#covered;
    for (const { place, spelling } of this.#found(bytes, until)) {
      const end = place + spelling.bytes.length;
      if (end <= at) continue;
      if (place > at) parts.push(bytes.subarray(at, place));
      // Secrets that overlap are one stretch: it names each of them.
      if (place >= at || spelling.instead !== this.#said) parts.push(spelling.instead);
      this.#said = spelling.instead;
      at = end;
    }
    if (until > at) parts.push(bytes.subarray(at, until));
    this.#held = Buffer.from(bytes.subarray(until));
    this.#covered = Math.max(0, at - until);
    return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
  }

  /** The secrets that begin before `until`, in their order; of those at one place the longest first. */
  *#found(bytes: Buffer, until: number): Generator<{ place: number; spelling: Spelling }> {
    const next = this.#spellings.map(({ bytes: secret }) => bytes.indexOf(secret));
    for (;;) {
      let first = -1;
      for (const [i, place] of next.entries())
        if (place >= 0 && place < until && (first < 0 || place < (next[first] ?? 0))) first = i;
      const spelling = this.#spellings[first];
      const place = next[first] ?? 0;
      if (spelling === undefined) return;
      yield { place, spelling };
      next[first] = bytes.indexOf(spelling.bytes, place + 1);
    }
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
