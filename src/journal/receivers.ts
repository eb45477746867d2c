import { kindOf, receiverOf } from "../message/subject.ts";
import type { FrameHead } from "../message/wire/frame.ts";
import type { OutLane } from "./records.ts";

type Told = Pick<FrameHead, "base" | "receiverEpoch" | "receiverNow" | "receiverLife">;

/**
 * The journal that each node was heard to have since it was last found absent, in this life of the daemon, and the life of
 * its daemon that was heard last. A frame says which journal and which life it is for: only then can a new one tell what is
 * for itself from what another one may have taken.
 */
export class Receivers {
  readonly #epochs = new Map<string, string>();
  readonly #lives = new Map<string, string>();

  /** By a hello, or an ACK. Either may be late: when it contradicts what is known, neither counts, and the node is asked. */
  heard(node: string, epoch: string, life?: string): void {
    const known = this.#epochs.get(node);
    if (known === undefined) this.#epochs.set(node, epoch);
    else if (known !== epoch) this.#epochs.delete(node);
    if (life !== undefined) this.#lives.set(node, life);
  }

  /** The node that comes next may have another journal. */
  absent(node: string): void {
    this.#epochs.delete(node);
  }

  /** True where a frame can say which journal it is for; events need not. */
  knows(subject: string): boolean {
    return kindOf(subject) === "event" || this.#epochs.has(receiverOf(subject));
  }

  of(node: string): string | undefined {
    return this.#epochs.get(node);
  }

  /** The part of a frame's head that says for which journal and which life it is. */
  head({ subject, base, receiverEpoch }: OutLane): Told {
    const node = receiverOf(subject);
    const receiverNow = this.of(node);
    const receiverLife = this.#lives.get(node);
    return {
      ...(base ? { base } : {}),
      ...(receiverEpoch === undefined ? {} : { receiverEpoch }),
      ...(receiverNow === undefined ? {} : { receiverNow }),
      ...(receiverLife === undefined ? {} : { receiverLife }),
    };
  }
}
