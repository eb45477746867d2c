import { inQuotes } from "../text/printable.ts";
import { readDuration } from "../text/units.ts";
import { type Place, ScheduleFault, type Word } from "./fault.ts";
import { DAYS, numberOfName } from "./names.ts";
import type { Schedule } from "./schedule.ts";
import { DAY, HOUR, MINUTE } from "./time-zone.ts";

type Unit = "minute" | "hour" | "day" | "week" | "month" | "year";

const UNITS: Readonly<Record<string, Unit>> = {
  ...{ minute: "minute", minutes: "minute", min: "minute", mins: "minute", hour: "hour", hours: "hour", day: "day" },
  ...{ days: "day", week: "week", weeks: "week", month: "month", months: "month", year: "year", years: "year" },
};
const ADVERBS: Readonly<Record<string, Unit>> = {
  ...{ hourly: "hour", daily: "day", nightly: "day", weekly: "week", monthly: "month", yearly: "year" },
};
const GROUPS: Readonly<Record<string, readonly number[]>> = {
  ...{ weekday: [1, 2, 3, 4, 5], weekdays: [1, 2, 3, 4, 5], weekend: [0, 6], weekends: [0, 6] },
};
const TIMES: Readonly<Record<string, string>> = { noon: "12:00", midnight: "00:00" };
const EVERY_HOUR = Array.from({ length: 24 }, (_, hour) => hour);
const EVERY_MONTH = Array.from({ length: 12 }, (_, month) => month + 1);
const EXAMPLES = "every 15 minutes, hourly, every day at 02:00, mondays at 04:30, monthly on the 1st at 03:00";

/**
 * A schedule in words:
 *
 *   every 15 minutes · hourly · hourly at :20 · every 6 hours
 *   every day at 02:00 · daily at 02:00 and 14:00 · weekdays at 06:00 · mondays and fridays at 04:30 · every 3 days at noon
 *   every 2 weeks on monday at 04:30 · monthly on the 1st and 15th at 03:00
 *
 * @throws ScheduleFault with each fault and its place
 */
export function readWords(text: string): Schedule {
  return new Sentence(text).schedule();
}

class Sentence {
  readonly #text: string;
  readonly #words: readonly Word[];
  readonly #faults: Place[] = [];
  readonly #weekdays = new Set<number>();
  readonly #dates = new Set<number>();
  /** Minutes since midnight. */
  readonly #times = new Set<number>();
  /** Minutes of each hour. */
  readonly #past = new Set<number>();
  #every: { readonly count: number; readonly unit: Unit; readonly at: number } | undefined;
  #next = 0;

  constructor(text: string) {
    this.#text = text.trim();
    this.#words = [...text.matchAll(/[^\s,]+/g)].map((match) => ({ text: match[0].toLowerCase(), at: match.index }));
  }

  schedule(): Schedule {
    while (this.#next < this.#words.length) this.#read();
    const read = this.#faults.length === 0 ? this.#meaning() : undefined;
    if (read === undefined) throw new ScheduleFault(this.#faults);
    return read;
  }

  #take(): Word | undefined {
    return this.#words[this.#next++];
  }

  #read(): undefined {
    const word = this.#take();
    if (word === undefined) return undefined;
    const { text } = word;
    if (text === "every" || text === "each") return this.#readEvery(word);
    if (["at", "on", "the", "and", "of"].includes(text)) return undefined;
    const unit = ADVERBS[text];
    if (unit !== undefined) return this.#setEvery(1, unit, word);
    if (this.#readDays(word) || this.#readDate(word) || this.#readTime(word)) return undefined;
    this.#fault(word, `${inQuotes(text, 20)} is not understood; write for example ${EXAMPLES}`);
    return undefined;
  }

  #readEvery(every: Word): undefined {
    const word = this.#take();
    if (word === undefined) return this.#fault(every, `${every.text} is followed by a number, a unit or a day`);
    if (this.#readDays(word)) return undefined;
    const unit = UNITS[word.text];
    if (unit !== undefined) return this.#setEvery(1, unit, every);
    const count = word.text === "other" ? 2 : /^\d{1,4}$/.test(word.text) ? Number(word.text) : undefined;
    if (count !== undefined) {
      const of = this.#take();
      const counted = of === undefined ? undefined : UNITS[of.text];
      if (of !== undefined && /^s(ec(ond)?s?)?$/.test(of.text)) return this.#fault(of, "a minute is the shortest");
      if (counted === undefined)
        return this.#fault(of ?? word, "a number is followed by minutes, hours, days, weeks or months");
      if (count === 0) return this.#fault(word, "every 0 of them is never");
      return this.#setEvery(count, counted, every);
    }
    const ms = readDuration(word.text);
    if (ms === undefined)
      return this.#fault(word, `${inQuotes(word.text, 20)} is not understood; write for example ${EXAMPLES}`);
    if (ms < MINUTE || ms % MINUTE !== 0)
      return this.#fault(word, "a minute is the shortest, and all are whole minutes");
    if (ms % DAY === 0) return this.#setEvery(ms / DAY, "day", every);
    if (ms % HOUR === 0) return this.#setEvery(ms / HOUR, "hour", every);
    return this.#setEvery(ms / MINUTE, "minute", every);
  }

  #setEvery(count: number, unit: Unit, { at }: Word): undefined {
    if (this.#every !== undefined) this.#faults.push({ at, text: "it is said twice how often" });
    this.#every = { count, unit, at };
    return undefined;
  }

  #readDays({ text }: Word): boolean {
    const day = numberOfName(DAYS, text);
    const days = GROUPS[text] ?? (day === undefined ? undefined : [day]);
    for (const one of days ?? []) this.#weekdays.add(one);
    return days !== undefined;
  }

  #readDate(word: Word): boolean {
    const match = /^(\d{1,2})(?:st|nd|rd|th|\.)$/.exec(word.text);
    if (match === null) return false;
    const date = Number(match[1]);
    if (date < 1 || date > 31) this.#fault(word, `no month has a day ${date}`);
    else this.#dates.add(date);
    return true;
  }

  #readTime(word: Word): boolean {
    const text = TIMES[word.text] ?? word.text;
    const match = /^(\d{1,2})?:(\d{2})$/.exec(text);
    if (match === null) return false;
    const [, hour, minute] = match;
    if (Number(minute) > 59 || Number(hour ?? 0) > 23)
      this.#fault(word, `${inQuotes(text)} is no time of the day: 00:00 to 23:59`);
    else if (hour === undefined) this.#past.add(Number(minute));
    else this.#times.add(Number(hour) * 60 + Number(minute));
    return true;
  }

  #fault({ at }: Word, text: string): undefined {
    this.#faults.push({ at, text });
    return undefined;
  }

  #meaning(): Schedule | undefined {
    const { count, unit, at } = this.#every ?? { count: 1, unit: "day" as const, at: 0 };
    const shorter = unit === "minute" || unit === "hour";
    if (shorter && (this.#times.size > 0 || this.#dates.size > 0)) {
      this.#faults.push({
        at,
        text: `every ${unit} has no time of the day and no date; write for example hourly at :20`,
      });
      return undefined;
    }
    if (!shorter && this.#past.size > 0) {
      this.#faults.push({ at, text: "minutes alone, as in :20, belong to every hour; write a time such as 02:20" });
      return undefined;
    }
    return shorter ? this.#ofHours(count, unit, at) : this.#ofDays(count, unit, at);
  }

  #ofHours(count: number, unit: "minute" | "hour", at: number): Schedule | undefined {
    const whole = unit === "minute" ? 60 : 24;
    if (unit === "minute" && this.#past.size > 0) {
      this.#faults.push({ at, text: "every so many minutes has no minutes of its own; write hourly at :20" });
      return undefined;
    }
    if (whole % count !== 0) {
      if (this.#weekdays.size > 0 || this.#past.size > 0) {
        this.#faults.push({
          at,
          text: `every ${count} ${unit}s does not fit into a ${unit === "minute" ? "hour" : "day"}`,
        });
        return undefined;
      }
      return { kind: "interval", text: this.#text, ms: count * (unit === "minute" ? MINUTE : HOUR) };
    }
    const steps = Array.from({ length: whole / count }, (_, i) => i * count);
    return {
      kind: "calendar",
      text: this.#text,
      minutes: unit === "minute" ? steps : sorted(this.#past.size > 0 ? this.#past : [0]),
      hours: unit === "minute" ? EVERY_HOUR : steps,
      months: EVERY_MONTH,
      weekdays: this.#weekdays.size > 0 ? sorted(this.#weekdays) : undefined,
    };
  }

  #ofDays(count: number, unit: "day" | "week" | "month" | "year", at: number): Schedule | undefined {
    const times = this.#times.size > 0 ? sorted(this.#times) : [0];
    const minutes = [...new Set(times.map((time) => time % 60))].sort((a, b) => a - b);
    const hours = [...new Set(times.map((time) => Math.floor(time / 60)))].sort((a, b) => a - b);
    const fault = this.#faultOfDays(count, unit, minutes.length * hours.length !== times.length);
    if (fault !== undefined) {
      this.#faults.push({ at, text: fault });
      return undefined;
    }
    const monthly = unit === "month" || unit === "year";
    const months =
      unit === "year" ? [1] : unit === "month" ? EVERY_MONTH.filter((month) => (month - 1) % count === 0) : EVERY_MONTH;
    const weekdays = this.#weekdays.size > 0 ? sorted(this.#weekdays) : unit === "week" ? [1] : undefined;
    return {
      kind: "calendar",
      text: this.#text,
      minutes,
      hours,
      months,
      days: this.#dates.size > 0 ? sorted(this.#dates) : monthly && weekdays === undefined ? [1] : undefined,
      weekdays,
      each: count > 1 && (unit === "day" || unit === "week") ? { count, unit } : undefined,
    };
  }

  #faultOfDays(count: number, unit: "day" | "week" | "month" | "year", uneven: boolean): string | undefined {
    if (uneven) return "these times have different minutes; make a schedule for each of them";
    if (this.#dates.size > 0 && this.#weekdays.size > 0) return "dates and days of the week do not go together";
    if (this.#dates.size > 0 && unit === "week") return "every week has no dates; name days such as monday";
    if (this.#dates.size > 0 && unit === "day" && count > 1) return `every ${count} days has no dates`;
    if (this.#weekdays.size > 0 && unit === "day" && count > 1) return `every ${count} days has no days of the week`;
    if (this.#weekdays.size > 0 && (unit === "month" || unit === "year"))
      return `every ${unit} has dates, such as the 1st, and no days of the week`;
    if (unit === "month" && 12 % count !== 0) return `every ${count} months does not fit into a year`;
    if (unit === "year" && count > 1) return "every so many years is not known; every year is";
    return undefined;
  }
}

function sorted(numbers: Iterable<number>): number[] {
  return [...numbers].sort((a, b) => a - b);
}
