import { kindOf, receiverOf } from "../message/subject.ts";
import type { FrameHead } from "../message/wire/frame.ts";
import type { OutLane } from "./records.ts";

type Told = Pick<FrameHead, "base" | "receiverEpoch" | "receiverNow" | "receiverLife">;

/**
 * The epoch of each node's journal, as heard since the node was last found absent, and the last heard life of its daemon. A
 * frame names the journal and the life that it is for: only so can a new journal tell messages for itself from messages that
 * an earlier one may have taken.
 */
export class Receivers {
  readonly #epochs = new Map<string, string>();
  readonly #lives = new Map<string, string>();

  /** Notes the epoch of a hello or an ACK. Either may be late: on a contradiction neither counts, and the node is asked. */
  heard(node: string, epoch: string, life?: string): void {
    const known = this.#epochs.get(node);
    if (known === undefined) this.#epochs.set(node, epoch);
    else if (known !== epoch) this.#epochs.delete(node);
    if (life !== undefined) this.#lives.set(node, life);
  }

  /** Forgets the epoch of an absent node, which may come back with another journal. */
  absent(node: string): void {
    this.#epochs.delete(node);
  }

  /** True when a frame can name the receiver's journal; frames of events need not. */
  knows(subject: string): boolean {
    return kindOf(subject) === "event" || this.#epochs.has(receiverOf(subject));
  }

  of(node: string): string | undefined {
    return this.#epochs.get(node);
  }

  /** The part of a frame's head that names the journal and the life that it is for. */
  head({ subject, base, receiverEpoch }: OutLane): Told {
    const node = receiverOf(subject);
    const receiverNow = this.of(node);
    const receiverLife = this.#lives.get(node);
    return { base: base || undefined, receiverEpoch, receiverNow, receiverLife };
  }
}
