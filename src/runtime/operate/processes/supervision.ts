import type { SupervisedView, SupervisorView } from "../../../actors/supervisor/spec.ts";
import type { OperateOptions } from "../rooms.ts";
import type { SupervisionView } from "../table/processes.ts";

/** Children of one supervisor that are listed at most, and all that are not well beside them. */
const MOST = 500;

/** The supervision tree as it is at this moment. */
export function supervisionOf({
  clock,
  config,
  supervision,
}: Pick<OperateOptions, "clock" | "config" | "supervision">): SupervisionView {
  return { node: config().node, asOf: clock.now(), supervisors: supervision().map(viewOf) };
}

function viewOf({ children, ...supervisor }: SupervisorView): SupervisionView["supervisors"][number] {
  let room = MOST;
  const listed = children.filter((child) => !isWell(child) || room-- > 0);
  return { ...supervisor, children: listed, left: children.length - listed.length };
}

function isWell({ state, restarts, lastError }: SupervisedView): boolean {
  return state === "running" && restarts === 0 && lastError === undefined;
}
