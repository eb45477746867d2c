import type { FrameHead } from "../../message/frame.ts";
import { kindOf, receiverOf } from "../../message/subject.ts";
import type { OutLane } from "./records.ts";

/**
 * Which journal each node was heard to have since it was last found absent, in this life of the daemon. What is sent says
 * which journal it is for: only then can a new one tell what is for itself from what another one may have taken.
 */
export class Receivers {
  readonly #epochs = new Map<string, string>();

  /** By a hello, or an ACK. Either may be late: when it contradicts what is known, neither counts, and the node is asked. */
  heard(node: string, epoch: string): void {
    const known = this.#epochs.get(node);
    if (known === undefined) this.#epochs.set(node, epoch);
    else if (known !== epoch) this.#epochs.delete(node);
  }

  /** Whoever comes next may have another journal. */
  absent(node: string): void {
    this.#epochs.delete(node);
  }

  /** Whether what is sent now can say which journal it is for; events need not. */
  knows(subject: string): boolean {
    return kindOf(subject) === "event" || this.#epochs.has(receiverOf(subject));
  }

  of(node: string): string | undefined {
    return this.#epochs.get(node);
  }

  /** What a frame of this lane says of the journal that it is for. */
  head({ subject, base, receiverEpoch }: OutLane): Pick<FrameHead, "base" | "receiverEpoch" | "receiverNow"> {
    const receiverNow = this.of(receiverOf(subject));
    return {
      ...(base ? { base } : {}),
      ...(receiverEpoch === undefined ? {} : { receiverEpoch }),
      ...(receiverNow === undefined ? {} : { receiverNow }),
    };
  }
}
