/**
 * Hours of the week at which a rule allows, by the clock and the time zone of the node that decides:
 *
 *   "08:00-18:00"            each day
 *   "Mon-Fri 08:00-18:00"    on these days
 *   "Sat,Sun 22:00-06:00"    over midnight: the hours belong to the day on which they begin
 */
export interface Hours {
  /** The hours as they are written. */
  readonly text: string;
  /** Minutes since Monday 00:00, the end excluded; an end beyond the week's goes on at its beginning. */
  readonly spans: readonly (readonly [from: number, to: number])[];
}

const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const DAY = 24 * 60;
export const WEEK = 7 * DAY;
const SHAPE = /^(?:([A-Za-z, -]+?)\s+)?(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})$/;

/** @returns the fault in words where the text is none */
export function readHours(text: string): Hours | { readonly fault: string } {
  const match = SHAPE.exec(text.trim());
  if (match === null) return { fault: 'write days and hours as in "Mon-Fri 08:00-18:00"' };
  const [, named, fromHour, fromMinute, toHour, toMinute] = match;
  const days = named === undefined ? DAYS.map((_, i) => i) : daysOf(named);
  if (days === undefined) return { fault: "the days are Mon, Tue, Wed, Thu, Fri, Sat, Sun" };
  const [from, to] = [minuteOf(fromHour, fromMinute), minuteOf(toHour, toMinute)];
  if (from === undefined || to === undefined || from === DAY)
    return { fault: "an hour is 00:00 to 23:59, and 24:00 at the end" };
  if (from === to) return { fault: "it ends when it begins; write 00:00-24:00 for the whole day" };
  const length = to > from ? to - from : to + DAY - from;
  return { text, spans: days.map((day) => [day * DAY + from, day * DAY + from + length] as const) };
}

function minuteOf(hour = "", minute = ""): number | undefined {
  const minutes = Number(hour) * 60 + Number(minute);
  return Number(minute) < 60 && minutes <= DAY ? minutes : undefined;
}

function daysOf(text: string): readonly number[] | undefined {
  const days = new Set<number>();
  for (const part of text.split(",")) {
    const [first = "", last = first, ...more] = part.split("-").map((day) => day.trim().slice(0, 3).toLowerCase());
    const [from, to] = [DAYS.indexOf(first), DAYS.indexOf(last)];
    if (from < 0 || to < 0 || more.length > 0) return undefined;
    for (let day = from; ; day = (day + 1) % 7) {
      days.add(day);
      if (day === to) break;
    }
  }
  return [...days].sort((a, b) => a - b);
}

/** True if `minute`, of the week, is within these hours. */
export function isWithin(hours: readonly Hours[], minute: number): boolean {
  return hours.some(({ spans }) => spans.some(([from, to]) => (minute >= from && minute < to) || minute + WEEK < to));
}

/** The fault of a time zone's name; `undefined`: there is none. */
export function timeZoneFault(name: string): string | undefined {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return undefined;
  } catch {
    return "it is not the name of a time zone such as Europe/Oslo or UTC";
  }
}
