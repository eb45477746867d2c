/** Maintenance of a node, or a mute of it: since when, until when, by whom. Times are ms since 1970. */
export interface NodeHold {
  readonly since: number;
  /** `null`: until it is ended by somebody. */
  readonly endsAt: number | null;
  readonly by: string;
  readonly note?: string;
}

/** The row of a hold or a mute in a journal. */
export interface NodeHoldRecord extends NodeHold {
  readonly v: 1;
}
