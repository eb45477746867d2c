import type { StewardError } from "../../message/errors.ts";
import type { Envelope, Opened } from "../../message/wire/envelope.ts";
import type { Ack, FrameHead } from "../../message/wire/frame.ts";
import type { FrameRefusal } from "../../message/wire/frame-refusal.ts";

/** The envelope of a node whose keys may change under way: each change is the begin of another life, with sessions of its own. */
export class RekeyedEnvelope implements Envelope {
  readonly #make: () => Envelope;
  #present: Envelope;
  #lives = 0;

  constructor(make: () => Envelope) {
    this.#make = make;
    this.#present = make();
  }

  /** The keys are others from now on. */
  renew(): void {
    this.#present = this.#make();
    this.#lives++;
  }

  seal(subject: string, head: FrameHead, items: readonly string[], compressFrom: number | null): Uint8Array {
    return this.#present.seal(subject, head, items, compressFrom);
  }

  sealAck(to: string, subject: string, ack: Ack, reasons?: number): Uint8Array {
    return this.#present.sealAck(to, subject, ack, reasons);
  }

  sealRefusal(
    to: string | undefined,
    subject: string,
    error: StewardError,
    own: Pick<FrameRefusal, "node" | "receiverEpoch" | "sentAt">,
  ): Uint8Array {
    return this.#present.sealRefusal(to, subject, error, own);
  }

  open(subject: string, payload: Uint8Array): Opened {
    return this.#present.open(subject, payload);
  }

  knows(node: string): boolean {
    return this.#present.knows(node);
  }

  /** Sessions of a later life have higher numbers. */
  session(node: string): number {
    return this.#lives * 2 ** 32 + this.#present.session(node);
  }
}
