/** A frame on its way: journalled, perhaps published, not yet acknowledged. */
export interface InFlight {
  readonly first: number;
  readonly last: number;
  readonly bytes: number;
  /** The `sent` of the lane before this frame, to go back to if the broker had no subscriber for it. */
  readonly sentBefore: number;
  /** The `acked` of the lane when this frame was journalled: up to there the receiver may forget. */
  readonly acked: number;
  /** True once the broker has answered that it has no subscriber for the frame. */
  unheard: boolean;
  /** The session with the receiver in which the frame was sealed. */
  session: number;
  /** When the frame was handed to the broker, monotonic ms; `undefined`: it waits for the disk. */
  publishedAt: number | undefined;
  /** The bytes under way to the node at that moment, over all its lanes, these included. */
  ahead: number;
}

/** A frame of these numbers, with the present `sent` and `acked` of its lane. */
export function flightOf(
  lane: { readonly sent: number; readonly acked: number },
  first: number,
  last: number,
  bytes: number,
): InFlight {
  const { sent: sentBefore, acked } = lane;
  return { first, last, bytes, sentBefore, acked, unheard: false, session: 0, publishedAt: undefined, ahead: 0 };
}

/** Messages of a frame when there is more to send, and the most that one carries. */
const ITEMS = 256;
const MOST_ITEMS = 512;

/**
 * The number of waiting messages in the next frame. Frames have one size, so that both ends work at once, each on another
 * frame; they are larger when more messages wait than frames of that size on the way can hold.
 */
export function itemsOfFrame(waiting: number, framesInFlight: number): number {
  const frames = Math.min(framesInFlight, Math.ceil(waiting / ITEMS));
  return Math.min(MOST_ITEMS, Math.ceil(waiting / frames));
}
