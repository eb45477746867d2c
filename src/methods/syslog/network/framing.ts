import { cutAt } from "../text.ts";

/**
 * Syslog messages out of a TCP stream (RFC 6587), both framings, told apart message by message:
 *   octet counting  `83 <34>1 …`: digits, a space, a priority, in all that many octets
 *   newline         everything else, to the next LF or NUL
 *
 *   start → header (a digit 1-9) → octets → step;  start | header → line → start;  step → start (a digit, `<`, LF, NUL)
 *   step | header → scan: a count was wrong
 *
 * A count that does not lead to the beginning of another message is a framing error. From then on the stream is scanned: a
 * message ends where the next `<digits> <priority>` stands, whatever the counts say.
 *
 * Holds at most `limit` bytes of one message; of a longer one the beginning is kept and the rest counted.
 */
export interface Frame {
  readonly bytes: Buffer;
  /** Bytes of the message that were not kept. */
  readonly cut: number;
}

const NUL = 0;
const LF = 10;
const CR = 13;
const LESS_THAN = 60;
const GREATER_THAN = 62;
const isDigit = (byte: number): boolean => byte >= 48 && byte <= 57;

const HEADER = /^([1-9]\d{0,6}) (<\d{1,3}>)$/;
const HEADER_SO_FAR = /^[1-9]\d{0,6}(?: (?:<\d{0,3}>?)?)?$/;
/** Where a message begins in a stream whose counts are not believed; the end of what was seen. */
const BEGINNING = /(?:[1-9]\d{0,6} |\n)(<\d{1,3}>)$/;
const REACH = 14;

export class Framer {
  readonly #limit: number;
  #state: "start" | "header" | "octets" | "step" | "line" | "scan" = "start";
  #header = "";
  /** A counted message came directly before. */
  #stepped = false;
  #remaining = 0;
  #parts: Buffer[] = [];
  #kept = 0;
  #total = 0;
  /** The last bytes of a stream that is scanned. */
  #tail = "";
  #errors = 0;
  #nuls = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  push(chunk: Buffer): Frame[] {
    const frames: Frame[] = [];
    let nul = chunk.indexOf(NUL);
    let at = 0;
    while (at < chunk.length) {
      if (this.#state === "line") {
        if (nul !== -1 && nul < at) nul = chunk.indexOf(NUL, at);
        const newline = chunk.indexOf(LF, at);
        const end = newline === -1 || (nul !== -1 && nul < newline) ? nul : newline;
        this.#keep(chunk.subarray(at, end === -1 ? chunk.length : end));
        at = end === -1 ? chunk.length : end + 1;
        if (end !== -1) this.#finish(frames, "start");
      } else if (this.#state === "octets") {
        const piece = chunk.subarray(at, at + this.#remaining);
        this.#keep(piece);
        this.#remaining -= piece.length;
        at += piece.length;
        if (this.#remaining === 0) this.#finish(frames, "step");
      } else if (this.#state === "scan") {
        this.#scan(chunk.subarray(at, at + 1), frames);
        at++;
      } else {
        at += this.#begin(chunk[at] ?? 0, frames);
      }
    }
    return frames;
  }

  /** The connection is over, or nothing came for long: what is held is all there will be of it. */
  end(): Frame[] {
    const frames: Frame[] = [];
    if (this.#state === "header") this.#asLine();
    // A count that promised more was wrong.
    const broken = this.#state === "octets";
    if (broken) this.#errors++;
    if (this.#total > 0) this.#finish(frames, broken || this.#state === "scan" ? "scan" : "start");
    return frames;
  }

  /** Whether a message has begun that is not complete. */
  get isWithin(): boolean {
    return this.#total > 0 || this.#state === "header";
  }

  /** Framing errors since the last call. */
  takeErrors(): number {
    const errors = this.#errors;
    this.#errors = 0;
    return errors;
  }

  /** NUL bytes at the beginning of messages since the last call: they end nothing and are no text. */
  takeNuls(): number {
    const nuls = this.#nuls;
    this.#nuls = 0;
    return nuls;
  }

  /** Looks at one byte at the beginning of a message; answers whether it was consumed. */
  #begin(byte: number, frames: Frame[]): 0 | 1 {
    if (this.#state !== "header") {
      this.#stepped = this.#state === "step";
      // An empty line, or the line end that some senders put after a counted message.
      if (byte === LF || byte === NUL || (this.#stepped && byte === CR)) {
        if (byte === NUL && !this.#stepped) this.#nuls++;
        if (byte !== CR) this.#state = "start";
        return 1;
      }
      if (!isDigit(byte) || byte === 48) {
        if (this.#stepped && byte !== LESS_THAN) this.#lose();
        else this.#state = "line";
        return 0;
      }
      this.#state = "header";
    }
    const header = this.#header + String.fromCharCode(byte);
    if (!HEADER_SO_FAR.test(header)) {
      if (this.#stepped) this.#lose();
      else this.#asLine();
      return 0;
    }
    this.#header = header;
    const [, digits = "", priority] = HEADER.exec(header) ?? [];
    if (priority === undefined) return 1;
    this.#header = "";
    this.#remaining = Number(digits) - priority.length;
    if (this.#remaining >= 0) this.#state = "octets";
    else this.#lose();
    this.#keep(Buffer.from(priority));
    if (this.#remaining === 0) this.#finish(frames, "step");
    return 1;
  }

  /** The counts of this sender are wrong: from here on they are not believed. */
  #lose(): void {
    this.#errors++;
    this.#state = "scan";
    const begun = this.#header;
    this.#header = "";
    this.#tail = begun.slice(-REACH);
    this.#keep(Buffer.from(begun));
  }

  #scan(byte: Buffer, frames: Frame[]): void {
    if (byte[0] === NUL) {
      this.#finish(frames, "scan");
      return;
    }
    this.#keep(byte);
    this.#tail = (this.#tail + byte.toString("latin1")).slice(-REACH);
    if (byte[0] !== GREATER_THAN) return;
    const [beginning, priority] = BEGINNING.exec(this.#tail) ?? [];
    if (beginning === undefined || priority === undefined) return;
    this.#dropEnd(beginning.length);
    this.#finish(frames, "scan");
    this.#keep(Buffer.from(priority));
    this.#tail = priority;
  }

  #dropEnd(count: number): void {
    this.#total -= count;
    if (this.#kept <= this.#total) return;
    this.#parts = [Buffer.concat(this.#parts).subarray(0, this.#total)];
    this.#kept = this.#total;
  }

  /** What looked like a count is the beginning of a line. */
  #asLine(): void {
    const begun = this.#header;
    this.#header = "";
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

  #finish(frames: Frame[], next: "start" | "step" | "scan"): void {
    const held = Buffer.concat(this.#parts);
    const bytes = held.subarray(0, cutAt(held, this.#limit));
    if (this.#total > 0) frames.push({ bytes, cut: this.#total - bytes.length });
    this.#state = next;
    this.#header = "";
    this.#tail = "";
    this.#parts = [];
    this.#kept = 0;
    this.#total = 0;
    this.#remaining = 0;
  }
}
