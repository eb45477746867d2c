import { LONGEST_TIMER } from "../../message/clock.ts";
import { StewardError } from "../../message/errors.ts";
import type { Backoff } from "../backoff.ts";
import type { Transition } from "../root.ts";

/** Supervision as data: what is supervised, how, and what a supervisor says about it. All times in milliseconds. */

/** How a child ended: done, asked to, or a defect. */
export type Exit =
  | { readonly reason: "normal" }
  | { readonly reason: "shutdown" }
  | { readonly reason: "failed"; readonly error: unknown };

/** A part of the daemon that runs under a supervisor. */
export interface Child {
  /** Settles once, when it is gone; nothing else proves that. A rejection counts as failed. */
  readonly ended: Promise<Exit>;
  /** Asks it to end. A rejection means that it cannot end by itself: it is killed. */
  stop(): Promise<void>;
  /** Ends it without asking. */
  kill?(): void;
  /** A supervisor shows itself and those below it; other children have no tree. `parent`: the supervisor that it is a child of. */
  tree?(parent: string): SupervisorView[];
}

/** A child as its own parts see it: what a part cannot get over ends all of it. */
export interface FailingChild {
  fail(error: unknown): void;
}

export interface ChildSpec {
  readonly id: string;
  /** `signal` fires when the child is no longer wanted before it has started. A child that comes too late is stopped. */
  start(signal: AbortSignal): Promise<Child>;
  /** `permanent`: always; `transient`: only when it failed; `temporary`: never, and it is forgotten once it has ended. */
  readonly restart: "permanent" | "transient" | "temporary";
  /** How long it may take to stop before it is killed; `brutal`: killed at once. */
  readonly shutdown: number | "infinity" | "brutal";
  /** Absent: restarted without delay. */
  readonly backoff?: Backoff;
  /** A start that takes longer has failed. Absent: it may take for ever, and its supervisor's start with it. */
  readonly startTimeout?: number;
}

export type Strategy = "oneForOne" | "oneForAll" | "restForOne";

export interface SupervisorSpec {
  readonly id: string;
  readonly strategy: Strategy;
  /** So many restarts within `period` are tolerated; one more, and it gives up. */
  readonly intensity: number;
  readonly period: number;
  /**
   * `escalate`: one count for all; giving up stops all and ends the supervisor as failed.
   * `quarantine`: a count per child; giving up parks that child, with the siblings that its restart would restart. A
   * failure that comes from the surroundings does not count: the child is tried again for ever, with growing pauses.
   */
  readonly onGiveUp: "escalate" | "quarantine";
  readonly children: readonly ChildSpec[];
}

export type ChildState = "starting" | "running" | "backingOff" | "quarantined" | "stopping" | "stopped";

export interface ChildView {
  readonly id: string;
  readonly state: ChildState;
  /** How often its supervisor has started it again, with its siblings' restarts that took it along. */
  readonly restarts: number;
  /** When it came into this state, milliseconds since 1970. */
  readonly since: number;
  /** Since then it cannot come up for a fault of its surroundings, and is tried again until it does; ms since 1970. */
  readonly waitsSince?: number;
  /** The last failure since somebody asked for a start, and when it was, ms since 1970. */
  readonly lastError?: string;
  readonly lastErrorAt?: number;
}

/** A supervisor as it is at this moment. */
export interface SupervisorView {
  readonly id: string;
  /** The supervisor above, whose child of the same name this one is; `null`: the root. */
  readonly parent: string | null;
  readonly strategy: Strategy;
  readonly onGiveUp: SupervisorSpec["onGiveUp"];
  readonly intensity: number;
  readonly period: number;
  /** In start order. */
  readonly children: readonly SupervisedView[];
}

export interface SupervisedView extends ChildView {
  readonly restart: ChildSpec["restart"];
}

/**
 * - `startError`: a start failed; each one.
 * - `childTerminated`: it ended by itself, and it failed or is permanent; exactly one a crash.
 * - `shutdownError`: it did not end as it should when it was stopped.
 * - `gaveUp`: too many restarts; the supervisor ends as failed. `quarantined`: too many restarts; the child is parked.
 */
export interface SupervisorReport {
  readonly kind: "startError" | "childTerminated" | "shutdownError" | "gaveUp" | "quarantined";
  readonly supervisor: string;
  /** The id of the child. */
  readonly child: string;
  /** The event in words. */
  readonly cause: string;
  /** The exception; `undefined`: there was none. */
  readonly error: unknown;
}

/** The one that a supervisor tells. A listener may call the supervisor back; its exceptions are counted and harm nothing. */
export interface SupervisorListener {
  /** Each change of state of a child: its id, the role `child`, and why. */
  transition(transition: Transition): void;
  report(report: SupervisorReport): void;
}

/** @throws StewardError `internal`: a wrong spec is a defect of whoever wrote it. */
export function checkSupervisorSpec(spec: SupervisorSpec): void {
  const at = `supervisor ${spec.id}`;
  insist(Number.isInteger(spec.intensity) && spec.intensity >= 0, `${at}: intensity must be a whole number from 0`);
  insist(Number.isFinite(spec.period) && spec.period > 0, `${at}: period must be more than 0 ms`);
  const ids = new Set<string>();
  for (const child of spec.children) {
    checkChildSpec(child);
    insist(!ids.has(child.id), `${at}: two children are called ${child.id}`);
    ids.add(child.id);
  }
}

/** @throws StewardError `internal`: a wrong spec is a defect of whoever wrote it. */
export function checkChildSpec({ id, shutdown, startTimeout, backoff }: ChildSpec): void {
  const at = `child ${id}`;
  insist(id !== "", "a child has an empty id");
  insist(typeof shutdown === "string" || isTime(shutdown), `${at}: shutdown must be 0 to ${LONGEST_TIMER} ms`);
  insist(startTimeout === undefined || isTime(startTimeout), `${at}: startTimeout must be 0 to ${LONGEST_TIMER} ms`);
  if (backoff === undefined) return;
  const { min, max, factor, jitter, resetAfter } = backoff;
  insist(isTime(min) && isTime(max) && min <= max, `${at}: backoff needs 0 <= min <= max <= ${LONGEST_TIMER} ms`);
  insist(Number.isFinite(factor) && factor >= 1, `${at}: backoff.factor must be at least 1`);
  insist(jitter >= 0 && jitter <= 1, `${at}: backoff.jitter must be 0 to 1`);
  insist(resetAfter >= 0, `${at}: backoff.resetAfter must be at least 0 ms`);
}

function isTime(ms: number): boolean {
  return ms >= 0 && ms <= LONGEST_TIMER;
}

function insist(holds: boolean, fault: string): void {
  if (!holds) throw new StewardError("internal", { fault });
}
