import type { State } from "../lifecycle.ts";
import type { Message } from "../message.ts";
import type { Missed, NodeSchedule } from "./node-schedule.ts";

/** The states of a schedule that a node holds. `actors/schedule.ts` has their machine. */
export const SCHEDULE_STATES = ["waiting", "due", "running", "paused", "ended"] as const;
export type ScheduleState = (typeof SCHEDULE_STATES)[number];

/** One run of a schedule. Times are ms since 1970. */
export interface ScheduleRun {
  /** The id of the command that the node gave to itself. */
  readonly id: string;
  /** The time of the schedule that it is for. */
  readonly due: number;
  readonly at: number;
  readonly state: State;
  readonly code?: number;
  readonly reason?: string;
  /** The end of what it printed. */
  readonly output?: string;
}

/** A schedule as its node holds it: a row of that node's journal. */
export interface HeldSchedule {
  readonly v: 1;
  readonly name: string;
  readonly plan: NodeSchedule;
  /** The order that set it; absent: it stands in the node's own steward.yaml. */
  readonly order?: Message;
  /** The identity of the journal that wrote it: in another one its times since then may have run. */
  readonly epoch: string;
  readonly setAt: number;
  /** The time of a schedule with `at`. */
  readonly onceAt?: number;
  readonly state: ScheduleState;
  readonly since: number;
  readonly cause: string;
  /** Times up to this one are done with, and times up to `high` have come before a clock went back. */
  readonly last: number;
  readonly high: number;
  /** The run that has not ended. */
  readonly run: { readonly id: string; readonly due: number } | null;
  /** The latest runs, the oldest first. */
  readonly runs: readonly ScheduleRun[];
  /** Number of times that were left out. */
  readonly left: number;
}

/** A schedule as it is shown, at its node and at central. */
export interface ScheduleView {
  readonly name: string;
  /** `file`: it stands in the node's steward.yaml; else the origin, or operator@origin, that has sent it. */
  readonly from: string;
  readonly at?: string;
  readonly every?: string;
  readonly window?: string;
  readonly zone: string;
  readonly missed: Missed;
  readonly subject: string;
  /** The command on one line. */
  readonly what: string;
  readonly note?: string;
  readonly state: ScheduleState;
  readonly since: number;
  readonly cause: string;
  readonly next: number | null;
  readonly left: number;
  readonly runs: readonly ScheduleRun[];
}

/** The schedules of one node as central has heard of them: a row of its journal. */
export interface NodeSchedules {
  readonly v: 1;
  /** The time of the node. */
  readonly at: number;
  readonly schedules: readonly ScheduleView[];
}
