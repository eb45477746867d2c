/**
 * Learns how many bytes may be under way to one node so that the line to it is full and nothing waits long in it: what is under way
 * is what a small stop command, or its answer, comes behind. A frame's ACK shows how fast the line is: so many bytes were under
 * way when the frame was sent, and have arrived by then.
 *
 * A line that is not full says nothing, so only frames count that were sent with at least half of the allowed bytes under way. The
 * best of the latest few counts: a lost packet delays single frames, a slow line all of them.
 */
/** How long a frame may wait in the line behind others, ms. */
const QUEUE = 1_000;
/** The fewest bytes that are allowed, and the share of the link's window with which a daemon begins. */
const LEAST = 4 * 1024;
const BEGIN = { share: 1 / 8, least: 16 * 1024 };
/** How many frames are remembered, and for how long the quickest ACK is, ms. */
const LATEST = 8;
const WINDOW = 600_000;

interface Quickest {
  took: number;
  readonly since: number;
}

export class Pace {
  #samples: number[] = [];
  /** Bytes a second of the latest frames that filled the line. */
  #rates: number[] = [];
  #present: Quickest | undefined;
  #before: Quickest | undefined;

  /** The bytes that may be under way; `most`: those that the kind of link allows. */
  bytes(most: number): number {
    const learned =
      this.#samples.length === 0 ? Math.max(BEGIN.least, most * BEGIN.share) : Math.max(LEAST, ...this.#samples);
    return Math.min(most, learned);
  }

  /** The bytes of one frame: several fit into what may be under way. */
  frame(most: number, window: number): number {
    return Math.min(most, Math.max(LEAST / 2, this.bytes(window) / 4));
  }

  /** Bytes a second that the line carried at its best of late; `undefined`: it was never full. */
  get rate(): number | undefined {
    return this.#rates.length === 0 ? undefined : Math.max(...this.#rates);
  }

  /** Takes an ACK that came `took` ms after its frame, at `now`, monotonic. `ahead`: the bytes under way then, the frame's included. */
  acknowledged(ahead: number, took: number, now: number, most: number): void {
    if (this.#present === undefined || now - this.#present.since > WINDOW) {
      this.#before = this.#present;
      this.#present = { took, since: now };
    } else this.#present.took = Math.min(this.#present.took, took);
    if (ahead < this.bytes(most) / 2) return;
    const quickest = Math.min(this.#present.took, this.#before?.took ?? took);
    this.#samples.push((ahead * (quickest + QUEUE)) / Math.max(1, took));
    if (this.#samples.length > LATEST) this.#samples.shift();
    this.#rates.push((ahead * 1_000) / Math.max(1, took));
    if (this.#rates.length > LATEST) this.#rates.shift();
  }
}
