import { type Assertion, fold, isFinalState, type Life, lifeOf, type State } from "../message/lifecycle.ts";
import type { Message } from "../message/message.ts";
import type { Outcome } from "../message/report.ts";
import { receiverOf } from "../message/subject.ts";
import type { LaneMarks } from "./lane-marks.ts";
import type { OutRecord, OutState } from "./records.ts";

/** How far a lane has come, and whether it carries events. */
export interface Watermarks {
  readonly sent: number;
  readonly acked: number;
  readonly started: number;
  readonly event: boolean;
}

/** One message that this node owes to another: what it says, and what is known of it beyond its lane's watermarks. */
export class OutMessage implements OutRecord {
  readonly message: Message;
  readonly seq: number;
  readonly text: string;
  readonly bytes: number;
  readonly keep: boolean;
  attempts = 0;
  /** When it passed what its lane's watermarks say of it, ms; 0: not known. The last two by the clock of the node. */
  #sentAt = 0;
  #receivedAt = 0;
  #startedAt = 0;
  /** The final state, of a message of which nothing else was ever said. */
  #end: Assertion | undefined;
  /** What was said of any other. */
  #folded: Life | undefined;
  outcome: Outcome | undefined;
  cancelRequestedAt: number | undefined;
  cancelId: string | undefined;
  heardAt: number | undefined;
  skip: "expired" | "cancelled" | undefined;

  constructor(message: Message, seq: number, text: string, keep: boolean) {
    this.message = message;
    this.seq = seq;
    this.text = text;
    this.bytes = Buffer.byteLength(text) + 1;
    this.keep = keep;
  }

  /** What somebody said of it. */
  get asserted(): State | undefined {
    return this.#end === undefined ? this.#folded?.state : this.#end.state;
  }

  get ended(): boolean {
    const state = this.asserted;
    return state !== undefined && isFinalState(state);
  }

  get life(): Life | undefined {
    return this.#end === undefined ? this.#folded : lifeOf([...this.passed(), this.#end]);
  }

  assert(next: Assertion): void {
    const life = this.life;
    if (life !== undefined) {
      this.#folded = fold(life, next, this.message.origin);
      this.#end = undefined;
    } else if (isFinalState(next.state)) this.#end = next;
    else {
      const passed = this.passed();
      this.#folded = lifeOf(passed.at(-1)?.state === next.state ? passed : [...passed, next]);
    }
  }

  sent(at: number): void {
    if (this.attempts++ === 0) this.#sentAt = at;
  }

  unsent(): void {
    this.attempts = 0;
    this.#sentAt = 0;
  }

  received(at: number, started: boolean): void {
    if (this.#sentAt === 0) return;
    this.#receivedAt = at;
    if (started) this.#startedAt = at;
  }

  /** The node's own word of when it began: it knows best. */
  started(at: number): void {
    if (this.#sentAt === 0) return;
    this.#startedAt = at;
    if (this.#receivedAt !== 0) this.#receivedAt = Math.min(this.#receivedAt, at);
  }

  /** What its lane has noted of it, where its own record has not. */
  recall({ sent, acked, started }: Watermarks, marks: LaneMarks): void {
    const { seq } = this;
    if (this.ended || this.skip !== undefined || seq > sent) return;
    const known = marks.of(seq);
    this.attempts = Math.max(this.attempts, known.attempts);
    this.#sentAt ||= known.sentAt;
    if (this.#sentAt === 0) return;
    if (seq <= acked) this.#receivedAt ||= known.receivedAt;
    if (seq <= started) this.#startedAt ||= known.startedAt;
  }

  /** What can be said of it when nobody has reported, oldest first. */
  passed(): Assertion[] {
    const { subject, origin, createdAt } = this.message;
    const node = receiverOf(subject);
    const assertions: Assertion[] = [{ state: "queued", at: createdAt, by: origin }];
    if (this.#sentAt === 0) return assertions;
    assertions.push({ state: "sent", at: this.#sentAt, by: origin });
    if (this.#receivedAt !== 0) assertions.push({ state: "received", at: this.#receivedAt, by: node });
    if (this.#startedAt !== 0) assertions.push({ state: "running", at: this.#startedAt, by: node });
    return assertions;
  }

  /** What is known of it where its lane stands. */
  stateOn({ acked, started, sent, event }: Watermarks): State {
    const { asserted, seq } = this;
    if (asserted !== undefined && isFinalState(asserted)) return asserted;
    if (seq <= acked && event) return "received";
    if (asserted === "running" || seq <= started) return "running";
    if (seq <= acked) return "received";
    return seq <= sent ? "sent" : "queued";
  }

  /** Every assertion known of it, oldest first. */
  historyOn(lane: Watermarks): Life {
    const [first, ...others] = this.passed();
    const { life: known } = this;
    const all: Assertion[] = [...others, ...(known?.history ?? []), ...(known?.conflict ? [known.conflict] : [])];
    const begun: Life = { state: "queued", history: first === undefined ? [] : [first] };
    const life = all.reduce((folded, assertion) => fold(folded, assertion, this.message.origin), begun);
    return { ...life, state: this.stateOn(lane) };
  }

  /** As it lies in the journal. */
  get state(): OutState {
    return {
      n: this.attempts,
      p: [this.#sentAt, this.#receivedAt, this.#startedAt],
      e: this.#end,
      l: this.#folded,
      o: this.outcome,
      c: this.cancelRequestedAt,
      i: this.cancelId,
      h: this.heardAt,
      x: this.skip,
    };
  }

  restore({ n, p, e, l, o, c, i, h, x }: OutState): void {
    this.attempts = n;
    [this.#sentAt, this.#receivedAt, this.#startedAt] = p;
    this.#end = e;
    this.#folded = l;
    this.outcome = o;
    this.cancelRequestedAt = c;
    this.cancelId = i;
    this.heardAt = h;
    this.skip = x;
  }
}
