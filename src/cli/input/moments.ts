import { StewardError } from "../../message/errors.ts";
import { ScheduleFault } from "../../message/schedule/fault.ts";
import { parseMoment } from "../../message/schedule/moment.ts";
import { TimeZone } from "../../message/schedule/time-zone.ts";

/** A point in time to come, by the clocks of this host, ms since 1970. @throws StewardError `usage`, which names the option */
export function momentOf(option: string, command: string, text: string, now: number): number {
  try {
    return parseMoment(text, now, new TimeZone(Intl.DateTimeFormat().resolvedOptions().timeZone));
  } catch (thrown) {
    if (!(thrown instanceof ScheduleFault)) throw thrown;
    throw new StewardError("usage", { fault: `${option} ${JSON.stringify(text)}: ${thrown.message}`, command });
  }
}
