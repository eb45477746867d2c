import type { OutputPart, StreamTotal } from "../../message/report.ts";
import { incompleteBeginning, incompleteEnd, type StreamName, toParts } from "../output-parts.ts";

/**
 * The kept output of a run: the first `head` and the last `tail` bytes of each stream, and the true count. The heads
 * also remember the order in which the streams took turns.
 */
export class Output {
  readonly #streams: Record<StreamName, Stream>;
  /** Turns of the streams within the heads: `end` is the length of that stream's head after the turn. */
  readonly #turns: { readonly stream: StreamName; end: number }[] = [];

  constructor(head: number, tail: number) {
    this.#streams = { stdout: new Stream(head, tail), stderr: new Stream(head, tail) };
  }

  /** True when some of it went to the head, so that there is something to read. */
  write(stream: StreamName, chunk: Buffer): boolean {
    const kept = this.#streams[stream].write(chunk);
    if (kept === 0) return false;
    const last = this.#turns.at(-1);
    const end = this.#streams[stream].head.length;
    if (last?.stream === stream) last.end = end;
    else this.#turns.push({ stream, end });
    return true;
  }

  /** Bytes of the heads that a reader at `cursor` has not had. */
  waiting(cursor: Cursor): number {
    return this.#streams.stdout.head.length - cursor.stdout + this.#streams.stderr.head.length - cursor.stderr;
  }

  /** The heads after `cursor`, in the order of arrival; a character that is not whole yet is held back. */
  read(cursor: Cursor): OutputPart[] {
    const parts: OutputPart[] = [];
    for (; cursor.turn < this.#turns.length; cursor.turn++) {
      const turn = this.#turns[cursor.turn];
      if (turn === undefined) break;
      const from = cursor[turn.stream];
      const bytes = this.#streams[turn.stream].head.bytes(from, turn.end);
      const whole = bytes.subarray(0, bytes.length - incompleteEnd(bytes));
      parts.push(...toParts(turn.stream, from, whole));
      cursor[turn.stream] = from + whole.length;
      // The last turn may still grow.
      if (cursor.turn === this.#turns.length - 1) break;
    }
    return parts;
  }

  /** All that is kept and that a reader at `cursor` has not had; for after the end. */
  rest(cursor: Cursor): OutputPart[] {
    const parts = this.read(cursor);
    for (const name of ["stdout", "stderr"] as const) parts.push(...this.#streams[name].rest(name, cursor[name]));
    return parts;
  }

  totals(): { stdout: StreamTotal; stderr: StreamTotal } {
    return { stdout: this.#streams.stdout.total(), stderr: this.#streams.stderr.total() };
  }
}

/** How far a reader has come. */
export interface Cursor {
  stdout: number;
  stderr: number;
  turn: number;
}

export function newCursor(): Cursor {
  return { stdout: 0, stderr: 0, turn: 0 };
}

class Stream {
  readonly head = new Growing();
  readonly #headLimit: number;
  readonly #tail: Ring;
  #bytes = 0;

  constructor(head: number, tail: number) {
    this.#headLimit = head;
    this.#tail = new Ring(tail);
  }

  /** How much of it went to the head. */
  write(chunk: Buffer): number {
    this.#bytes += chunk.length;
    const kept = Math.min(chunk.length, this.#headLimit - this.head.length);
    if (kept > 0) this.head.append(chunk.subarray(0, kept));
    if (kept < chunk.length) this.#tail.append(chunk.subarray(kept));
    return kept;
  }

  rest(name: StreamName, from: number): OutputPart[] {
    const head = this.head.bytes(from, this.head.length);
    const tail = this.#tail.bytes();
    if (!this.#gap) return toParts(name, from, Buffer.concat([head, tail]));
    // Characters that the gap has cut in two are given up, so that the text around it stays text.
    const skipped = incompleteBeginning(tail);
    return [
      ...toParts(name, from, head.subarray(0, head.length - incompleteEnd(head))),
      ...toParts(name, this.#bytes - tail.length + skipped, tail.subarray(skipped)),
    ];
  }

  total(): StreamTotal {
    if (!this.#gap) return { bytes: this.#bytes, kept: this.#bytes };
    const head = this.head.bytes(Math.max(0, this.head.length - 4), this.head.length);
    const tail = this.#tail.bytes();
    const kept = this.head.length - incompleteEnd(head) + tail.length - incompleteBeginning(tail);
    return { bytes: this.#bytes, kept };
  }

  get #gap(): boolean {
    return this.#bytes > this.head.length + this.#tail.length;
  }
}

/** Bytes in one piece of memory that doubles when it is full. */
class Growing {
  length = 0;
  #buffer = Buffer.alloc(0);

  append(chunk: Buffer): void {
    const needed = this.length + chunk.length;
    if (needed > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(1024, needed, this.#buffer.length * 2));
      this.#buffer.copy(larger, 0, 0, this.length);
      this.#buffer = larger;
    }
    chunk.copy(this.#buffer, this.length);
    this.length = needed;
  }

  bytes(from: number, to: number): Buffer {
    return this.#buffer.subarray(from, to);
  }
}

/** The last `limit` bytes of all that was appended. */
class Ring {
  length = 0;
  readonly #limit: number;
  #buffer = Buffer.alloc(0);
  /** Where the next byte goes; the oldest lies there too once the ring is full. */
  #next = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  append(chunk: Buffer): void {
    const piece = chunk.length > this.#limit ? chunk.subarray(chunk.length - this.#limit) : chunk;
    this.#makeRoom(this.length + piece.length);
    const first = Math.min(piece.length, this.#buffer.length - this.#next);
    piece.copy(this.#buffer, this.#next, 0, first);
    piece.copy(this.#buffer, 0, first);
    this.#next = this.#buffer.length === 0 ? 0 : (this.#next + piece.length) % this.#buffer.length;
    this.length = Math.min(this.#buffer.length, this.length + piece.length);
  }

  bytes(): Buffer {
    if (this.length < this.#buffer.length) return this.#buffer.subarray(0, this.length);
    return Buffer.concat([this.#buffer.subarray(this.#next), this.#buffer.subarray(0, this.#next)]);
  }

  /** Grows until the limit is reached; only then does it go round. */
  #makeRoom(needed: number): void {
    if (needed <= this.#buffer.length || this.#buffer.length === this.#limit) return;
    const larger = Buffer.allocUnsafe(Math.min(this.#limit, Math.max(needed, 4096, this.#buffer.length * 2)));
    this.bytes().copy(larger);
    this.#buffer = larger;
    this.#next = this.length;
  }
}
