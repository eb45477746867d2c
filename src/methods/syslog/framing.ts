import { cutAt } from "./text.ts";

/**
 * Syslog messages out of a TCP stream (RFC 6587), both framings, told apart message by message:
 *   octet counting  `83 <34>1 …`: digits, a space, `<`, then that many octets in all
 *   newline         everything else, to the next LF
 *
 *   start → count (a digit 1-9) → space → octets → start
 *   start | count | space → line → start
 *
 * Holds at most `limit` bytes of one message; of a longer one the beginning is kept and the rest counted.
 */
export interface Frame {
  readonly bytes: Buffer;
  /** Bytes of the message that were not kept. */
  readonly cut: number;
}

const LF = 10;
const SPACE = 32;
const LESS_THAN = 60;
const isDigit = (byte: number): boolean => byte >= 48 && byte <= 57;

export class Framer {
  readonly #limit: number;
  #state: "start" | "count" | "space" | "octets" | "line" = "start";
  #digits = "";
  #remaining = 0;
  #parts: Buffer[] = [];
  #kept = 0;
  #total = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  push(chunk: Buffer): Frame[] {
    const frames: Frame[] = [];
    let at = 0;
    while (at < chunk.length) {
      if (this.#state === "line") {
        const end = chunk.indexOf(LF, at);
        this.#keep(chunk.subarray(at, end === -1 ? chunk.length : end));
        at = end === -1 ? chunk.length : end + 1;
        if (end !== -1) this.#finish(frames);
      } else if (this.#state === "octets") {
        const piece = chunk.subarray(at, at + this.#remaining);
        this.#keep(piece);
        this.#remaining -= piece.length;
        at += piece.length;
        if (this.#remaining === 0) this.#finish(frames);
      } else {
        at += this.#header(chunk[at] ?? 0);
      }
    }
    return frames;
  }

  /** The connection is over: what is held is all there will be of it. */
  end(): Frame | undefined {
    if (this.#state === "count" || this.#state === "space") this.#asLine();
    const frames: Frame[] = [];
    if (this.#total > 0) this.#finish(frames);
    return frames[0];
  }

  /** Looks at one byte; answers whether it was consumed. */
  #header(byte: number): 0 | 1 {
    if (this.#state === "start") {
      // An empty line, or the newline that some senders put after a counted message.
      if (byte === LF) return 1;
      if (!isDigit(byte) || byte === 48) {
        this.#state = "line";
        return 0;
      }
      this.#state = "count";
    }
    if (this.#state === "count" && isDigit(byte) && this.#digits.length < 7) {
      this.#digits += String.fromCharCode(byte);
      return 1;
    }
    if (this.#state === "count" && byte === SPACE) {
      this.#state = "space";
      return 1;
    }
    if (this.#state === "space" && byte === LESS_THAN) {
      this.#remaining = Number(this.#digits);
      this.#digits = "";
      this.#state = "octets";
      return 0;
    }
    this.#asLine();
    return 0;
  }

  /** What looked like a count is the beginning of a line. */
  #asLine(): void {
    const begun = this.#state === "space" ? `${this.#digits} ` : this.#digits;
    this.#digits = "";
    this.#state = "line";
    this.#keep(Buffer.from(begun));
  }

  #keep(piece: Buffer): void {
    this.#total += piece.length;
    // One byte over the limit is kept, so that the cut can see whether it would tear a character.
    const room = this.#limit + 1 - this.#kept;
    if (room <= 0 || piece.length === 0) return;
    // Copied: a view would hold the whole chunk of the socket for as long as the message is incomplete.
    this.#parts.push(Buffer.from(piece.subarray(0, room)));
    this.#kept += Math.min(room, piece.length);
    // Many tiny segments must not become many tiny buffers.
    if (this.#parts.length >= 64) this.#parts = [Buffer.concat(this.#parts)];
  }

  #finish(frames: Frame[]): void {
    const held = Buffer.concat(this.#parts);
    const bytes = held.subarray(0, cutAt(held, this.#limit));
    if (this.#total > 0) frames.push({ bytes, cut: this.#total - bytes.length });
    this.#state = "start";
    this.#digits = "";
    this.#parts = [];
    this.#kept = 0;
    this.#total = 0;
    this.#remaining = 0;
  }
}
