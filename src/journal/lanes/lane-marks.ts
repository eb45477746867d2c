import type { OutMarks } from "../records.ts";

/**
 * The times at which the messages of a lane passed its watermarks, and how often each was sent: the source of a message's
 * history until its own record has its end. The marks lie in the row of the lane, so that they are as durable as its
 * watermarks and cost no write of their own. One mark stands for all messages of a frame or an ACK.
 */
export class LaneMarks {
  #sent: [upTo: number, at: number, attempts: number][] = [];
  #acked: [upTo: number, at: number][] = [];
  #started: [upTo: number, at: number][] = [];

  /** The marks as they lie in the journal, an `OutMarks` as JSON; `undefined`: there are none. */
  get text(): string | undefined {
    if (this.#sent.length === 0) return undefined;
    return `{"s":${listed(this.#sent)},"a":${listed(this.#acked)},"r":${listed(this.#started)}}`;
  }

  restore({ s, a, r }: OutMarks): void {
    this.#sent = s.map(copy);
    this.#acked = a.map(copy);
    this.#started = r.map(copy);
  }

  /** Marks the messages `first` to `last` as sent, or as sent once more. */
  sent(first: number, last: number, at: number): void {
    const marks = this.#sent;
    this.#part(first - 1);
    this.#part(last);
    for (const mark of marks) if (mark[0] >= first && mark[0] <= last) mark[2]++;
    if (last > (marks.at(-1)?.[0] ?? 0)) marks.push([last, at, 1]);
    bound(marks);
  }

  acked(acked: number, started: number, at: number): void {
    pass(this.#acked, acked, at);
    pass(this.#started, started, at);
  }

  /** Takes back the marks of messages after `upTo`, which were not sent after all. */
  unsent(upTo: number): void {
    this.#part(upTo);
    this.#sent = this.#sent.filter(([last]) => last <= upTo);
  }

  /** Drops the marks of messages before `first`. */
  forget(first: number): void {
    drop(this.#sent, first);
    drop(this.#acked, first);
    drop(this.#started, first);
  }

  /** Times of one message, ms; 0: not known. */
  of(seq: number): { attempts: number; sentAt: number; receivedAt: number; startedAt: number } {
    const [, sentAt, attempts] = find(this.#sent, seq) ?? [0, 0, 0];
    const [, receivedAt] = find(this.#acked, seq) ?? [0, 0];
    const [, startedAt] = find(this.#started, seq) ?? [0, 0];
    return { attempts, sentAt, receivedAt, startedAt };
  }

  /** Splits the mark that covers this number, so that one ends at it. */
  #part(seq: number): void {
    const at = this.#sent.findIndex(([upTo]) => upTo >= seq);
    const mark = this.#sent[at];
    if (mark !== undefined && mark[0] > seq) this.#sent.splice(at, 0, [seq, mark[1], mark[2]]);
  }
}

/** Most marks of a kind that a lane keeps; beyond, the two nearest in time are merged. */
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

function pass(marks: [upTo: number, at: number][], upTo: number, at: number): void {
  if (upTo <= (marks.at(-1)?.[0] ?? 0)) return;
  marks.push([upTo, at]);
  bound(marks);
}

function drop(marks: [upTo: number, at: number, ...unknown[]][], before: number): void {
  let past = 0;
  for (let mark = marks[0]; mark !== undefined && mark[0] < before; mark = marks[past]) past++;
  if (past > 0) marks.splice(0, past);
}

/** Marks as JSON. */
function listed(marks: readonly (readonly number[])[]): string {
  const [only] = marks;
  if (only === undefined) return "[]";
  return marks.length === 1 ? `[[${only.join(",")}]]` : JSON.stringify(marks);
}

function copy<Mark extends readonly unknown[]>(mark: Mark): { -readonly [I in keyof Mark]: Mark[I] } {
  return [...mark] as { -readonly [I in keyof Mark]: Mark[I] };
}
