import type { Clock } from "../../message/clock.ts";
import { isGroupAlive, isSameGroup, signalGroup, terminateGroup } from "./process-group.ts";
import { bootId, type Started } from "./records.ts";

const POLL = 50;
/** How long a killed group may take to vanish. */
const VANISH = 1000;

/**
 * Ends the group of a run whose runner died: nobody would see its end. Resolves when it is gone; true when there was
 * something to end. A group that cannot be proved to be the run's is left alone.
 */
export async function endOrphan(
  id: string,
  started: Started | undefined,
  grace: number,
  clock: Clock,
): Promise<boolean> {
  if (started === undefined || !isSameGroup(started, bootId(), id)) return false;
  terminateGroup(started.pid);
  if (await gone(started.pid, grace, clock)) return true;
  signalGroup(started.pid, "SIGKILL");
  await gone(started.pid, VANISH, clock);
  return true;
}

async function gone(pgid: number, within: number, clock: Clock): Promise<boolean> {
  const until = clock.monotonic() + within;
  for (;;) {
    if (!isGroupAlive(pgid)) return true;
    if (clock.monotonic() >= until) return false;
    await new Promise<void>((resolve) => clock.setTimeout(resolve, POLL));
  }
}
