import type { Missed } from "../../message/schedule/node-schedule.ts";
import { nextTime, type Schedule } from "../../message/schedule/schedule.ts";
import type { TimeZone } from "../../message/schedule/time-zone.ts";
import { openingAt, type Window } from "../../message/schedule/window.ts";

/** All that a decision about the times of a schedule is made from. Times are ms since 1970. */
export interface DueSight {
  readonly times: Schedule;
  readonly window: Window | undefined;
  readonly zone: TimeZone;
  readonly missed: Missed;
  /** Times up to this one are done with. */
  readonly last: number;
  readonly now: number;
}

export type DueStep =
  /** A run for the time `due` begins; times up to `upTo` are done with, and so many of them are left out. */
  | {
      readonly kind: "run";
      readonly due: number;
      readonly upTo: number;
      readonly left: number;
      readonly closesAt: number | null;
    }
  /** Times up to `upTo` are left out. */
  | { readonly kind: "leave"; readonly upTo: number; readonly left: number }
  /** A time has come, and the window opens at `at`. */
  | { readonly kind: "closed"; readonly due: number; readonly at: number }
  /** The next time; `null`: there is none. */
  | { readonly kind: "wait"; readonly at: number | null };

/** A time is missed when its run cannot begin within so long, ms. */
export const ON_TIME = 60_000;
/** Missed times that are made up for at most, the latest; of a schedule that slept longer the number is a least one. */
const MOST = 100;
const HOUR = 3_600_000;

/** The step that follows from the times of a schedule of which no run goes on. */
export function decideDue(sight: DueSight): DueStep {
  const { times, window, zone, missed, last, now } = sight;
  const due = dueTimes(times, last, now, zone);
  const latest = due.times.at(-1);
  if (latest === undefined) return { kind: "wait", at: nextTime(times, Math.max(last, now), zone) ?? null };
  const opening = window === undefined ? undefined : openingAt(window, now, zone);
  const isOpen = window === undefined || (opening !== undefined && opening.opensAt <= now);
  const closesAt = opening?.closesAt ?? null;
  if (missed === "skip") {
    const isLate = now - latest > ON_TIME;
    if (isLate) return { kind: "leave", upTo: latest, left: due.count };
    // A window that opens in a moment, as at its first minute, is no reason to leave the time out.
    if (!isOpen) return closed(opening?.opensAt, latest, latest + ON_TIME);
    return { kind: "run", due: latest, upTo: latest, left: due.count - 1, closesAt };
  }
  if (!isOpen) return closed(opening?.opensAt, latest, now + ON_TIME);
  if (missed === "once") return { kind: "run", due: latest, upTo: latest, left: due.count - 1, closesAt };
  const [first = latest] = due.times;
  return { kind: "run", due: first, upTo: first, left: due.count - due.times.length, closesAt };
}

function closed(opensAt: number | undefined, due: number, atMost: number): DueStep {
  return { kind: "closed", due, at: Math.min(opensAt ?? atMost, atMost) };
}

/** The times after `last` up to `now`: their number, and the latest of them in order. */
function dueTimes(
  times: Schedule,
  last: number,
  now: number,
  zone: TimeZone,
): { readonly times: number[]; readonly count: number } {
  if (times.kind === "interval") {
    const count = Math.max(0, Math.floor(now / times.ms) - Math.floor(last / times.ms));
    const to = Math.floor(now / times.ms);
    const kept = Math.min(count, MOST);
    return { times: Array.from({ length: kept }, (_, i) => (to - kept + 1 + i) * times.ms), count };
  }
  const early = timesBetween(times, last, now, zone, MOST);
  if (early.length < MOST) return { times: early, count: early.length };
  let late: number[] = [];
  // The latest ones are looked for backwards: a schedule of every minute may have slept for years.
  for (let back = HOUR; late.length < MOST; back *= 2) {
    late = timesBetween(times, Math.max(last, now - back), now, zone);
    if (now - back <= last) break;
  }
  return { times: late.slice(-MOST), count: late.length };
}

/** The times after `from` up to `to`: all, or the first so many. */
function timesBetween(
  times: Schedule,
  from: number,
  to: number,
  zone: TimeZone,
  most = Number.POSITIVE_INFINITY,
): number[] {
  const found: number[] = [];
  let next = nextTime(times, from, zone);
  while (next !== undefined && next <= to && found.length < most) {
    found.push(next);
    next = nextTime(times, next, zone);
  }
  return found;
}
