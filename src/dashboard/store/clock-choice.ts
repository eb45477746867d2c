import { signal } from "@preact/signals";
import { clockTime, dayTime } from "../text/times.ts";

const KEY = "steward-clock";

/** True: times are shown in UTC; false: as the clocks are where the reader is. The browser keeps the choice. */
export const utc = signal(stored());

function stored(): boolean {
  try {
    return localStorage.getItem(KEY) === "utc";
  } catch {
    return false;
  }
}

/** A point in time by the chosen clock: `14:05:09`. */
export const clockText = (at: number): string => clockTime(at, utc.value);
/** With its day: `2026-11-30 14:05:09`. */
export const dayText = (at: number): string => dayTime(at, utc.value);

const WRITTEN = /\b\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?Z/g;

/** A text of the daemon, the times in it by the chosen clock: `maintenance until 2026-11-30 14:05:09: dry dock`. */
export function byClock(text: string | undefined): string {
  return (text ?? "").replace(WRITTEN, (written) => dayText(Date.parse(written)));
}

export function chooseClock(isUtc: boolean): void {
  utc.value = isUtc;
  try {
    localStorage.setItem(KEY, isUtc ? "utc" : "local");
  } catch {
    // A browser without storage forgets the choice.
  }
}
