import { describe, expect, it } from "vitest";
import { parseSchedule } from "../../../src/message/schedule/parse-schedule.ts";
import { TimeZone } from "../../../src/message/schedule/time-zone.ts";
import { parseWindow } from "../../../src/message/schedule/window.ts";
import { type DueSight, decideDue } from "../../../src/runtime/schedules/due.ts";

const OSLO = new TimeZone("Europe/Oslo");
const at = (text: string): number => Date.parse(text);
const DAILY = parseSchedule("every day at 02:30");

const sight = (more: Partial<DueSight>): DueSight => ({
  ...{ times: DAILY, window: undefined, zone: OSLO, missed: "skip", last: at("2026-06-01T10:00Z") },
  ...{ now: at("2026-06-01T10:00Z"), ...more },
});

/** The times that are run when a clock goes from one time to another, look by look. */
function lived(from: string, to: string, step: number, more: Partial<DueSight> = {}): { ran: string[]; left: number } {
  const ran: string[] = [];
  let [last, left] = [at(from), 0];
  for (let now = at(from); now <= at(to); now += step) {
    for (;;) {
      const next = decideDue(sight({ ...more, last, now }));
      if (next.kind !== "run" && next.kind !== "leave") break;
      last = next.upTo;
      left += next.left;
      if (next.kind === "run") ran.push(new Date(next.due).toISOString());
    }
  }
  return { ran, left };
}

describe("the times of a schedule", () => {
  it("come once each over a year of looks, with a night that has no 02:30 and one that has two", () => {
    const { ran, left } = lived("2026-01-01T00:00Z", "2027-01-01T00:00Z", 3_500_000, { missed: "once" });
    expect(ran).toHaveLength(365);
    expect(left).toBe(0);
    expect(new Set(ran).size).toBe(365);
    // In spring the clocks go from 02:00 to 03:00, in autumn from 03:00 back to 02:00.
    expect(ran).toContain("2026-03-29T01:00:00.000Z");
    expect(ran.filter((time) => time.startsWith("2026-10-25"))).toEqual(["2026-10-25T00:30:00.000Z"]);
  });

  it.each([
    ["skip", { kind: "leave", upTo: at("2026-06-04T00:30Z"), left: 3 }],
    ["once", { kind: "run", due: at("2026-06-04T00:30Z"), upTo: at("2026-06-04T00:30Z"), left: 2, closesAt: null }],
    ["all", { kind: "run", due: at("2026-06-02T00:30Z"), upTo: at("2026-06-02T00:30Z"), left: 0, closesAt: null }],
  ] as const)("that were missed are judged by missed: %s", (missed, step) => {
    expect(decideDue(sight({ missed, now: at("2026-06-04T10:00Z") }))).toEqual(step);
  });

  it("wait for the window, unless none is made up for", () => {
    const window = parseWindow("22:00-23:00");
    const now = at("2026-06-02T10:00Z");
    expect(decideDue(sight({ missed: "once", window, now }))).toMatchObject({ kind: "closed" });
    expect(decideDue(sight({ missed: "skip", window, now }))).toMatchObject({ kind: "leave", left: 1 });
    expect(decideDue(sight({ missed: "once", window, now: at("2026-06-02T20:10Z") }))).toMatchObject({
      kind: "run",
      closesAt: at("2026-06-02T21:00Z"),
    });
  });

  it("are at most a hundred that are made up for, however long the sleep; the rest is left out", () => {
    const times = parseSchedule("every 1 minutes");
    const now = at("2026-07-01T10:00Z");
    const step = decideDue(sight({ times, missed: "all", now }));
    expect(step).toMatchObject({ kind: "run", due: now - 99 * 60_000 });
    const calendar = parseSchedule("* * * * *");
    const years = decideDue(sight({ times: calendar, missed: "once", now: at("2056-07-01T10:00Z") }));
    expect(years).toMatchObject({ kind: "run", due: at("2056-07-01T10:00Z") });
  });

  it("end with the only one", () => {
    const once = { kind: "once", text: "", at: at("2026-06-02T00:00Z") } as const;
    expect(decideDue(sight({ times: once }))).toEqual({ kind: "wait", at: once.at });
    expect(decideDue(sight({ times: once, last: once.at, now: once.at + 1 }))).toEqual({ kind: "wait", at: null });
  });
});
