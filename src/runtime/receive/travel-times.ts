import type { SendingTime } from "../../message/wire/frame.ts";

/**
 * Measures how long frames and ACKs travelled: in a link, in the broker, in a buffer of this process while it was paused.
 * The clocks need not agree for that: the fastest frame of a sender shows the offset of its clock to this node's monotonic
 * time, and the delay of every other frame is the difference to that one.
 *
 * Two clocks of the sender are compared with this node's monotonic time, and the smaller delay counts: a jump of its wall
 * clock shows in `sentAt` alone, a sleep of its host in `uptime` alone, and a real delay in both. A new life of the sender
 * is measured anew.
 */
export class TravelTimes {
  /** The present life of each sender first, then the one before it, whose frames may have been overtaken. */
  readonly #senders = new Map<string, readonly Sender[]>();

  /** Takes the times of a frame or ACK that was read at `now`, monotonic ms. Returns its delay behind the fastest one, ms. */
  heard(node: string, { sentAt, life, uptime }: SendingTime, now: number): number {
    const sender = this.#sender(node, life);
    const byWall = sender.wall.late(now - sentAt, now);
    return uptime === undefined ? byWall : Math.min(byWall, sender.uptime.late(now - uptime, now));
  }

  #sender(node: string, life: string | undefined): Sender {
    const lives = this.#senders.get(node) ?? [];
    for (const known of lives) if (known.life === life) return known;
    const sender: Sender = { life, wall: new Fastest(), uptime: new Fastest() };
    this.#senders.set(node, [sender, ...lives.slice(0, 1)]);
    return sender;
  }
}

interface Sender {
  readonly life: string | undefined;
  readonly wall: Fastest;
  readonly uptime: Fastest;
}

/** How long the fastest frame is remembered at least, ms: a clock that jumped is known again after twice this time. */
const WINDOW = 600_000;
/** The most that two clocks drift apart in a millisecond without a frame, ms. */
const DRIFT = 0.0002;

interface Seen {
  offset: number;
  at: number;
  readonly since: number;
}

/** The smallest offset of this window and of the one before it. A window ends with a frame, never in a silence. */
class Fastest {
  #present: Seen | undefined;
  #before: Seen | undefined;

  late(offset: number, now: number): number {
    if (this.#present === undefined || now - this.#present.since > WINDOW) {
      this.#before = this.#present;
      this.#present = { offset, at: now, since: now };
    } else if (offset < this.#present.offset) {
      this.#present.offset = offset;
      this.#present.at = now;
    }
    const before = this.#before;
    const earlier = before === undefined ? Number.POSITIVE_INFINITY : before.offset + (now - before.at) * DRIFT;
    return offset - Math.min(this.#present.offset, earlier);
  }
}
