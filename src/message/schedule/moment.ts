import { inQuotes } from "../text/printable.ts";
import { readDuration } from "../text/units.ts";
import { insistOnLength, ScheduleFault, type Word, wordsOf } from "./fault.ts";
import { DAYS, numberOfName } from "./names.ts";
import { DAY, dayOf, MINUTE, mod, type TimeZone } from "./time-zone.ts";

const RFC_3339 = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:[Zz]|[+-]\d{2}:\d{2})$/;
const DATE = /^(\d{4})-(\d{2})-(\d{2})$/;
const TIME = /^(\d{1,2}):(\d{2})(?::(\d{2}))?$/;
/** The end of the year 9999: dates with more digits are read by few programs. */
const LATEST = 253_402_300_799_999;
const EXAMPLES = '"2026-12-01 02:00", "tomorrow 02:00", "friday 18:00", "02:00", "in 2h", "2026-12-01T02:00:00Z"';

/**
 * A point in time to come, ms since 1970. A time of the day alone is the next one; one that the clocks pass over is the end of
 * the gap, of one that comes twice the first is meant.
 *
 * @throws ScheduleFault with the place of the fault; for a time that is over, too
 */
export function parseMoment(text: string, now: number, zone: TimeZone): number {
  insistOnLength(text);
  const at = text.search(/\S/);
  const moment = read(text, now, zone);
  if (moment > LATEST) throw new ScheduleFault([{ at, text: "is too far ahead: the last year is 9999" }]);
  if (moment > now) return moment;
  throw new ScheduleFault([
    { at, text: `${new Date(moment).toISOString()} is over: it is ${new Date(now).toISOString()} now` },
  ]);
}

function read(text: string, now: number, zone: TimeZone): number {
  // The date and the time of day may be joined by a T.
  const joined = text.replace(/^(\s*\d{4}-\d{2}-\d{2})[Tt](?=\d{1,2}:\d{2}(?::\d{2})?\s*$)/, "$1 ");
  const words = wordsOf(joined).filter(({ text: word }) => word.toLowerCase() !== "at");
  const [first, second, third] = words;
  if (first === undefined) throw notUnderstood({ text, at: 0 });
  if (third !== undefined) throw notUnderstood(third);
  if (second === undefined && RFC_3339.test(first.text)) return ofRfc3339(first);
  const relative = first.text.toLowerCase() === "in" ? second : second === undefined ? first : undefined;
  const duration = relative === undefined ? undefined : readDuration(relative.text);
  if (duration !== undefined) return now + duration;
  if (first.text.toLowerCase() === "in")
    throw new ScheduleFault([{ at: second?.at ?? text.length, text: "a duration such as 2h is expected behind in" }]);
  const today = dayOf(zone.wallOf(now));
  if (second === undefined && timeOf(first) !== undefined) {
    // The next one: a time of today that is over is meant for tomorrow.
    const moment = zone.instantOf(today + (timeOf(first) ?? 0));
    return moment > now ? moment : zone.instantOf(today + DAY + (timeOf(first) ?? 0));
  }
  const day = dayNamed(first, today);
  if (day === undefined) throw notUnderstood(first);
  const time = second === undefined ? undefined : timeOf(second);
  if (time === undefined)
    throw new ScheduleFault([
      { at: second?.at ?? text.trimEnd().length, text: "a time of the day such as 02:00 is expected" },
    ]);
  const moment = zone.instantOf(day + time);
  // A day of the week is the next one, which may be today.
  return moment <= now && numberOfName(DAYS, first.text) !== undefined ? zone.instantOf(day + 7 * DAY + time) : moment;
}

function ofRfc3339(word: Word): number {
  const moment = Date.parse(word.text);
  if (!Number.isFinite(moment) || dateOf(word.text.slice(0, 10)) === undefined)
    throw new ScheduleFault([{ at: word.at, text: `${inQuotes(word.text)} is no date that there is` }]);
  return moment;
}

/** The beginning of a day, as wall time. */
function dayNamed(word: Word, today: number): number | undefined {
  const lower = word.text.toLowerCase();
  if (lower === "today" || lower === "tonight") return today;
  if (lower === "tomorrow") return today + DAY;
  const weekday = numberOfName(DAYS, lower);
  if (weekday !== undefined) return today + mod(weekday - new Date(today).getUTCDay(), 7) * DAY;
  if (!DATE.test(lower)) return undefined;
  const date = dateOf(lower);
  if (date === undefined)
    throw new ScheduleFault([{ at: word.at, text: `${inQuotes(word.text)} is no date that there is` }]);
  return date;
}

function dateOf(text: string): number | undefined {
  const [, year, month, day] = DATE.exec(text) ?? [];
  const date = Date.UTC(Number(year), Number(month) - 1, Number(day));
  return new Date(date).toISOString().startsWith(text) ? date : undefined;
}

/** Milliseconds since midnight. */
function timeOf(word: Word): number | undefined {
  const match = TIME.exec(word.text);
  if (match === null) return undefined;
  const [, hour, minute, second] = match.map(Number);
  if ((hour ?? 24) > 23 || (minute ?? 60) > 59 || (second || 0) > 59)
    throw new ScheduleFault([{ at: word.at, text: `${inQuotes(word.text)} is no time of the day: 00:00 to 23:59` }]);
  return ((hour ?? 0) * 60 + (minute ?? 0)) * MINUTE + (second || 0) * 1_000;
}

function notUnderstood({ text, at }: Word): ScheduleFault {
  return new ScheduleFault([{ at, text: `${inQuotes(text, 20)} is not understood; write for example ${EXAMPLES}` }]);
}
