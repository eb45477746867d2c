import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseSchedule } from "../../../src/message/schedule/parse-schedule.ts";
import { type Calendar, nextTime, type Schedule } from "../../../src/message/schedule/schedule.ts";
import { DAY, HOUR, MINUTE, TimeZone } from "../../../src/message/schedule/time-zone.ts";
import { Year } from "./year.ts";

const ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"];
const berlin = new TimeZone("Europe/Berlin");

function timesOf(schedule: Schedule, from: number, to: number, zone: TimeZone): number[] {
  const times: number[] = [];
  for (let time = nextTime(schedule, from - 1, zone); time !== undefined && time < to; ) {
    times.push(time);
    time = nextTime(schedule, time, zone);
  }
  return times;
}

/** The next few times, as the clocks of the place show them. */
function next(text: string, from: string, count = 3, zone = berlin): string[] {
  const schedule = parseSchedule(text);
  const shown: string[] = [];
  let time: number | undefined = Date.parse(from);
  while (shown.length < count) {
    time = nextTime(schedule, time, zone);
    if (time === undefined) break;
    shown.push(`${new Date(zone.wallOf(time)).toISOString().slice(0, 16).replace("T", " ")}${offset(zone, time)}`);
  }
  return shown;
}

function offset(zone: TimeZone, time: number): string {
  return ` +${zone.offsetAt(time) / HOUR}`;
}

describe("the times of a schedule", () => {
  it("are those of the clocks on the wall for a whole year, where clocks are moved and where they are not", () => {
    const years = ZONES.map((zone) => ({ zone: new TimeZone(zone), year: new Year(zone, 2026) }));
    const hour = fc.integer({ min: 0, max: 23 });
    const field = (most: number, count: number) =>
      fc
        .uniqueArray(fc.integer({ min: 0, max: most }), { minLength: 1, maxLength: count })
        .map((list) => list.join(","));
    const line = fc
      .tuple(
        field(59, 2),
        // The hours in which clocks are moved come up often.
        fc.oneof(fc.constantFrom("1", "2", "3", "*/2", "1-3", "*"), hour.map(String)),
        fc.constantFrom("*", "*", "*", "1,29", "10-20/3"),
        fc.constantFrom("*", "*", "3-4", "oct,nov"),
        fc.constantFrom("*", "*", "sun", "mon-fri"),
      )
      .map((fields) => fields.join(" "));
    fc.assert(
      fc.property(line, fc.constantFrom(...years), (text, { zone, year }) => {
        const schedule = parseSchedule(text) as Calendar;
        const [found, lived] = [timesOf(schedule, year.from, year.to, zone), year.timesOf(schedule)];
        const at = lived.findIndex((time, i) => found[i] !== time);
        expect([found[at], found.length], text).toEqual([lived[at], lived.length]);
      }),
      { numRuns: 15, examples: years.map((place, i) => [i % 2 === 0 ? "*/20 * * * *" : "10,40 1-3 * * *", place]) },
    );
  });

  it("come once right after the gap where an hour is missing, and once where an hour comes twice", () => {
    expect(next("every day at 02:30", "2026-03-28T00:00Z")).toEqual([
      "2026-03-28 02:30 +1",
      "2026-03-29 03:00 +2",
      "2026-03-30 02:30 +2",
    ]);
    expect(next("30 2 * * *", "2026-10-24T12:00Z", 2)).toEqual(["2026-10-25 02:30 +2", "2026-10-26 02:30 +1"]);
    expect(next("0,20,40 2 * * *", "2026-03-28T12:00Z", 2)).toEqual(["2026-03-29 03:00 +2", "2026-03-30 02:00 +2"]);
  });

  it("go on with time itself where every hour is meant", () => {
    expect(next("every 30 minutes", "2026-10-25T00:20Z", 4)).toEqual([
      "2026-10-25 02:30 +2",
      "2026-10-25 02:00 +1",
      "2026-10-25 02:30 +1",
      "2026-10-25 03:00 +1",
    ]);
    expect(next("hourly", "2026-03-29T00:00Z", 2)).toEqual(["2026-03-29 03:00 +2", "2026-03-29 04:00 +2"]);
  });

  it("come after a day that a place left out", () => {
    const samoa = new TimeZone("Pacific/Apia");
    expect(next("daily at 02:00", "2011-12-29T00:00Z", 3, samoa).map((time) => time.slice(0, 16))).toEqual([
      "2011-12-29 02:00",
      "2011-12-31 00:00",
      "2011-12-31 02:00",
    ]);
  });

  it("are found eight years ahead where 29 February is meant", () => {
    expect(next("0 12 29 2 *", "2096-03-01T00:00Z", 1, new TimeZone("UTC"))).toEqual(["2104-02-29 12:00 +0"]);
  });

  it("of any number of days and weeks are counted from 1970, whenever they are asked for", () => {
    const three = next("every 3 days at 02:00", "2026-11-29T12:00Z", 3).map((time) => time.slice(0, 10));
    expect(three).toEqual(["2026-11-30", "2026-12-03", "2026-12-06"]);
    expect(next("every 2 weeks on monday at 04:30", "2026-11-30T12:00Z", 2).map((time) => time.slice(0, 10))).toEqual([
      "2026-12-07",
      "2026-12-21",
    ]);
    const ninety = parseSchedule("every 90 minutes");
    expect(ninety.kind).toBe("interval");
    const first = nextTime(ninety, 1_000, berlin) ?? 0;
    expect([first, nextTime(ninety, first, berlin)]).toEqual([90 * MINUTE, 180 * MINUTE]);
  });
});

describe("a time zone", () => {
  it("gives each instant back from its wall time, or the other of two", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...ZONES),
        fc.integer({ min: Date.UTC(1990, 0, 1) / MINUTE, max: Date.UTC(2030, 0, 1) / MINUTE }),
        (name, minute) => {
          const zone = new TimeZone(name);
          const instant = minute * MINUTE;
          const wall = zone.wallOf(instant);
          expect(zone.instantsOf(wall)).toContain(instant);
          expect(instant - zone.instantOf(wall)).toBeGreaterThanOrEqual(0);
          expect(instant - zone.instantOf(wall)).toBeLessThan(DAY);
        },
      ),
      { numRuns: 100 },
    );
  });
});
