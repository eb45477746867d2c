/** Something that should move and does not, though its node is there: since when, ms since 1970, and why. */
export interface Standstill {
  readonly since: number;
  readonly reason: string;
}

/** A lane that stands still; its receiver is the node of its subject. */
export interface StuckLane extends Standstill {
  readonly subject: string;
}
