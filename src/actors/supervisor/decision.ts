import type { ChildSpec, ChildState, Exit, Strategy } from "./spec.ts";

/**
 * The decisions of a supervisor, without effects: the states of a child, which children restart, how often is too often,
 * and the next step. The rules are those of Erlang/OTP's `supervisor`.
 */

/**
 * Events of a child. `start`: its turn has come; `started`; `stop`: it is asked to end. A child that is gone, or did not
 * come up, comes again by itself after `retry`, when it is revived after `park`, when it is asked for after `leave`.
 */
export type ChildEvent = "start" | "started" | "stop" | "retry" | "park" | "leave";

/** Every state of a child and every event that may occur in it. */
export const LIFECYCLE: Readonly<Record<ChildState, Readonly<Partial<Record<ChildEvent, ChildState>>>>> = {
  stopped: { start: "starting", park: "quarantined" },
  starting: { started: "running", stop: "stopping", retry: "backingOff", park: "quarantined", leave: "stopped" },
  running: { stop: "stopping", retry: "backingOff", park: "quarantined", leave: "stopped" },
  stopping: { retry: "backingOff", park: "quarantined", leave: "stopped" },
  backingOff: { start: "starting", park: "quarantined", leave: "stopped" },
  quarantined: { start: "starting", leave: "stopped" },
};

/** The state that a child is on its way to: up, down, or first down and then up again. */
export type Goal = "up" | "down" | "cycle";

/** A child as the decisions see it. Rows are in start order. */
export interface Row {
  readonly state: ChildState;
  readonly goal: Goal;
  /** The backoff is not over yet. */
  readonly waits: boolean;
}

export function comesBack(restart: ChildSpec["restart"], exit: Exit): boolean {
  return restart === "permanent" || (restart === "transient" && exit.reason === "failed");
}

/** The siblings that are restarted together with `offender`, in start order. */
export function companions<R>(strategy: Strategy, rows: readonly R[], offender: R): readonly R[] {
  switch (strategy) {
    case "oneForOne":
      return [];
    case "oneForAll":
      return rows.filter((row) => row !== offender);
    case "restForOne":
      return rows.slice(rows.indexOf(offender) + 1);
  }
}

/**
 * Adds a restart at `now` to the times of earlier ones, and forgets those that left the window. A restart exactly
 * `period` ago still counts. More than `intensity` are too many.
 */
export function countRestart(
  earlier: readonly number[],
  now: number,
  { intensity, period }: { readonly intensity: number; readonly period: number },
): { readonly times: readonly number[]; readonly tooMany: boolean } {
  const times = earlier.filter((time) => now - time <= period);
  times.push(now);
  return { times, tooMany: times.length > intensity };
}

/** The next step of one child, its siblings aside. */
export function need(row: Row): "start" | "stop" | undefined {
  switch (row.state) {
    case "starting":
    case "running":
      return row.goal === "up" ? undefined : "stop";
    case "stopping":
      return undefined;
    default:
      return row.goal === "up" && !row.waits ? "start" : undefined;
  }
}

/**
 * The next step where order matters: one at a time, down before up, the last child first down, the first child first up.
 * A child does not start before the siblings that restart with it. `undefined`: wait for the step under way, or all is done.
 */
export function nextStep<R extends Row>(
  strategy: Strategy,
  rows: readonly R[],
): { readonly kind: "start" | "stop"; readonly row: R } | undefined {
  if (rows.some((row) => row.state === "stopping")) return undefined;
  const last = rows.findLast((row) => need(row) === "stop");
  if (last !== undefined) return { kind: "stop", row: last };
  if (rows.some((row) => row.state === "starting")) return undefined;
  if (strategy === "oneForAll" && rows.some((row) => row.waits)) return undefined;
  for (const row of rows) {
    if (row.waits && strategy === "restForOne") return undefined;
    if (need(row) === "start") return { kind: "start", row };
  }
  return undefined;
}
