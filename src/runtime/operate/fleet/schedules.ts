import type { ScheduleView } from "../../../message/schedule/held-schedule.ts";
import type { OperateOptions } from "../rooms.ts";
import type { ScheduleQuery, ScheduleViewOf } from "../table/schedules.ts";
import type { Nodes } from "./nodes.ts";

/** The schedules of this node, and those that others have told of. @throws StewardError `node-unknown` */
export function schedulesOf(
  { core, config, clock }: Pick<OperateOptions, "core" | "config" | "clock">,
  nodes: Pick<Nodes, "insistKnown">,
  { node: wanted }: ScheduleQuery = {},
): ScheduleViewOf[] {
  const { schedules, toldSchedules } = core();
  const { node: self } = config();
  if (wanted !== undefined && wanted !== self) nodes.insistKnown([wanted]);
  const own = schedules.views().map((view) => shown(self, view, clock.now()));
  const others = [...toldSchedules.all()]
    .filter(([node]) => node !== self)
    .flatMap(([node, told]) => told.schedules.map((view) => shown(node, view, told.at)));
  return [...own, ...others]
    .filter(({ node }) => wanted === undefined || node === wanted)
    .sort((a, b) => (a.node === b.node ? compare(a.name, b.name) : compare(a.node, b.node)));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function shown(node: string, view: ScheduleView, asOf: number): ScheduleViewOf {
  const { at = "", every = at, what: summary, next: nextAt, runs, ...rest } = view;
  return {
    ...rest,
    ...{ node, when: every, summary, nextAt, asOf },
    runs: runs.map(({ due: dueAt, at: endedAt, ...run }) => ({ ...run, dueAt, endedAt })),
  };
}
