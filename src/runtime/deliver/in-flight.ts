/** A frame on its way: journalled, perhaps published, not yet acknowledged. */
export interface InFlight {
  readonly first: number;
  readonly last: number;
  readonly bytes: number;
  /** The lane's watermark before this frame, to go back to if nobody was there. */
  readonly sentBefore: number;
  /** Acknowledged when this frame was journalled: what the receiver may forget. */
  readonly acked: number;
  /** The broker had nobody to hand it to. */
  unheard: boolean;
  /** When it was handed to the broker, monotonic ms; `undefined`: it waits for the disk. */
  publishedAt: number | undefined;
}

/** A frame of these numbers, where its lane stands. */
export function flightOf(
  lane: { readonly sent: number; readonly acked: number },
  first: number,
  last: number,
  bytes: number,
): InFlight {
  return { first, last, bytes, sentBefore: lane.sent, acked: lane.acked, unheard: false, publishedAt: undefined };
}

/** Messages of a frame when there is more to send, and the most that one carries. */
const ITEMS = 64;
const MOST_ITEMS = 512;

/**
 * How many of the waiting messages the next frame carries: frames of one size, so that while one is worked on at one end
 * the other end works on the next; larger ones when that is more than may be on the way.
 */
export function itemsOfFrame(waiting: number, framesInFlight: number): number {
  const frames = Math.min(framesInFlight, Math.ceil(waiting / ITEMS));
  return Math.min(MOST_ITEMS, Math.ceil(waiting / frames));
}
