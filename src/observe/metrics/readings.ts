import type { LinkState } from "../../actors/node.ts";

/** State that the metrics read at the moment of a scrape. Each call is cheap and changes nothing. */
export interface Readings {
  nodes(): Iterable<NodeReading>;
  lanes(): Iterable<LaneReading>;
  journal(): { readonly state: "ok" | "low" | "full" | "failed"; readonly bytes: number; readonly limit: number };
  /** The connection to the broker. */
  link(): "connecting" | "connected" | "disconnected" | "denied";
  processes(): Iterable<ProcessReading>;
  /** Dead letters that are kept. */
  deadLetters(): number;
}

export interface NodeReading {
  readonly name: string;
  readonly link: LinkState;
  /** Commands of this node that it has and that have no outcome. */
  readonly commands: number;
  /** True while delivery to it is held for maintenance. */
  readonly held?: boolean;
}

export interface LaneReading {
  readonly subject: string;
  readonly waiting: number;
  readonly inFlight: number;
  /** Age of the oldest message that is not acknowledged, ms; null when there is none. */
  readonly oldest: number | null;
  /** How long it has been standing still though its node is there, ms; absent: it moves, or waits for its node. */
  readonly stuckFor?: number;
}

export interface ProcessReading {
  readonly subject: string;
  readonly role: string;
  readonly state: string;
  readonly restarts: number;
  /** How long it cannot work for a fault of its surroundings, ms; absent: it can. */
  readonly waitsFor?: number;
}
