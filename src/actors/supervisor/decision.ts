import type { ChildSpec, ChildState, Exit, Strategy } from "./spec.ts";

/**
 * What a supervisor decides, without doing any of it: the life of a child, who restarts, who goes along, when it is too
 * often, and what is to be done next. The rules are those of Erlang/OTP's `supervisor`.
 */

/**
 * What happens to a child. `start`: its turn has come; `started`; `stop`: it is asked to end. It is gone, or did not come
 * up, and now: `retry`: it comes again by itself; `park`: only when it is revived; `leave`: only when it is asked for.
 */
export type ChildEvent = "start" | "started" | "stop" | "retry" | "park" | "leave";

/** A child's whole life. What is not in the table cannot happen. */
export const LIFECYCLE: Readonly<Record<ChildState, Readonly<Partial<Record<ChildEvent, ChildState>>>>> = {
  stopped: { start: "starting", park: "quarantined" },
  starting: { started: "running", stop: "stopping", retry: "backingOff", park: "quarantined", leave: "stopped" },
  running: { stop: "stopping", retry: "backingOff", park: "quarantined", leave: "stopped" },
  stopping: { retry: "backingOff", park: "quarantined", leave: "stopped" },
  backingOff: { start: "starting", park: "quarantined", leave: "stopped" },
  quarantined: { start: "starting", leave: "stopped" },
};

/** What a child is to become: up, down, or first down and then up again. */
export type Goal = "up" | "down" | "cycle";

/** What decisions read of a child. Rows are in start order. */
export interface Row {
  readonly state: ChildState;
  readonly goal: Goal;
  /** Its backoff is not over yet. */
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

/** What one child needs, if nothing else is in its way. */
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
 * What is to be done next where order matters: one thing at a time, down before up, last first down, first first up.
 * `undefined`: wait for what is under way, or there is nothing to do. Nobody starts before those it goes along with.
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
