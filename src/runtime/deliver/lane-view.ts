import type { Standstill } from "../../message/standstill.ts";

/** A lane that this node sends on, as it is now. Times are ms since 1970. */
export interface LaneView {
  readonly subject: string;
  readonly waiting: number;
  readonly inFlight: number;
  readonly oldestCreatedAt: number | null;
  readonly nextDeliverBy: number | null;
  /** Why nothing moves, when nothing does. */
  readonly reason?: string;
  /** Absent while the lane moves, and while its node is away or there is no broker. */
  readonly stuck?: Standstill;
}
