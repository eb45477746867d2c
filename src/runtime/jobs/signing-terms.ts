import type { JobPlan } from "../../message/jobs/job.ts";
import type { SignedRuns } from "../../message/message.ts";
import { parseSchedule } from "../../message/schedule/parse-schedule.ts";
import { nextTime } from "../../message/schedule/schedule.ts";
import { LONGEST_STATEMENT, MOST_RUNS } from "../../security/operators/statement.ts";
import type { Zones } from "./hours.ts";

/** The times that an operator's signature on a job speaks of, ms since 1970. */
export interface SigningTerms extends Omit<SignedRuns, "order"> {
  readonly until: number;
}

/**
 * The narrowest times that a signature on a job with this plan can name: as many runs as its schedule has within the life of a
 * signature, the shortest time between two of them, and an end. `undefined`: the job begins later than a signature holds.
 */
export function signingTerms(plan: JobPlan, now: number, zones: Zones): SigningTerms | undefined {
  const { beginAt, every, zone } = plan;
  const longest = now + LONGEST_STATEMENT;
  const until = Math.min(plan.until ?? longest, longest);
  const from = beginAt ?? now;
  if (from >= until) return undefined;
  if (every === null) return { from, until, runs: 1, gap: 0 };
  const schedule = parseSchedule(every);
  const clock = zone === null || zone === "node" ? zones.own : zones.named(zone);
  let [runs, gap, last] = [1, Number.POSITIVE_INFINITY, from];
  while (runs < MOST_RUNS) {
    const next = nextTime(schedule, last, clock);
    if (next === undefined || next >= until) break;
    gap = Math.min(gap, next - last);
    last = next;
    runs++;
  }
  return { from, until, runs, gap: runs === 1 ? 0 : gap };
}
