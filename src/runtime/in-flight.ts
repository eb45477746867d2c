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
