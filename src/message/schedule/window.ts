import { ScheduleFault } from "./fault.ts";
import { type Hours, readHours } from "./hours.ts";
import { nextTime, type Schedule } from "./schedule.ts";
import { DAY, dayOf, MINUTE, mod, type TimeZone } from "./time-zone.ts";

/** Hours of the week in which something may begin, such as `02:00-04:00` or `Sat,Sun 22:00-06:00`; several: any of them. */
export type Window = readonly Hours[];

/** @throws ScheduleFault with the place of the first fault of each part; parts are separated by `;` */
export function parseWindow(text: string): Window {
  let at = 0;
  const window: Hours[] = [];
  const places: { at: number; text: string }[] = [];
  for (const part of text.split(";")) {
    const hours = readHours(part.trim());
    if ("fault" in hours) places.push({ at: at + Math.max(0, part.search(/\S/)), text: hours.fault });
    else window.push(hours);
    at += part.length + 1;
  }
  if (places.length > 0) throw new ScheduleFault(places);
  return window;
}

export interface Opening {
  /** The time from which it is open: not after the moment that was asked for where it is open then. */
  readonly opensAt: number;
  /** The first time at which it is closed again. */
  readonly closesAt: number;
}

const MINUTES_OF_DAY = 24 * 60;
/** Days that are looked at: one without hours is passed over, and so is one of which the clocks pass over all hours. */
const LOOKED_AT = 17;

/**
 * The opening at `moment`, or the next one after it. Hours that the clocks pass over are closed on that day; of hours that
 * come twice the first ones count.
 */
export function openingAt(window: Window, moment: number, zone: TimeZone): Opening | undefined {
  // Two days before: an opening may have begun the day before, over midnight.
  const first = dayOf(zone.wallOf(moment)) - 2 * DAY;
  let found: { opensAt: number; closesAt: number } | undefined;
  const openings = Array.from({ length: LOOKED_AT }, (_, i) => openingsOf(window, first + i * DAY, zone)).flat();
  for (const { opensAt, closesAt } of openings.sort((a, b) => a.opensAt - b.opensAt)) {
    // Hours that follow each other, or overlap, are one opening.
    if (found !== undefined && opensAt <= found.closesAt) found.closesAt = Math.max(found.closesAt, closesAt);
    else if (found !== undefined) break;
    else if (closesAt > moment) found = { opensAt, closesAt };
    else continue;
  }
  return found;
}

function openingsOf(window: Window, day: number, zone: TimeZone): Opening[] {
  // Monday is the first day of the week of hours.
  const weekday = mod(new Date(day).getUTCDay() - 1, 7);
  return window.flatMap(({ spans }) =>
    spans.flatMap(([from, to]) => {
      if (Math.floor(from / MINUTES_OF_DAY) !== weekday) return [];
      const begin = day - weekday * DAY;
      const opensAt = zone.instantOf(begin + from * MINUTE);
      const closesAt = zone.instantOf(begin + to * MINUTE);
      return closesAt > opensAt ? [{ opensAt, closesAt }] : [];
    }),
  );
}

/** The first moment from `from` on at which something may begin; `undefined`: none before `before`. */
export function allowedFrom(
  window: Window | undefined,
  from: number,
  zone: TimeZone,
  before = Number.POSITIVE_INFINITY,
): number | undefined {
  if (window === undefined) return from < before ? from : undefined;
  const opening = openingAt(window, from, zone);
  if (opening === undefined) return undefined;
  const moment = Math.max(from, opening.opensAt);
  return moment < before ? moment : undefined;
}

/** Times of a schedule that are looked at before a window is said never to be open at one of them. */
const TIMES_LOOKED_AT = 200;

/** True if a window is open at one of the next times of a schedule: where it is not, each of them has to wait. */
export function meets(schedule: Schedule, window: Window, from: number, zone: TimeZone): boolean {
  let time = nextTime(schedule, from, zone);
  for (let i = 0; i < TIMES_LOOKED_AT && time !== undefined; i++) {
    if ((openingAt(window, time, zone)?.opensAt ?? Number.POSITIVE_INFINITY) <= time) return true;
    time = nextTime(schedule, time, zone);
  }
  return false;
}
