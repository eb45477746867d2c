import type { Calendar } from "../../../src/message/schedule/schedule.ts";
import { MINUTE, TimeZone } from "../../../src/message/schedule/time-zone.ts";

const QUARTER = 15;
const PART = 8 * 60 * MINUTE;

/** A year of a place, minute for minute, lived through as a clock on the wall shows it: what a schedule is held against. */
export class Year {
  readonly from: number;
  readonly to: number;
  readonly #walls: number[] = [];

  constructor(zone: string, year: number) {
    const place = new TimeZone(zone);
    this.from = Date.UTC(year, 0, 1);
    this.to = Date.UTC(year + 1, 0, 1);
    // Clocks are moved at quarters of an hour only, and not twice within some hours.
    for (let part = this.from; part < this.to; part += PART) {
      const offset = place.offsetAt(part);
      const steady = offset === place.offsetAt(part + PART);
      for (let quarter = part; quarter < part + PART; quarter += QUARTER * MINUTE)
        this.#walls.push(steady ? quarter + offset : place.wallOf(quarter));
    }
  }

  /** The minutes at which somebody who looks at that clock starts what `calendar` says. */
  timesOf(calendar: Calendar): number[] {
    const times: number[] = [];
    const everyHour = calendar.hours.length === 24;
    let shown = (this.#walls[0] ?? 0) - MINUTE;
    for (let instant = this.from, i = 0; instant < this.to; instant += MINUTE, i++) {
      const wall = (this.#walls[Math.floor(i / QUARTER)] ?? 0) + (i % QUARTER) * MINUTE;
      if (everyHour) {
        if (matches(calendar, wall)) times.push(instant);
      } else {
        // Minutes that the clock passed over are looked at as well, minutes that it showed before are not.
        let due = false;
        for (let minute = shown + MINUTE; minute <= wall; minute += MINUTE) due ||= matches(calendar, minute);
        if (due) times.push(instant);
      }
      shown = Math.max(shown, wall);
    }
    return times;
  }
}

function matches(calendar: Calendar, wall: number): boolean {
  const minute = Math.floor(wall / MINUTE) % (24 * 60);
  if (!calendar.minutes.includes(minute % 60) || !calendar.hours.includes(Math.floor(minute / 60))) return false;
  const date = new Date(wall);
  if (!calendar.months.includes(date.getUTCMonth() + 1)) return false;
  const [days, weekdays] = [calendar.days, calendar.weekdays];
  if (days === undefined) return weekdays?.includes(date.getUTCDay()) ?? true;
  return days.includes(date.getUTCDate()) || (weekdays?.includes(date.getUTCDay()) ?? false);
}
