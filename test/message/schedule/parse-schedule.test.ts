import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ScheduleFault } from "../../../src/message/schedule/fault.ts";
import { parseMoment } from "../../../src/message/schedule/moment.ts";
import { parseSchedule } from "../../../src/message/schedule/parse-schedule.ts";
import type { Schedule } from "../../../src/message/schedule/schedule.ts";
import { TimeZone } from "../../../src/message/schedule/time-zone.ts";

const oslo = new TimeZone("Europe/Oslo");

function faultsOf(read: () => unknown): readonly string[] {
  try {
    read();
  } catch (thrown) {
    if (thrown instanceof ScheduleFault) return thrown.places.map(({ at, text }) => `${at + 1}: ${text}`);
    throw thrown;
  }
  return [];
}

const bare = ({ text: _text, ...schedule }: Schedule): unknown => schedule;

describe("a schedule", () => {
  it.each([
    ["hourly", "0 * * * *"],
    ["@hourly", "0 * * * *"],
    ["every 15 minutes", "*/15 * * * *"],
    ["every 15m", "0,15,30,45 * * * *"],
    ["hourly at :20", "20 * * * *"],
    ["every 6 hours", "0 */6 * * *"],
    ["every day at 02:00", "0 2 * * *"],
    ["daily at 2:00 and 14:00", "0 2,14 * * *"],
    ["nightly", "@daily"],
    ["mondays at 04:30", "30 4 * * 1"],
    ["every Monday, Friday at 04:30", "30 4 * * mon,fri"],
    ["weekdays at noon", "0 12 * * mon-fri"],
    ["at midnight on weekends", "0 0 * * 6-7"],
    ["30 4 * * fri-mon", "30 4 * * 0,1,5,6"],
    ["weekly at 03:00", "0 3 * * 1"],
    ["monthly on the 1st and 15th at 03:00", "0 3 1,15 * *"],
    ["every 3 months", "0 0 1 1,4,7,10 *"],
    ["yearly", "@yearly"],
    ["0-10/5 1 * Jan,december *", "0,5,10 1 * 1,12 *"],
  ])("%s means %s", (words, line) => {
    expect(bare(parseSchedule(words))).toEqual(bare(parseSchedule(line)));
  });

  it("of cron names five faults at once, each with its place", () => {
    expect(faultsOf(() => parseSchedule("61 7-3 0,x */0 foo"))).toEqual([
      '1: minute: "61" is not 0 to 59',
      "4: hour: the range 7-3 goes backwards",
      '8: day of the month: "0" is not 1 to 31',
      '10: day of the month: "x" is not 1 to 31',
      '12: month: "*/0" is no step; write one as in */5 or 10-40/10',
      '16: day of the week: "foo" is not 0 to 7, or a name such as mon',
    ]);
  });

  it.each([
    ["5 4 *", ["6: the month is missing", "6: the day of the week is missing"]],
    ["0 0 4 * * *", [expect.stringMatching(/^11: a line has 5 fields, this one has 6: .* no seconds and no years$/)]],
    ["0 0 30 2 *", ["5: it never comes: no such month has such a day"]],
    ["0 0 31 4,6 *", ["5: it never comes: no such month has such a day"]],
    ["1,,2 * * * *", ["3: minute: a part of the list is empty"]],
    ["*/90 * * * *", ["1: minute: a step of 90 is more than the whole range, 0 to 59"]],
    ["@reboot", [expect.stringContaining('1: "@reboot" is not known; known are @hourly, ')]],
    ["", ["1: it is empty"]],
    ["every 15 seconds", ["10: a minute is the shortest"]],
    ["every 0 days", ["7: every 0 of them is never"]],
    ["every fortnight at 25:00", [expect.stringMatching(/^7: "fortnight" /), expect.stringMatching(/^20: "25:00" /)]],
    ["hourly at 02:00", [expect.stringMatching(/^1: every hour has no time of the day/)]],
    ["daily at :20", [expect.stringMatching(/^1: minutes alone/)]],
    ["daily at 02:00 and 03:30", ["1: these times have different minutes; make a schedule for each of them"]],
    ["monthly on the 32nd", ["16: no month has a day 32"]],
    ["every day hourly", ["11: it is said twice how often"]],
    ["every", ["1: every is followed by a number, a unit or a day"]],
    ["x".repeat(300), ["201: it has 300 characters, 200 are allowed"]],
  ])("is refused with the place of what is wrong: %s", (text, faults) => {
    expect(faultsOf(() => parseSchedule(text))).toEqual(faults);
  });

  it("of any text is read, or refused with places within it", () => {
    const part = fc.constantFrom(
      ..."every day at 02:00 mon and 5 * */5 , @daily 1-2 on the 1st : weeks 2h noon 99 \u0000 é".split(" "),
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(part, { maxLength: 7 }).map((list) => list.join(" ")),
        ),
        (text) => {
          try {
            expect(parseSchedule(text).text).not.toBe("");
          } catch (thrown) {
            expect(thrown).toBeInstanceOf(ScheduleFault);
            for (const { at } of (thrown as ScheduleFault).places) expect(at).toBeLessThanOrEqual(text.length);
            expect((thrown as ScheduleFault).places.length).toBeGreaterThan(0);
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe("a moment", () => {
  // A Monday, 13:00 in Oslo.
  const now = Date.parse("2026-11-30T12:00:00Z");
  const moment = (text: string, at = now): string => new Date(parseMoment(text, at, oslo)).toISOString().slice(0, 19);

  it.each([
    ["2026-12-01 02:00", "2026-12-01T01:00:00"],
    ["2026-12-01T02:00", "2026-12-01T01:00:00"],
    ["2026-12-01T02:00:30Z", "2026-12-01T02:00:30"],
    ["2026-12-01T02:00+05:30", "2026-11-30T20:30:00"],
    ["tomorrow 02:00", "2026-12-01T01:00:00"],
    ["tomorrow at 6:00", "2026-12-01T05:00:00"],
    ["today 22:00", "2026-11-30T21:00:00"],
    ["in 2h", "2026-11-30T14:00:00"],
    ["1d", "2026-12-01T12:00:00"],
    ["14:00", "2026-11-30T13:00:00"],
    ["02:00", "2026-12-01T01:00:00"],
    ["friday 18:00", "2026-12-04T17:00:00"],
    ["monday 12:00", "2026-12-07T11:00:00"],
    ["monday 14:00", "2026-11-30T13:00:00"],
  ])("%s is understood by the clocks of the place", (text, expected) => {
    expect(moment(text)).toBe(expected);
  });

  it("is the end of the gap, or the first of two, where the clocks are moved", () => {
    expect(moment("2026-03-29 02:30", Date.parse("2026-03-01T00:00Z"))).toBe("2026-03-29T01:00:00");
    expect(moment("2026-10-25 02:30", Date.parse("2026-10-01T00:00Z"))).toBe("2026-10-25T00:30:00");
    // Tomorrow is the next day of the calendar, which has 25 hours.
    expect(moment("tomorrow 12:00", Date.parse("2026-10-24T10:00Z"))).toBe("2026-10-25T11:00:00");
  });

  it.each([
    ["2026-11-30 12:00", "1: 2026-11-30T11:00:00.000Z is over: it is 2026-11-30T12:00:00.000Z now"],
    ["today 09:00", "1: 2026-11-30T08:00:00.000Z is over: it is 2026-11-30T12:00:00.000Z now"],
    ["2026-02-30 12:00", '1: "2026-02-30" is no date that there is'],
    ["2026-02-30T12:00Z", '1: "2026-02-30T12:00Z" is no date that there is'],
    ["tomorrow 25:00", '10: "25:00" is no time of the day: 00:00 to 23:59'],
    ["tomorrow", "9: a time of the day such as 02:00 is expected"],
    ["in a while", expect.stringMatching(/^6: "while" is not understood/)],
    ["in 100000000d", "1: is too far ahead: the last year is 9999"],
    ["in", "3: a duration such as 2h is expected behind in"],
    ["soon", expect.stringMatching(/^1: "soon" is not understood; write for example "2026-12-01 02:00"/)],
  ])("is refused with the place of what is wrong: %s", (text, fault) => {
    expect(faultsOf(() => parseMoment(text, now, oslo))).toEqual([fault]);
  });
});
