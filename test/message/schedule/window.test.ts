import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ScheduleFault } from "../../../src/message/schedule/fault.ts";
import { parseSchedule } from "../../../src/message/schedule/parse-schedule.ts";
import { DAY, MINUTE, TimeZone } from "../../../src/message/schedule/time-zone.ts";
import { allowedFrom, meets, openingAt, parseWindow } from "../../../src/message/schedule/window.ts";

const berlin = new TimeZone("Europe/Berlin");

function opening(window: string, at: string, zone = berlin): string {
  const found = openingAt(parseWindow(window), Date.parse(at), zone);
  const shown = (time: number): string => new Date(zone.wallOf(time)).toISOString().slice(0, 16).replace("T", " ");
  return found === undefined ? "never" : `${shown(found.opensAt)} to ${shown(found.closesAt)}`;
}

describe("a window", () => {
  it.each([
    ["02:00-04:00", "2026-11-30T12:00Z", "2026-12-01 02:00 to 2026-12-01 04:00"],
    ["02:00-04:00", "2026-12-01T02:59Z", "2026-12-01 02:00 to 2026-12-01 04:00"],
    ["02:00-04:00", "2026-12-01T03:00Z", "2026-12-02 02:00 to 2026-12-02 04:00"],
    ["22:00-02:00", "2026-12-01T00:30Z", "2026-11-30 22:00 to 2026-12-01 02:00"],
    ["Sun 22:00-06:00", "2026-11-30T04:00Z", "2026-11-29 22:00 to 2026-11-30 06:00"],
    ["Sat,Sun 22:00-24:00", "2026-11-30T04:00Z", "2026-12-05 22:00 to 2026-12-06 00:00"],
    ["Mon 02:00-03:00; Tue 05:00-06:00", "2026-11-30T12:00Z", "2026-12-01 05:00 to 2026-12-01 06:00"],
    ["02:00-03:00; 03:00-04:00", "2026-11-30T12:00Z", "2026-12-01 02:00 to 2026-12-01 04:00"],
    // One hour less, and one more, than on other nights.
    ["01:00-04:00", "2026-03-28T12:00Z", "2026-03-29 01:00 to 2026-03-29 04:00"],
    // The hour that it needs is passed over: the next night is the next opening.
    ["02:00-03:00", "2026-03-28T12:00Z", "2026-03-30 02:00 to 2026-03-30 03:00"],
    ["02:30-04:00", "2026-03-28T12:00Z", "2026-03-29 03:00 to 2026-03-29 04:00"],
  ])("%s, asked at %s, is open from %s", (window, at, expected) => {
    expect(opening(window, at)).toBe(expected);
  });

  it("counts the first of two equal hours", () => {
    const found = openingAt(parseWindow("02:00-03:00"), Date.parse("2026-10-24T20:00Z"), berlin);
    expect(found).toEqual({ opensAt: Date.parse("2026-10-25T00:00Z"), closesAt: Date.parse("2026-10-25T02:00Z") });
    expect(openingAt(parseWindow("02:00-02:30"), Date.parse("2026-10-25T01:10Z"), berlin)?.opensAt).toBe(
      Date.parse("2026-10-26T01:00Z"),
    );
  });

  it("is never closed where it was said to be open, for a whole year", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("02:00-04:00", "22:00-02:30", "Mon-Fri 01:30-02:30", "Sun 00:00-24:00", "00:00-24:00"),
        fc.constantFrom("Europe/Berlin", "America/New_York", "Australia/Lord_Howe"),
        fc.integer({ min: Date.UTC(2026, 0, 1) / MINUTE, max: Date.UTC(2027, 0, 1) / MINUTE }),
        (text, name, minute) => {
          const zone = new TimeZone(name);
          const window = parseWindow(text);
          const found = openingAt(window, minute * MINUTE, zone);
          expect(found?.closesAt).toBeGreaterThan(minute * MINUTE);
          expect(openingAt(window, found?.opensAt ?? 0, zone)).toMatchObject({ opensAt: found?.opensAt });
          if (text !== "00:00-24:00")
            expect((found?.closesAt ?? 0) - (found?.opensAt ?? 0)).toBeLessThan(DAY + 2 * 60 * MINUTE);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("that does not open before a deadline never lets anything begin", () => {
    const now = Date.parse("2026-11-30T12:00Z");
    const window = parseWindow("02:00-04:00");
    expect(allowedFrom(window, now, berlin, now + 6 * 60 * MINUTE)).toBeUndefined();
    expect(allowedFrom(window, now, berlin, now + DAY)).toBe(Date.parse("2026-12-01T01:00Z"));
    expect(allowedFrom(undefined, now, berlin)).toBe(now);
  });

  it("may be open at no time of a schedule", () => {
    const from = Date.parse("2026-11-30T12:00Z");
    expect(meets(parseSchedule("every day at 12:00"), parseWindow("02:00-04:00"), from, berlin)).toBe(false);
    expect(meets(parseSchedule("hourly"), parseWindow("Sun 02:00-04:00"), from, berlin)).toBe(true);
  });

  it("names each part that is wrong with its place", () => {
    expect(() => parseWindow("02:00-04:00; 5-6; Funday 01:00-02:00")).toThrow(ScheduleFault);
    expect(() => parseWindow("02:00-04:00; 5-6; Funday 01:00-02:00")).toThrow(
      /^at character 14: .*; at character 19: the days are Mon/,
    );
  });
});
