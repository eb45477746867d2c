import type { Hold } from "../../message/jobs/hold.ts";
import type { HeldEnd, HeldGroupRecord, HeldMembers, HeldRun, HeldStand, HeldWhy } from "../records.ts";

type Stand = HeldRun[1];

/** A group of held messages in memory: the state of each member, by place. */
export class HeldGroup {
  /** The id of the first member. */
  readonly id: string;
  readonly record: HeldGroupRecord;
  /** Absent: the members lie in the store alone. */
  members: HeldMembers | undefined;
  /** 0: held; 1: in its lane; from 2 on: an end, by its place in `#ends`. */
  readonly #stands: Uint16Array;
  readonly #ends: HeldEnd[] = [];
  #reasons: readonly HeldWhy[] = [];
  #held: number;
  #released = 0;

  constructor(id: string, record: HeldGroupRecord) {
    this.id = id;
    this.record = record;
    this.#stands = new Uint16Array(record.count);
    this.#held = record.count;
  }

  get heldCount(): number {
    return this.#held;
  }

  /** True when each member is in its lane: the outbox tells of all of them. */
  get allReleased(): boolean {
    return this.#released === this.record.count;
  }

  /** The time of the latest end of a member that was in no lane; `undefined`: each member is in its lane. */
  get endedAt(): number | undefined {
    return this.allReleased ? undefined : Math.max(0, ...this.#ends.map(({ at }) => at));
  }

  at(index: number): Stand {
    const code = this.#stands[index] ?? 1;
    return code < 2 ? (code as 0 | 1) : (this.#ends[code - 2] ?? 1);
  }

  /** Places of held members from `from` on, below `to`. */
  *held(from = 0, to = this.record.count): Generator<number> {
    for (let index = from; index < to && this.#held > 0; index++) if (this.#stands[index] === 0) yield index;
  }

  why(index: number): Hold {
    const [, reason = "order", text = ""] = this.#reasons.find(([upTo]) => index < upTo) ?? [];
    return text === "" ? { reason } : { reason, text };
  }

  /** Returns true when that says something new. */
  explain(reasons: readonly (readonly [upTo: number, hold: Hold])[]): boolean {
    const next = reasons.map(([upTo, { reason, text = "" }]): HeldWhy => [upTo, reason, text]);
    if (JSON.stringify(next) === JSON.stringify(this.#reasons)) return false;
    this.#reasons = next;
    return true;
  }

  /** @throws Error if a member is not held */
  set(indices: readonly number[], stand: 1 | HeldEnd): void {
    const code = stand === 1 ? 1 : this.#codeOf(stand);
    for (const index of indices)
      if (this.#stands[index] !== 0) throw new Error(`number ${index} of the group ${this.id} is not held`);
    for (const index of indices) this.#stands[index] = code;
    this.#held -= indices.length;
    if (stand === 1) this.#released += indices.length;
  }

  #codeOf(end: HeldEnd): number {
    const same = ({ state, at, reason }: HeldEnd) => state === end.state && at === end.at && reason === end.reason;
    const known = this.#ends.findIndex(same);
    return known >= 0 ? known + 2 : this.#ends.push(end) + 1;
  }

  /** The row's form. */
  get stand(): HeldStand {
    const runs: HeldRun[] = [];
    for (let index = 0; index < this.record.count; index++) {
      const next = this.#stands[index + 1];
      if (index + 1 === this.record.count || next !== this.#stands[index]) runs.push([index + 1, this.at(index)]);
    }
    return { v: 1, runs, reasons: this.#reasons };
  }

  restore({ runs, reasons }: HeldStand): void {
    this.#reasons = reasons;
    let from = 0;
    for (const [upTo, stand] of runs) {
      const code = typeof stand === "number" ? stand : this.#codeOf(stand);
      this.#stands.fill(code, from, upTo);
      if (stand !== 0) this.#held -= upTo - from;
      if (stand === 1) this.#released += upTo - from;
      from = upTo;
    }
  }
}
