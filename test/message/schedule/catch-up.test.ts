import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type CatchUp, dueTimes } from "../../../src/message/schedule/catch-up.ts";
import { parseSchedule } from "../../../src/message/schedule/parse-schedule.ts";
import { DAY, HOUR, MINUTE, TimeZone } from "../../../src/message/schedule/time-zone.ts";

const zone = new TimeZone("Europe/Berlin");
const hourly = parseSchedule("hourly");
const noon = Date.parse("2026-11-30T12:00Z");

const due = (catchUp: CatchUp, last: number, now: number) => dueTimes(hourly, { last, now, zone, catchUp });

describe("missed times", () => {
  it("are made up for once, each, or not at all", () => {
    const now = noon + 3.5 * HOUR;
    expect(due("once", noon, now)).toMatchObject({ run: [noon + 3 * HOUR], missed: 2 });
    expect(due("all", noon, now)).toMatchObject({ run: [1, 2, 3].map((h) => noon + h * HOUR), missed: 0 });
    expect(due("none", noon, now)).toMatchObject({ run: [], missed: 3 });
    for (const catchUp of ["once", "all", "none"] as const)
      expect(due(catchUp, noon, now)).toMatchObject({ last: noon + 3 * HOUR, next: noon + 4 * HOUR });
  });

  it("are not those that a timer comes a little late for", () => {
    expect(due("none", noon, noon + HOUR + 2_000).run).toEqual([noon + HOUR]);
    expect(due("none", noon, noon + HOUR + MINUTE).run).toEqual([]);
  });

  it("of many years are bounded, and said to be more", () => {
    expect(due("all", 0, noon)).toMatchObject({ missed: 0, more: true });
    expect(due("all", 0, noon).run).toHaveLength(100);
    expect(due("once", 0, noon)).toMatchObject({ run: [noon], missed: 99, more: true });
  });
});

describe("a clock that goes back", () => {
  it("runs nothing a second time, and goes on where it was", () => {
    expect(due("all", noon, noon - 2 * HOUR)).toEqual({
      run: [],
      missed: 0,
      more: false,
      last: noon,
      next: noon + HOUR,
    });
  });

  it("by more than a day was wrong before: the schedule starts anew", () => {
    const now = noon - 2 * DAY + 5;
    expect(due("all", noon, now)).toMatchObject({ run: [], last: now, next: noon - 2 * DAY + HOUR });
  });

  it("or jumps about, never runs the same time twice, and with `all` none is left out", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -20 * 60, max: 20 * 60 }), { maxLength: 40 }),
        fc.constantFrom<CatchUp>("once", "all", "none"),
        (steps, catchUp) => {
          let [now, last] = [noon, noon];
          const ran: number[] = [];
          let latest = noon;
          for (const step of steps) {
            now += step * MINUTE;
            // The clock stays within a day of the latest time that it showed.
            if (latest - now > DAY) now = latest;
            latest = Math.max(latest, now);
            const found = due(catchUp, last, now);
            ran.push(...found.run);
            last = found.last;
            expect(found.next).toBeGreaterThan(now);
          }
          expect(new Set(ran).size).toBe(ran.length);
          expect(ran).toEqual([...ran].sort((a, b) => a - b));
          const count = Math.floor((latest - noon) / HOUR);
          if (catchUp === "all") expect(ran).toHaveLength(count);
        },
      ),
      { numRuns: 50 },
    );
  });
});
