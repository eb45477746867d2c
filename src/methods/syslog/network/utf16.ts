import { TextDecoder } from "node:util";

/**
 * Turns UTF-16, in which some systems send their logs, into UTF-8, before any parsing. UTF-16 is recognised by its byte order
 * mark, or by the `<` of a priority with a zero beside it.
 */
type Order = "utf-16le" | "utf-16be";

/** Bytes of the beginning that decide the encoding. */
const REACH = 2;

function utf16Order(beginning: Buffer): Order | undefined {
  const [a, b] = beginning;
  if ((a === 0xff && b === 0xfe) || (a === 0x3c && b === 0)) return "utf-16le";
  if ((a === 0xfe && b === 0xff) || (a === 0 && b === 0x3c)) return "utf-16be";
  return undefined;
}

export function fromUtf16(bytes: Buffer): Buffer {
  const order = utf16Order(bytes);
  return order === undefined ? bytes : Buffer.from(new TextDecoder(order).decode(bytes));
}

/** Converts the bytes of a connection, whose beginning decides the encoding of the whole. */
export class Utf16Stream {
  #decoder: TextDecoder | undefined;
  #decided = false;
  #held = Buffer.alloc(0);

  push(chunk: Buffer): Buffer {
    if (this.#decided) return this.#decoded(chunk);
    this.#held = Buffer.concat([this.#held, chunk]);
    if (this.#held.length < REACH && this.#couldBe(this.#held[0])) return Buffer.alloc(0);
    this.#decided = true;
    const order = utf16Order(this.#held);
    if (order !== undefined) this.#decoder = new TextDecoder(order);
    const all = this.#held;
    this.#held = Buffer.alloc(0);
    return this.#decoded(all);
  }

  /** The bytes still held when the connection ends. */
  end(): Buffer {
    this.#decided = true;
    const left = this.#held;
    this.#held = Buffer.alloc(0);
    return this.#decoder === undefined ? left : Buffer.from(this.#decoder.decode());
  }

  #couldBe(byte: number | undefined): boolean {
    return byte === 0xff || byte === 0xfe || byte === 0x3c || byte === 0;
  }

  #decoded(chunk: Buffer): Buffer {
    return this.#decoder === undefined ? chunk : Buffer.from(this.#decoder.decode(chunk, { stream: true }));
  }
}
