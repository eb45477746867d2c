import type { Health, LinkState, ProcessView } from "../runtime/operate/operations.ts";

/** State that the metrics read at the moment of a scrape. Each call is cheap and changes nothing. */
export interface Readings {
  nodes(): Iterable<NodeReading>;
  lanes(): Iterable<LaneReading>;
  journal(): Health["journal"];
  /** The connection to the broker. */
  link(): Health["broker"]["state"];
  processes(): Iterable<ProcessReading>;
  /** Dead letters that are kept. */
  deadLetters(): number;
}

export interface NodeReading {
  readonly name: string;
  readonly link: LinkState;
  /** Commands of this node that it has and that have no outcome. */
  readonly commands: number;
}

export interface LaneReading {
  readonly subject: string;
  readonly waiting: number;
  readonly inFlight: number;
  /** Age of the oldest message that is not acknowledged, ms; null when there is none. */
  readonly oldest: number | null;
}

export type ProcessReading = Pick<ProcessView, "subject" | "role" | "state" | "restarts">;
