import { cutAt, trimEnd } from "../text.ts";

/**
 * Syslog messages out of a TCP stream (RFC 6587), both framings, told apart message by message:
 *   octet counting  `83 <34>1 …`: a count, a space, then a message of so many octets that begins with a priority
 *   newline         everything else, to the next LF or NUL
 *
 *   start → header (a digit 1-9) → octets → step;  start | header → line → start;  step → start (a digit, `<`, LF, NUL)
 *   step | header → scan: a count was wrong
 *
 * A count that does not lead to the beginning of another message is a framing error. From then on counts are ignored and the
 * stream is scanned: a message ends where the next `<digits> <priority>` stands.
 *
 * A message of more than `limit` bytes is handed over in parts as it arrives, so that hardly more than `limit` is in memory.
 */
export interface Frame {
  readonly bytes: Buffer;
  /** The message goes on in the next frame. */
  readonly more: boolean;
}

const NUL = 0;
const LF = 10;
const CR = 13;
const LESS_THAN = 60;
const GREATER_THAN = 62;
const isDigit = (byte: number): boolean => byte >= 48 && byte <= 57;

const HEADER = /^([1-9]\d{0,6}) (<\d{1,3}>)$/;
const HEADER_SO_FAR = /^[1-9]\d{0,6}(?: (?:<\d{0,3}>?)?)?$/;
/** The beginning of a message in a scanned stream, at the end of the bytes so far. */
const BEGINNING = /(?:[1-9]\d{0,6} |\n)(<\d{1,3}>)$/;
const REACH = 14;
/** Bytes that are held beyond the limit, because they may be a line ending or the beginning of the next message. */
const SLACK = REACH + 2;

export class Framer {
  readonly #limit: () => number;
  #frames: Frame[] = [];
  #state: "start" | "header" | "octets" | "step" | "line" | "scan" = "start";
  #header = "";
  /** True directly after a counted message. */
  #stepped = false;
  #remaining = 0;
  #parts: Buffer[] = [];
  #kept = 0;
  /** True once a part of the message was handed over. */
  #divided = false;
  /** The last bytes of a stream that is scanned. */
  #tail = "";
  #errors = 0;
  #nuls = 0;

  constructor(limit: () => number) {
    this.#limit = limit;
  }

  push(chunk: Buffer): Frame[] {
    let nul = chunk.indexOf(NUL);
    let at = 0;
    while (at < chunk.length) {
      if (this.#state === "line") {
        if (nul !== -1 && nul < at) nul = chunk.indexOf(NUL, at);
        const newline = chunk.indexOf(LF, at);
        const end = newline === -1 || (nul !== -1 && nul < newline) ? nul : newline;
        this.#keep(chunk.subarray(at, end === -1 ? chunk.length : end));
        at = end === -1 ? chunk.length : end + 1;
        if (end !== -1) this.#finish("start");
      } else if (this.#state === "octets") {
        const piece = chunk.subarray(at, at + this.#remaining);
        this.#keep(piece);
        this.#remaining -= piece.length;
        at += piece.length;
        if (this.#remaining === 0) this.#finish("step");
      } else if (this.#state === "scan") {
        this.#scan(chunk.subarray(at, at + 1));
        at++;
      } else {
        at += this.#begin(chunk[at] ?? 0);
      }
    }
    return this.#taken();
  }

  /** Ends the message at hand: the connection is over, or has been silent for long. */
  end(): Frame[] {
    if (this.#state === "header") this.#asLine();
    // A count of more octets than came was wrong.
    const broken = this.#state === "octets";
    if (broken) this.#errors++;
    if (this.isWithin) this.#finish(broken || this.#state === "scan" ? "scan" : "start");
    return this.#taken();
  }

  /** True when a message has begun and is incomplete. */
  get isWithin(): boolean {
    return this.#kept > 0 || this.#divided || this.#state === "header";
  }

  /** Framing errors since the last call. */
  takeErrors(): number {
    const errors = this.#errors;
    this.#errors = 0;
    return errors;
  }

  /** NUL bytes at the beginning of messages since the last call: such bytes end no message and are no text. */
  takeNuls(): number {
    const nuls = this.#nuls;
    this.#nuls = 0;
    return nuls;
  }

  /** Reads one byte at the beginning of a message. Returns the number of consumed bytes. */
  #begin(byte: number): 0 | 1 {
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
    if (this.#remaining === 0) this.#finish("step");
    return 1;
  }

  /** Counts a framing error. From here on the sender's counts are ignored. */
  #lose(): void {
    this.#errors++;
    this.#state = "scan";
    const begun = this.#header;
    this.#header = "";
    this.#tail = begun.slice(-REACH);
    this.#keep(Buffer.from(begun));
  }

  #scan(byte: Buffer): void {
    if (byte[0] === NUL) {
      this.#finish("scan");
      return;
    }
    this.#keep(byte);
    this.#tail = (this.#tail + byte.toString("latin1")).slice(-REACH);
    if (byte[0] !== GREATER_THAN) return;
    const [beginning, priority] = BEGINNING.exec(this.#tail) ?? [];
    if (beginning === undefined || priority === undefined) return;
    this.#dropEnd(beginning.length);
    this.#finish("scan");
    this.#keep(Buffer.from(priority));
    this.#tail = priority;
  }

  #dropEnd(count: number): void {
    this.#kept -= count;
    this.#parts = [Buffer.concat(this.#parts).subarray(0, this.#kept)];
  }

  /** Treats the digits of a supposed count as the beginning of a line. */
  #asLine(): void {
    const begun = this.#header;
    this.#header = "";
    this.#state = "line";
    this.#keep(Buffer.from(begun));
  }

  #keep(piece: Buffer): void {
    if (piece.length === 0) return;
    // A view, in place of a copy, would keep the socket's whole chunk in memory until the message is complete.
    this.#parts.push(Buffer.from(piece));
    this.#kept += piece.length;
    // Many tiny segments must not become many tiny buffers.
    if (this.#parts.length >= 64) this.#parts = [Buffer.concat(this.#parts)];
    if (this.#kept > this.#limit() + SLACK)
      this.#hold(this.#divide(Buffer.concat(this.#parts), (rest) => rest.length - SLACK));
  }

  #hold(bytes: Buffer): void {
    this.#parts = bytes.length === 0 ? [] : [Buffer.from(bytes)];
    this.#kept = bytes.length;
  }

  /** Hands over parts until the rest is within the limit, and returns the rest. */
  #divide(bytes: Buffer, sizeOf: (rest: Buffer) => number): Buffer {
    const limit = this.#limit();
    let rest = bytes;
    while (sizeOf(rest) > limit) {
      const at = cutAt(rest, limit);
      this.#frames.push({ bytes: Buffer.from(rest.subarray(0, at)), more: true });
      this.#divided = true;
      rest = rest.subarray(at);
    }
    return rest;
  }

  #finish(next: "start" | "step" | "scan"): void {
    if (this.#kept > 0 || this.#divided) {
      const bytes = this.#divide(Buffer.concat(this.#parts), (rest) => trimEnd(rest).length);
      this.#frames.push({ bytes, more: false });
    }
    this.#state = next;
    this.#header = "";
    this.#tail = "";
    this.#hold(NOTHING);
    this.#divided = false;
    this.#remaining = 0;
  }

  #taken(): Frame[] {
    const frames = this.#frames;
    this.#frames = [];
    return frames;
  }
}

const NOTHING = Buffer.alloc(0);
