import { span } from "../../message/text/figures.ts";

/** Times for people: relative by default, ISO 8601 with --absolute. */
export interface Times {
  /** A point in time: `3 min ago`, `in 2 h`, or the ISO text. */
  at(time: number | null | undefined): string;
  /** Since when something holds: `3 min` or the ISO text. */
  since(time: number | null | undefined): string;
}

export function timesAt(now: number, absolute: boolean): Times {
  return {
    at: (time) => {
      if (time === null || time === undefined) return "never";
      if (absolute) return isoTime(time);
      const ago = now - time;
      if (ago < 0) return ago > -1_000 ? "now" : `in ${span(-ago)}`;
      return ago < 1_000 ? "now" : `${span(ago)} ago`;
    },
    since: (time) => {
      if (time === null || time === undefined) return "-";
      return absolute ? isoTime(time) : span(Math.max(0, now - time));
    },
  };
}

export function isoTime(time: number): string {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? String(time) : date.toISOString();
}

/** `14:05:09` in UTC, for lines that follow one another. */
export function clockTime(time: number): string {
  return isoTime(time).slice(11, 19);
}
