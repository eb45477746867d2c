import type { Timer } from "../../message/clock.ts";
import { faultText, StewardError } from "../../message/errors.ts";
import type { ChildRun } from "./child-run.ts";
import type { Goal, Row } from "./decision.ts";
import type { ChildSpec, ChildState, ChildView } from "./spec.ts";

/** A caller that asked for a child to be up (or at least tried again by itself), or down. */
export interface Waiter {
  readonly for: "up" | "down";
  readonly resolve: (view: ChildView) => void;
  readonly reject: (error: unknown) => void;
}

/** One child of a supervisor. An entry has a run exactly while the child is starting, running or stopping. */
export class Entry implements Row {
  readonly spec: ChildSpec;
  state: ChildState = "stopped";
  goal: Goal = "up";
  /** The reason for the goal. */
  why = "first start";
  /** The event that follows once the child is down. */
  landing: "retry" | "park" | "leave" = "leave";
  /** A caller asked for the start, and gets its failure; `added`: the child is forgotten then. */
  asked: "no" | "started" | "added" = "no";
  removing = false;
  run: ChildRun | undefined;
  /** Armed while it backs off. */
  timer: Timer;
  /** Retries since the last quiet time. */
  attempt = 0;
  /** Monotonic time at which it came up. */
  upSince = 0;
  restartTimes: readonly number[] = [];
  restarts = 0;
  since: number;
  /** The last failure since somebody asked for a start. */
  lastError: unknown;
  lastErrorAt = 0;
  /** When the surroundings began to keep it from coming up, ms since 1970. */
  waitsSince: number | undefined;
  readonly waiters: Waiter[] = [];

  constructor(spec: ChildSpec, since: number) {
    this.spec = spec;
    this.since = since;
  }

  get waits(): boolean {
    return this.timer !== undefined;
  }

  aim(goal: Goal, landing: Entry["landing"], why: string): void {
    this.goal = goal;
    this.landing = landing;
    this.why = why;
  }

  /** Answers the waiters of the present state. */
  answer(): void {
    const { state } = this;
    const isUp = state === "running" || state === "backingOff" || state === "quarantined";
    for (const waiter of this.waiters.splice(0)) {
      if (waiter.for === "down" ? state === "stopped" : isUp) waiter.resolve(this.view());
      else if (waiter.for === "up" && state === "stopped" && this.goal === "down") {
        waiter.reject(new StewardError("process-failed", { subject: this.spec.id, fault: `not started: ${this.why}` }));
      } else this.waiters.push(waiter);
    }
  }

  /** A start that somebody asked for forgets the failure before it, unless the child still waits for its surroundings. */
  forgive(): void {
    if (this.waitsSince === undefined) this.lastError = undefined;
  }

  view(): ChildView {
    const { state, restarts, since, lastError, lastErrorAt, waitsSince } = this;
    const error = lastError === undefined ? {} : { lastError: faultText(lastError), lastErrorAt };
    const waits = waitsSince === undefined ? {} : { waitsSince };
    return { id: this.spec.id, state, restarts, since, ...waits, ...error };
  }
}
