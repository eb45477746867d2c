import type { Random } from "../../../src/message/clock.ts";
import { ClientMessages } from "./client-messages.ts";

/**
 * What a bad broker does to messages on the way to it: doubles them, lets later ones overtake, flips a bit.
 */
export interface Disturbance {
  /** Shares of the messages, from 0 to 1. */
  readonly duplicate?: number;
  readonly reorder?: number;
  /** One bit of the payload. */
  readonly flip?: number;
  readonly random: Random;
}

/** How many of each were done. */
export interface Disturbed {
  duplicated: number;
  reordered: number;
  flipped: number;
}

/** So many messages overtake one that is held back, at most. */
const OVERTAKEN_BY = 3;

export class DisturbedStream {
  readonly #done: Disturbed;
  readonly #held: { readonly message: Buffer; overtakes: number }[] = [];
  #disturbance: Disturbance | undefined;
  readonly #messages = new ClientMessages();

  constructor(disturbance: Disturbance, done: Disturbed) {
    this.#disturbance = disturbance;
    this.#done = done;
  }

  /** What goes on for these bytes, now. */
  take(chunk: Buffer): Buffer {
    return Buffer.concat(
      this.#messages
        .take(chunk)
        .flatMap(({ bytes, payload }) => (payload === 0 ? [bytes] : this.#disturbed(bytes, payload))),
    );
  }

  /** Goes on without faults; what was held back comes first. */
  end(): Buffer {
    this.#disturbance = undefined;
    return Buffer.concat(this.#held.splice(0).map(({ message }) => message));
  }

  /** Held messages, when no other came to overtake them. */
  release(): Buffer {
    return Buffer.concat(this.#held.splice(0).map(({ message }) => message));
  }

  #disturbed(original: Buffer, payload: number): Buffer[] {
    const fault = this.#disturbance;
    if (fault === undefined) return [original];
    const chance = (share: number | undefined): boolean => share !== undefined && fault.random.next() < share;
    let message = original;
    if (chance(fault.flip)) {
      message = Buffer.from(original);
      const at = message.length - 2 - payload + Math.floor(fault.random.next() * payload);
      message.writeUInt8(message.readUInt8(at) ^ (1 << Math.floor(fault.random.next() * 8)), at);
      this.#done.flipped++;
    }
    const out: Buffer[] = [];
    if (chance(fault.reorder)) {
      this.#held.push({ message, overtakes: Math.ceil(fault.random.next() * OVERTAKEN_BY) });
      this.#done.reordered++;
    } else {
      out.push(message);
      for (const held of this.#held.splice(0)) {
        if (--held.overtakes > 0) this.#held.push(held);
        else out.push(held.message);
      }
    }
    if (chance(fault.duplicate)) {
      out.push(message);
      this.#done.duplicated++;
    }
    return out;
  }
}
