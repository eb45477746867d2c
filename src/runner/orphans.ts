import type { Clock } from "../message/clock.ts";
import { commandGroups } from "../platform/command-groups.ts";
import { sleep } from "../platform/sleep.ts";
import { CommandGroup } from "./command-group.ts";
import { groupsOfRun, isGroupAlive, isSameGroup, signalGroup, terminateGroup } from "./process-group.ts";
import { bootId, type Started } from "./run-records.ts";

const POLL = 50;
/** How long a killed group may take to vanish. */
const VANISH = 1000;

/**
 * Ends the group of a run whose runner died: nobody would see its end. Resolves when it is gone; true when there was
 * something to end. A group that cannot be proved to be the run's is left alone. A runner that died, or had no room on the
 * disk, between the start and its record leaves no process id: then the group is known by the run's id in its environment.
 * A control group that bounds the run goes with it, and all that is in it.
 */
export async function endOrphan(
  id: string,
  started: Started | undefined,
  grace: number,
  clock: Clock,
): Promise<boolean> {
  const groups = started === undefined ? groupsOfRun(id) : isSameGroup(started, bootId(), id) ? [started.pid] : [];
  const bounded = CommandGroup.of(commandGroups({ visits: true }), id);
  const found = groups.length > 0 || bounded?.isPopulated === true;
  for (const group of groups) terminateGroup(group);
  if (groups.length > 0 && !(await gone(groups, grace, clock))) {
    for (const group of groups) signalGroup(group, "SIGKILL");
    await gone(groups, VANISH, clock);
  }
  bounded?.end(clock);
  return found;
}

async function gone(groups: readonly number[], within: number, clock: Clock): Promise<boolean> {
  const until = clock.monotonic() + within;
  for (;;) {
    if (!groups.some(isGroupAlive)) return true;
    if (clock.monotonic() >= until) return false;
    await sleep(clock, POLL);
  }
}
