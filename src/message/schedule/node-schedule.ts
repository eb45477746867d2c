import { faultText } from "../errors.ts";
import type { Json } from "../message.ts";
import { timeZoneFault } from "./hours.ts";
import { parseMoment } from "./moment.ts";
import { parseSchedule } from "./parse-schedule.ts";
import { nextTime } from "./schedule.ts";
import { TimeZone } from "./time-zone.ts";
import { meets, parseWindow } from "./window.ts";

/** The fate of times at which a run could not begin: the daemon was down, another run went on, the window was closed. */
export const MISSED = ["skip", "once", "all"] as const;
export type Missed = (typeof MISSED)[number];

/** A schedule that a node holds without a link: the command and its times. Durations are ms. */
export interface NodeSchedule {
  /** The one time, as it was written; absent: `every` is given. */
  readonly at?: string | undefined;
  /** The times, as they were written. */
  readonly every?: string | undefined;
  /** Hours in which a run may begin. */
  readonly window?: string | undefined;
  /** The zone of its times; absent: that of the node. */
  readonly zone?: string | undefined;
  readonly missed: Missed;
  /** The subject without its node. */
  readonly subject: string;
  readonly data: Json;
  readonly timeout?: number | undefined;
  readonly note?: string | undefined;
}

/** The most schedules of one node. */
export const MOST_SCHEDULES = 50;
const UTC = "UTC";

/** The faults of the times of a schedule, each with the key that it stands under. */
export function timeFaults(
  wish: Partial<Pick<NodeSchedule, "at" | "every" | "window" | "zone">>,
): (readonly [string, string])[] {
  const { at, every, window, zone } = wish;
  const faults: (readonly [string, string])[] = [];
  const read = <T>(key: string, text: string | undefined, parse: (text: string) => T): T | undefined => {
    if (text === undefined) return undefined;
    try {
      return parse(text);
    } catch (thrown) {
      faults.push([key, faultText(thrown)]);
      return undefined;
    }
  };
  const noZone = zone === undefined ? undefined : timeZoneFault(zone);
  if (noZone !== undefined) faults.push(["zone", noZone]);
  const clocks = new TimeZone(zone === undefined || noZone !== undefined ? UTC : zone);
  if ((at === undefined) === (every === undefined))
    faults.push([
      "",
      at === undefined ? "it has neither `at` nor `every`; write one" : "it has `at` and `every`; write one",
    ]);
  read("at", at, (text) => parseMoment(text, 0, clocks));
  const times = read("every", every, parseSchedule);
  if (times !== undefined && nextTime(times, 0, clocks) === undefined) faults.push(["every", "it never comes"]);
  const hours = read("window", window, parseWindow);
  if (faults.length === 0 && times !== undefined && hours !== undefined && !meets(times, hours, 0, clocks))
    faults.push(["window", "it is open at none of the next times of the schedule"]);
  return faults;
}
