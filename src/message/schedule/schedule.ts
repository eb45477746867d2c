import { DAY, dayOf, MINUTE, mod, type TimeZone } from "./time-zone.ts";

/**
 * Points in time that repeat, or one that does not.
 *
 * A calendar that names hours is a time of the day: where the clocks pass over it, it comes once, right after the gap;
 * where they show it twice, it comes at the first. A calendar of every hour goes on with time itself, as an interval does: it comes in both
 * of two equal hours, and in none that there is not.
 */
export type Schedule = Calendar | Interval | Once;

export interface Calendar {
  readonly kind: "calendar";
  /** The schedule as it was written. */
  readonly text: string;
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  /** Days of the month; absent: each. */
  readonly days?: readonly number[] | undefined;
  readonly months: readonly number[];
  /** Days of the week, 0 is Sunday; absent: each. With `days`, one of the two is enough, as in cron. */
  readonly weekdays?: readonly number[] | undefined;
  /** Only each so many days, or weeks from Monday, counted from the first ones of 1970. */
  readonly each?: { readonly count: number; readonly unit: "day" | "week" } | undefined;
}

/** Multiples of `ms` since 1970. */
export interface Interval {
  readonly kind: "interval";
  readonly text: string;
  readonly ms: number;
}

export interface Once {
  readonly kind: "once";
  readonly text: string;
  readonly at: number;
}

/** Days that are looked at before a calendar is said never to come: 29 February may be eight years away. */
const LOOKED_AT = 9 * 366;
/** The Monday of the first week, in days since 1 January 1970, a Thursday. */
const FIRST_MONDAY = 4;

/** The first time after `after`; `undefined`: there is none. */
export function nextTime(schedule: Schedule, after: number, zone: TimeZone): number | undefined {
  switch (schedule.kind) {
    case "once":
      return schedule.at > after ? schedule.at : undefined;
    case "interval":
      return (Math.floor(after / schedule.ms) + 1) * schedule.ms;
    default:
      return nextOfCalendar(schedule, after, zone);
  }
}

function nextOfCalendar(calendar: Calendar, after: number, zone: TimeZone): number | undefined {
  // A day before: a time that clocks pass over comes later than its day says.
  const first = dayOf(zone.wallOf(after)) - DAY;
  for (let i = 0; i < LOOKED_AT; i++) {
    const day = first + i * DAY;
    if (!isDay(calendar, day)) continue;
    const next = nextOfDay(calendar, day, after, zone);
    if (next !== undefined) return next;
  }
  return undefined;
}

function nextOfDay(calendar: Calendar, day: number, after: number, zone: TimeZone): number | undefined {
  const steady = zone.steadyOffset(day + DAY / 2);
  if (steady !== undefined) {
    for (const hour of calendar.hours)
      for (const minute of calendar.minutes) {
        const instant = day + (hour * 60 + minute) * MINUTE - steady;
        if (instant > after) return instant;
      }
    return undefined;
  }
  const everyHour = calendar.hours.length === 24;
  let next: number | undefined;
  for (const hour of calendar.hours)
    for (const minute of calendar.minutes) {
      const wall = day + (hour * 60 + minute) * MINUTE;
      for (const instant of everyHour ? zone.instantsOf(wall) : [zone.instantOf(wall)])
        if (instant > after && (next === undefined || instant < next)) next = instant;
    }
  return next;
}

/** True if a calendar has times on the day that begins at the wall time `day`. */
function isDay(calendar: Calendar, day: number): boolean {
  const date = new Date(day);
  if (!calendar.months.includes(date.getUTCMonth() + 1)) return false;
  const { days, weekdays, each } = calendar;
  if (each !== undefined) {
    const number = day / DAY;
    const unit = each.unit === "day" ? number : Math.floor((number - FIRST_MONDAY) / 7);
    if (mod(unit, each.count) !== 0) return false;
  }
  const byDate = days?.includes(date.getUTCDate());
  const byWeekday = weekdays?.includes(date.getUTCDay());
  return byDate === undefined || byWeekday === undefined ? (byDate ?? byWeekday ?? true) : byDate || byWeekday;
}
