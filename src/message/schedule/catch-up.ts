import { lastTimes, nextTime, type Schedule } from "./schedule.ts";
import { DAY, MINUTE, type TimeZone } from "./time-zone.ts";

/** Times that were missed, as by a machine that was off: the latest of them is made up for, each of them, or none. */
export type CatchUp = "once" | "all" | "none";

export interface Due {
  /** Times of the schedule that are to be run now, the earliest first. */
  readonly run: readonly number[];
  /** Times that are not made up for; with `more`, at least so many. */
  readonly missed: number;
  readonly more: boolean;
  /** The time up to which the schedule is dealt with, once `run` is: to be remembered. */
  readonly last: number;
  /** The next time; `undefined`: there is none. */
  readonly next: number | undefined;
}

/** A time that is so late is not yet a missed one, ms: a timer is never quite punctual. */
const PUNCTUAL = MINUTE;
/** More missed times are not made up for at once, nor counted. */
const MOST = 100;
/** A clock that goes back by more was wrong before: what it said no longer counts, ms. */
const FAR_BACK = DAY;

/**
 * The times that are due at `now`, where the schedule was dealt with up to `last`. A clock that goes back runs nothing twice;
 * where it goes back by more than a day the schedule starts anew from there.
 */
export function dueTimes(
  schedule: Schedule,
  {
    last,
    now,
    zone,
    catchUp,
  }: {
    readonly last: number;
    readonly now: number;
    readonly zone: TimeZone;
    readonly catchUp: CatchUp;
  },
): Due {
  if (last - now > FAR_BACK) return { run: [], missed: 0, more: false, last: now, next: nextTime(schedule, now, zone) };
  const { times, more } = lastTimes(schedule, last, now, MOST, zone);
  const latest = times.at(-1);
  const dealtWith = latest ?? last;
  const next = nextTime(schedule, Math.max(dealtWith, now), zone);
  const run = catchUp === "all" ? times : times.slice(-1).filter((time) => catchUp === "once" || now - time < PUNCTUAL);
  return {
    run,
    missed: times.length - run.length,
    more,
    last: dealtWith,
    next: last > now ? nextTime(schedule, last, zone) : next,
  };
}
