import type { Random } from "../../../src/message/clock.ts";

/**
 * What a bad broker does to messages on the way to it: doubles them, lets later ones overtake, flips a bit. It knows just
 * enough of the NATS protocol to see where a message ends: a client's PUB and HPUB carry a payload, all else is a line.
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
const HEADER = /^H?PUB .* (\d+)$/i;

export class DisturbedStream {
  readonly #done: Disturbed;
  readonly #held: { readonly message: Buffer; overtakes: number }[] = [];
  #disturbance: Disturbance | undefined;
  #rest: Buffer = Buffer.alloc(0);

  constructor(disturbance: Disturbance, done: Disturbed) {
    this.#disturbance = disturbance;
    this.#done = done;
  }

  /** What goes on for these bytes, now. */
  take(chunk: Buffer): Buffer {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    const out: Buffer[] = [];
    for (let part = this.#next(); part !== undefined; part = this.#next()) {
      if (part.payload === 0) out.push(part.bytes);
      else out.push(...this.#disturbed(part.bytes, part.payload));
    }
    return Buffer.concat(out);
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

  /** One line, or one message with its payload of so many bytes; `undefined` until it is whole. */
  #next(): { readonly bytes: Buffer; readonly payload: number } | undefined {
    const end = this.#rest.indexOf("\r\n");
    if (end === -1) return undefined;
    const size = HEADER.exec(this.#rest.toString("latin1", 0, end))?.[1];
    const length = size === undefined ? end + 2 : end + 2 + Number(size) + 2;
    if (this.#rest.length < length) return undefined;
    const bytes = this.#rest.subarray(0, length);
    this.#rest = this.#rest.subarray(length);
    return { bytes, payload: Number(size ?? 0) };
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
