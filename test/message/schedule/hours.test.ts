import { describe, expect, it } from "vitest";
import { isWithin, readHours, timeZoneFault } from "../../../src/message/schedule/hours.ts";
import { WeekClock } from "../../../src/security/policy/week-clock.ts";

const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

function minuteOf(text: string): number {
  const [day = "", time = ""] = text.split(" ");
  const [hour, minute] = time.split(":").map(Number);
  return (DAYS.indexOf(day) * 24 + (hour ?? 0)) * 60 + (minute ?? 0);
}

function within(text: string, at: string): boolean {
  const read = readHours(text);
  if ("fault" in read) throw new Error(read.fault);
  return isWithin([read], minuteOf(at));
}

describe("hours", () => {
  it.each([
    ["08:00-18:00", "Sun 08:00", true],
    ["08:00-18:00", "Sun 07:59", false],
    ["08:00-18:00", "Sun 18:00", false],
    ["Mon-Fri 08:00-18:00", "Fri 17:59", true],
    ["Mon-Fri 08:00-18:00", "Sat 12:00", false],
    ["sat,sunday 8:00 - 9:30", "Sun 09:29", true],
    ["Sat,Sun 00:00-24:00", "Sat 23:59", true],
    ["Sat,Sun 00:00-24:00", "Mon 00:00", false],
    ["Fri-Mon 10:00-11:00", "Mon 10:30", true],
    ["Fri-Mon 10:00-11:00", "Tue 10:30", false],
    // Over midnight the hours belong to the day on which they begin, also from Sunday into Monday.
    ["Tue 22:00-06:00", "Wed 05:59", true],
    ["Tue 22:00-06:00", "Tue 05:59", false],
    ["Sun 22:00-06:00", "Mon 05:59", true],
    ["Sun 22:00-06:00", "Sun 05:59", false],
  ])("%s, on %s: %s", (text, at, expected) => {
    expect(within(text, at)).toBe(expected);
  });

  it.each([
    ["", "write days and hours"],
    ["8-18", "write days and hours"],
    ["Funday 08:00-09:00", "the days are Mon, Tue"],
    ["Mon- 08:00-09:00", "the days are Mon, Tue"],
    ["Mon 25:00-26:00", "an hour is 00:00 to 23:59"],
    ["Mon 08:60-09:00", "an hour is 00:00 to 23:59"],
    ["Mon 08:00-08:00", "it ends when it begins"],
  ])("%j is refused with what to write", (text, fault) => {
    expect(readHours(text)).toEqual({ fault: expect.stringContaining(fault) });
  });

  it("are those of the node's time zone, summer time included", () => {
    const at = (time: string, zone: string) => new WeekClock({ now: () => Date.parse(time) }, zone).text;
    expect(at("2026-11-30T09:30:59Z", "UTC")).toBe("Mon 09:30 UTC");
    expect(at("2026-11-30T09:30:59Z", "Europe/Oslo")).toBe("Mon 10:30 Europe/Oslo");
    expect(at("2026-07-05T22:30:00Z", "Europe/Oslo")).toBe("Mon 00:30 Europe/Oslo");
    expect(at("2026-11-30T01:00:00Z", "America/New_York")).toBe("Sun 20:00 America/New_York");
  });

  it("go on from minute to minute", () => {
    let now = Date.parse("2026-11-30T09:30:59.999Z");
    const clock = new WeekClock({ now: () => now }, "UTC");
    expect(clock.minute).toBe(minuteOf("Mon 09:30"));
    now += 1;
    expect(clock.minute).toBe(minuteOf("Mon 09:31"));
  });

  it("know a time zone by its name", () => {
    expect(timeZoneFault("Europe/Oslo")).toBeUndefined();
    expect(timeZoneFault("Middle/Earth")).toContain("name of a time zone");
  });
});
