import type { OutMarks } from "./records.ts";

/**
 * When the messages of a lane passed its watermarks, and how often each was sent: what the history of a message is told by
 * before its end is recorded with it. The marks lie in the row of the lane, so that they are as durable as its watermarks and
 * cost no write of their own. One mark stands for all that a frame or an ACK covered.
 */
export class LaneMarks {
  #sent: [upTo: number, at: number, attempts: number][] = [];
  #acked: [upTo: number, at: number][] = [];
  #started: [upTo: number, at: number][] = [];

  /** The marks as they lie in the journal; `undefined`: there are none. */
  get row(): OutMarks | undefined {
    if (this.#sent.length === 0) return undefined;
    return { s: this.#sent.map(copy), a: this.#acked.map(copy), r: this.#started.map(copy) };
  }

  restore({ s, a, r }: OutMarks): void {
    this.#sent = s.map(copy);
    this.#acked = a.map(copy);
    this.#started = r.map(copy);
  }

  /** Messages were sent, some of them once more. */
  sent(first: number, last: number, at: number): void {
    const marks = this.#sent;
    this.#part(first - 1);
    this.#part(last);
    for (const mark of marks) if (mark[0] >= first && mark[0] <= last) mark[2]++;
    if (last > (marks.at(-1)?.[0] ?? 0)) marks.push([last, at, 1]);
    bound(marks);
  }

  /** Up to there the receiver has them, and has started them. */
  acked(acked: number, started: number, at: number): void {
    for (const [marks, upTo] of [
      [this.#acked, acked],
      [this.#started, started],
    ] as const) {
      if (upTo <= (marks.at(-1)?.[0] ?? 0)) continue;
      marks.push([upTo, at]);
      bound(marks);
    }
  }

  /** Messages after `upTo` were not sent after all. */
  unsent(upTo: number): void {
    this.#part(upTo);
    this.#sent = this.#sent.filter(([last]) => last <= upTo);
  }

  /** Marks before `first` are asked for by nobody any more. */
  forget(first: number): void {
    for (const marks of [this.#sent, this.#acked, this.#started]) {
      const past = marks.findIndex(([upTo]) => upTo >= first);
      if (past !== 0) marks.splice(0, past < 0 ? marks.length : past);
    }
  }

  /** Times of one message, ms; 0: not known. */
  of(seq: number): { attempts: number; sentAt: number; receivedAt: number; startedAt: number } {
    const [, sentAt, attempts] = find(this.#sent, seq) ?? [0, 0, 0];
    const [, receivedAt] = find(this.#acked, seq) ?? [0, 0];
    const [, startedAt] = find(this.#started, seq) ?? [0, 0];
    return { attempts, sentAt, receivedAt, startedAt };
  }

  /** A mark ends at this number, if one goes on beyond it. */
  #part(seq: number): void {
    const at = this.#sent.findIndex(([upTo]) => upTo >= seq);
    const mark = this.#sent[at];
    if (mark !== undefined && mark[0] > seq) this.#sent.splice(at, 0, [seq, mark[1], mark[2]]);
  }
}

/** Marks of a kind that a lane keeps: beyond that the two that are nearest in time become one. */
const MOST = 48;

function bound(marks: [upTo: number, at: number, ...unknown[]][]): void {
  if (marks.length <= MOST) return;
  let nearest = 0;
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i + 1 < marks.length; i++) {
    const apart = Math.abs((marks[i + 1]?.[1] ?? 0) - (marks[i]?.[1] ?? 0));
    if (apart < least) [least, nearest] = [apart, i];
  }
  marks.splice(nearest, 1);
}

function find<Mark extends readonly [upTo: number, ...unknown[]]>(
  marks: readonly Mark[],
  seq: number,
): Mark | undefined {
  return marks.find(([upTo]) => upTo >= seq);
}

function copy<Mark extends readonly unknown[]>(mark: Mark): { -readonly [I in keyof Mark]: Mark[I] } {
  return [...mark] as { -readonly [I in keyof Mark]: Mark[I] };
}
