import { inQuotes } from "../text/printable.ts";
import { type Place, ScheduleFault, type Word, wordsOf } from "./fault.ts";
import { DAYS, MONTHS, numberOfName } from "./names.ts";
import type { Calendar } from "./schedule.ts";

/** A field of a cron line. */
interface Field {
  readonly name: string;
  readonly least: number;
  readonly most: number;
  readonly names?: readonly string[];
}

const FIELDS: readonly Field[] = [
  { name: "minute", least: 0, most: 59 },
  { name: "hour", least: 0, most: 23 },
  { name: "day of the month", least: 1, most: 31 },
  { name: "month", least: 1, most: 12, names: MONTHS },
  // Sunday is 0 and 7.
  { name: "day of the week", least: 0, most: 7, names: DAYS },
];
const LONGEST_MONTHS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

const NICKNAMES: Readonly<Record<string, string>> = {
  "@hourly": "0 * * * *",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@weekly": "0 0 * * 0",
  "@monthly": "0 0 1 * *",
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
};

/** True for a text that is meant as a cron line, sound or not: words and times of the day begin otherwise. */
export function isCron(text: string): boolean {
  const [first = "", ...more] = text.trim().split(/\s+/);
  return !/^[a-z]+,?$|^\d{1,2}:\d{2},?$/i.test(first) || more.some((word) => /^[*?]/.test(word));
}

/**
 * A line of cron: minute, hour, day of the month, month, day of the week; each `*`, a number, a range, a step, or a list of them.
 * Months and days of the week may be named.
 *
 * @throws ScheduleFault with each fault and its place
 */
export function readCron(text: string): Calendar {
  const trimmed = text.trim();
  if (trimmed.startsWith("@")) {
    const line = NICKNAMES[trimmed.toLowerCase()];
    if (line !== undefined) return { ...readCron(line), text: trimmed };
    const known = Object.keys(NICKNAMES).join(", ");
    throw new ScheduleFault([
      { at: text.indexOf("@"), text: `${inQuotes(trimmed, 20)} is not known; known are ${known}` },
    ]);
  }
  const words = wordsOf(text);
  const faults: Place[] = [];
  const sixth = words[5];
  if (sixth !== undefined)
    faults.push({
      at: sixth.at,
      text: `a line has 5 fields, this one has ${words.length}: minute, hour, day of the month, month, day of the week; there are no seconds and no years`,
    });
  const sets = FIELDS.map((field, i) => {
    const word = words[i];
    if (word !== undefined) return numbersOf(field, word, faults);
    faults.push({ at: text.trimEnd().length, text: `the ${field.name} is missing` });
    return [];
  });
  const [minutes = [], hours = [], days = [], months = [], weekdays = []] = sets;
  const anyDay = isAny(words[2]);
  const anyWeekday = isAny(words[4]);
  if (faults.length === 0 && !anyDay && anyWeekday) {
    const comes = months.some((month) => days.some((day) => day <= (LONGEST_MONTHS[month - 1] ?? 0)));
    if (!comes) faults.push({ at: words[2]?.at ?? 0, text: "it never comes: no such month has such a day" });
  }
  if (faults.length > 0) throw new ScheduleFault(faults);
  return {
    kind: "calendar",
    text: trimmed,
    minutes,
    hours,
    days: anyDay ? undefined : days,
    months,
    weekdays: anyWeekday ? undefined : [...new Set(weekdays.map((day) => day % 7))].sort((a, b) => a - b),
  };
}

function isAny(word: Word | undefined): boolean {
  return word?.text === "*" || word?.text === "?";
}

/** The numbers of a field, in order; adds each of its faults to `faults`. */
function numbersOf(field: Field, word: Word, faults: Place[]): number[] {
  const numbers = new Set<number>();
  let at = word.at;
  for (const part of word.text.split(",")) {
    const fault = addPart(field, part, numbers);
    if (fault !== undefined) faults.push({ at, text: `${field.name}: ${fault}` });
    at += part.length + 1;
  }
  return [...numbers].sort((a, b) => a - b);
}

/** @returns the fault of one part of a list */
function addPart(field: Field, part: string, numbers: Set<number>): string | undefined {
  const { least, most } = field;
  if (part === "") return "a part of the list is empty";
  const [range = "", step, ...more] = part.split("/");
  const every = step === undefined ? 1 : wholeNumber(step);
  if (more.length > 0 || every === undefined || every < 1)
    return `${inQuotes(part, 20)} is no step; write one as in */5 or 10-40/10`;
  if (every > most) return `a step of ${every} is more than the whole range, ${least} to ${most}`;
  if (range === "*" || range === "?") {
    // The week has seven days, of which Sunday has two numbers.
    const last = field.names === DAYS ? 6 : most;
    for (let number = least; number <= last; number += every) numbers.add(number);
    return undefined;
  }
  const [first = "", last, ...rest] = range.split("-");
  const from = numberIn(field, first);
  const to = last === undefined ? (step === undefined ? from : most) : numberIn(field, last);
  const wrong = from === undefined ? first : to === undefined ? (last ?? "") : undefined;
  if (rest.length > 0) return `${inQuotes(range, 20)} is no range; write one as in 2-5`;
  if (wrong !== undefined || from === undefined || to === undefined) return unknownNumber(field, wrong ?? "");
  if (from > to) {
    if (field.names !== DAYS) return `the range ${range} goes backwards`;
    // A range of days may go over the end of the week: fri-mon.
    for (let day = from; day <= to + 7; day += every) numbers.add(day % 7);
    return undefined;
  }
  for (let number = from; number <= to; number += every) numbers.add(number);
  return undefined;
}

function numberIn({ least, most, names }: Field, text: string): number | undefined {
  const named = names === undefined ? undefined : numberOfName(names, text);
  const number = named === undefined ? wholeNumber(text) : named + (names === MONTHS ? 1 : 0);
  return number !== undefined && number >= least && number <= most ? number : undefined;
}

function wholeNumber(text: string): number | undefined {
  return /^\d{1,4}$/.test(text) ? Number(text) : undefined;
}

function unknownNumber({ least, most, names }: Field, text: string): string {
  const named = names === undefined ? "" : `, or a name such as ${names[1]}`;
  return text === ""
    ? `a number is missing; write ${least} to ${most}${named}`
    : `${inQuotes(text, 20)} is not ${least} to ${most}${named}`;
}
