import type { ProcessTransition, ProcessView } from "../../../runtime/operate/table/processes.ts";
import type { Paint } from "../paint.ts";
import { processState } from "../states.ts";
import { table } from "../table.ts";
import { visible } from "../text.ts";
import type { Times } from "../time.ts";

export function processTable(
  processes: readonly ProcessView[],
  times: Times,
  paint: Paint,
  columns?: number,
): string[] {
  return table(
    processes,
    [
      { title: "PROCESS", cell: (p) => visible(p.subject) },
      { title: "ROLE", cell: (p) => p.role },
      { title: "STATE", cell: (p) => processState(p.state, paint) },
      { title: "SINCE", cell: (p) => times.since(p.since) },
      { title: "QUEUED", cell: (p) => String(p.queued), align: "right" },
      { title: "ACTIVE", cell: (p) => String(p.active), align: "right" },
      { title: "RESTARTS", cell: (p) => String(p.restarts), align: "right" },
      { title: "LAST ERROR", cell: (p) => visible(processNote(p, times)) },
    ],
    columns,
  );
}

function processNote({ held, stuck, lastError = "", lastErrorAt, state }: ProcessView, times: Times): string {
  if (held !== undefined) return held;
  if (stuck !== undefined) return `stands still since ${times.since(stuck.since)}: ${stuck.reason}`;
  const works = state === "idle" || state === "working" || state === "paused";
  return lastErrorAt === undefined || !works ? lastError : `(${times.at(lastErrorAt)}: ${lastError})`;
}

/** The last changes of one process, the newest last; those of its supervision are marked. */
export function transitionTable(
  transitions: readonly ProcessTransition[],
  times: Times,
  columns: number | undefined,
): string[] {
  return table(
    transitions,
    [
      { title: "CHANGED", cell: (t) => times.at(t.at) },
      { title: "OF", cell: (t) => (t.machine === "child" ? "supervision" : visible(t.machine)) },
      { title: "FROM", cell: (t) => (t.from === "" ? "(start)" : visible(t.from)) },
      { title: "TO", cell: (t) => visible(t.to) },
      { title: "EVENT", cell: (t) => visible(t.event) },
      { title: "CAUSE", cell: (t) => visible(t.cause ?? "") },
    ],
    columns,
  );
}
