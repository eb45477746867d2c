import type { RecentTransitions, TimedTransition } from "../../../observe/recent-transitions.ts";
import type { OperateOptions } from "../rooms.ts";
import type { ProcessList, ProcessTransition, ProcessView } from "../table/processes.ts";

/** Bounds of an answer that may cross a link by satellite: transitions of one process, their bytes, the characters of a cause. */
const MOST = 50;
const MOST_BYTES = 4_096;
const MOST_CAUSE = 200;

/** The processes of this node: all, or those of one subject with their last transitions. */
export function ownProcesses(
  { clock, config, processes, transitions }: Pick<OperateOptions, "clock" | "config" | "processes" | "transitions">,
  subject: string | undefined,
): ProcessList {
  const all = processes().views();
  const answer = { node: config().node, asOf: clock.now() };
  if (subject === undefined) return { ...answer, processes: all };
  const meant = all.filter((process) => process.subject === subject);
  return { ...answer, processes: meant.map((one) => ({ ...one, transitions: lastTransitions(transitions, one) })) };
}

/** The last transitions of one process and of its supervision that this daemon remembers, the newest last. */
function lastTransitions(
  recent: Pick<RecentTransitions, "last">,
  { role, subject }: Pick<ProcessView, "role" | "subject">,
): ProcessTransition[] {
  const child = `${role} ${subject}`;
  const found = recent.last(MOST, (one) =>
    one.role === "child" ? one.actor === child : one.role === role && one.actor === subject,
  );
  const told: ProcessTransition[] = [];
  let bytes = 0;
  for (const transition of found.reverse()) {
    const short = shortened(transition);
    bytes += Buffer.byteLength(JSON.stringify(short));
    if (bytes > MOST_BYTES) break;
    told.push(short);
  }
  return told.reverse();
}

function shortened({ at, role: machine, event, from, to, cause }: TimedTransition): ProcessTransition {
  const told = { at, machine, event, from, to };
  if (cause === "") return told;
  return { ...told, cause: cause.length > MOST_CAUSE ? `${cause.slice(0, MOST_CAUSE)}…` : cause };
}
