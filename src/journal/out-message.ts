import { idTime } from "../message/id.ts";
import { type Assertion, fold, isFinalState, type Life, lifeOf, type State } from "../message/lifecycle.ts";
import type { Message } from "../message/message.ts";
import type { Outcome } from "../message/report.ts";
import { receiverOf } from "../message/subject.ts";
import type { LaneMarks } from "./lanes/lane-marks.ts";
import type { OutRecord, OutState } from "./records.ts";

/** The shortest hold that is told of in the history of a message, ms. */
const LEAST_HOLD = 1000;

/** The watermarks of a lane; `event`: the lane carries events. */
export interface Watermarks {
  readonly sent: number;
  readonly acked: number;
  readonly started: number;
  readonly event: boolean;
}

/** One message that this node owes to another, with its own record beyond its lane's watermarks. */
export class OutMessage implements OutRecord {
  readonly message: Message;
  readonly seq: number;
  readonly text: string;
  readonly bytes: number;
  readonly keep: boolean;
  attempts = 0;
  /** Times at which the message was sent, received and started, ms; 0: not known. The last two by the receiver's clock. */
  #sentAt = 0;
  #receivedAt = 0;
  #startedAt = 0;
  /** The end, if it is the only assertion about the message. */
  #end: Assertion | undefined;
  /** All assertions otherwise. */
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

  /** The state by the assertions alone, without the lane's watermarks. */
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

  /** Sets the start that the node has reported, which overrules the time of the ACK. */
  started(at: number): void {
    if (this.#sentAt === 0) return;
    this.#startedAt = at;
    if (this.#receivedAt !== 0) this.#receivedAt = Math.min(this.#receivedAt, at);
  }

  /** Fills in, from the lane's marks, times that the message's own record lacks. */
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

  /** The assertions that follow from the times, without any report, oldest first. */
  passed(): Assertion[] {
    const { id, subject, origin, createdAt } = this.message;
    const node = receiverOf(subject);
    const assertions: Assertion[] = [{ state: "queued", at: createdAt, by: origin }];
    // The id of a message is made when it is accepted; a held one is queued, and gets its time, when it is released.
    const acceptedAt = idTime(id);
    if (createdAt - acceptedAt >= LEAST_HOLD) assertions.unshift({ state: "held", at: acceptedAt, by: origin });
    if (this.#sentAt === 0) return assertions;
    assertions.push({ state: "sent", at: this.#sentAt, by: origin });
    if (this.#receivedAt !== 0) assertions.push({ state: "received", at: this.#receivedAt, by: node });
    if (this.#startedAt !== 0) assertions.push({ state: "running", at: this.#startedAt, by: node });
    return assertions;
  }

  /** The state by assertions and watermarks together. */
  stateOn({ acked, started, sent, event }: Watermarks): State {
    const { asserted, seq } = this;
    if (asserted !== undefined && isFinalState(asserted)) return asserted;
    if (seq <= acked && event) return "received";
    if (asserted === "running" || seq <= started) return "running";
    if (seq <= acked) return "received";
    return seq <= sent ? "sent" : "queued";
  }

  historyOn(lane: Watermarks): Life {
    const [first, ...others] = this.passed();
    const { life: known } = this;
    const all: Assertion[] = [...others, ...(known?.history ?? []), ...(known?.conflict ? [known.conflict] : [])];
    const begun: Life = { state: "queued", history: first === undefined ? [] : [first] };
    const life = all.reduce((folded, assertion) => fold(folded, assertion, this.message.origin), begun);
    return { ...life, state: this.stateOn(lane) };
  }

  /** The row's form of this record. */
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
