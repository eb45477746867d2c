import type { ScheduleViewOf } from "../../../runtime/operate/table/schedules.ts";
import type { Paint } from "../paint.ts";
import { messageState } from "../states.ts";
import { table } from "../table.ts";
import { visible } from "../text.ts";
import type { Times } from "../time.ts";

export function scheduleLines(
  views: readonly ScheduleViewOf[],
  times: Times,
  paint: Paint,
  columns?: number,
): string[] {
  return table(
    views,
    [
      { title: "NODE", cell: ({ node }) => visible(node) },
      { title: "SCHEDULE", cell: ({ name }) => visible(name) },
      { title: "STATE", cell: ({ state }) => state },
      { title: "NEXT", cell: ({ nextAt }) => (nextAt === null ? "-" : times.at(nextAt)) },
      { title: "LAST RUN", cell: (view) => lastRun(view, times, paint) },
      {
        title: "WHEN",
        isLong: true,
        cell: ({ when, zone, window }) => visible(`${when} ${zone}${window === undefined ? "" : `, ${window}`}`),
      },
      { title: "MISSED", cell: ({ missed, left }) => `${missed}${left === 0 ? "" : `, ${left} left out`}` },
      { title: "FROM", cell: ({ from }) => visible(from) },
      { title: "WHAT", cell: ({ summary, note }) => visible(note === undefined ? summary : `${summary} (${note})`) },
    ],
    columns,
  );
}

function lastRun({ runs }: ScheduleViewOf, times: Times, paint: Paint): string {
  const run = runs.at(-1);
  if (run === undefined) return "-";
  const code = run.code === undefined || run.code === 0 ? "" : ` (exit ${run.code})`;
  return `${messageState(run.state, paint)}${code} ${times.at(run.endedAt)}`;
}

/** The latest runs of one schedule, the newest first. */
export function runLines({ runs }: ScheduleViewOf, times: Times, paint: Paint, columns?: number): string[] {
  return table(
    runs.toReversed(),
    [
      { title: "RUN", cell: ({ id }) => visible(id) },
      { title: "FOR", cell: ({ dueAt }) => times.at(dueAt) },
      { title: "STATE", cell: ({ state }) => messageState(state, paint) },
      { title: "ENDED", cell: ({ endedAt }) => times.at(endedAt) },
      { title: "EXIT", cell: ({ code }) => (code === undefined ? "-" : String(code)), align: "right" },
      { title: "WHY", cell: ({ reason = "" }) => visible(reason) },
      { title: "OUTPUT", cell: ({ output = "" }) => visible(output.trim().split("\n").at(-1) ?? "") },
    ],
    columns,
  );
}
