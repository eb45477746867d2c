import type { SubscribeConfig } from "../../config/config.ts";
import type { InRecord } from "../../journal/records.ts";
import type { Method } from "../../methods/define.ts";
import { ChurnMap } from "../../platform/churn-map.ts";

/** A lane that was told to wait. */
export interface WaitingLane {
  roomAgain(): void;
}

/** What waits on one subject. It outlives a subscription that is changed or taken away. */
export class Backlog {
  /** Messages taken and not finished. */
  messages = 0;
  /** Those who were told that there is no room, by origin and epoch. */
  lanes = new Map<string, WaitingLane>();
}

/** The subscriber of a subject, as those see it who hand messages to it. */
export interface RouteProcess {
  readonly state: "idle" | "working";
  /** Messages under way. */
  readonly active: number;
  /** Whether a command taken now would run at once; if so, its place is kept for it. */
  reserve(): boolean;
  /** Hands over messages that were taken at that monotonic time; they are durable. */
  feed(records: readonly InRecord[], takenAt: number): void;
}

/**
 * What this node takes on one subject: the setting, the method, the process that handles it while it runs, and how much waits.
 * The count goes up as a message is taken and down as it is finished, here and nowhere else; half empty again, it tells the
 * lanes that wait.
 */
export class Route {
  readonly subject: string;
  config: SubscribeConfig;
  readonly method: Method;
  /** Ids of messages that are taken and not yet handed to a process. */
  readonly inHand = new ChurnMap<string, InRecord>();
  process: RouteProcess | undefined;
  readonly #backlog: Backlog;

  constructor(subject: string, config: SubscribeConfig, method: Method, backlog: Backlog) {
    this.subject = subject;
    this.config = config;
    this.method = method;
    this.#backlog = backlog;
  }

  /** Messages taken and not finished. */
  get waiting(): number {
    return this.#backlog.messages;
  }

  /** How many more it takes. */
  get room(): number {
    return Math.max(0, this.config.queue - this.#backlog.messages);
  }

  taken(): void {
    this.#backlog.messages++;
  }

  finished(): void {
    this.#backlog.messages--;
    if (this.#backlog.messages !== Math.floor(this.config.queue / 2) || this.#backlog.lanes.size === 0) return;
    const { lanes } = this.#backlog;
    this.#backlog.lanes = new Map();
    for (const lane of lanes.values()) lane.roomAgain();
  }

  /** `key`: names the lane; each waits once. */
  awaitRoom(key: string, lane: WaitingLane): void {
    this.#backlog.lanes.set(key, lane);
  }
}
