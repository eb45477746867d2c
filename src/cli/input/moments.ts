import { StewardError } from "../../message/errors.ts";
import { ScheduleFault } from "../../message/schedule/fault.ts";
import { parseMoment } from "../../message/schedule/moment.ts";
import { TimeZone } from "../../message/schedule/time-zone.ts";
import { isNever } from "../../message/text/units.ts";

/**
 * A point in time to come, by the clocks of this host, ms since 1970; `undefined`: never, in any of the words for it.
 * @throws StewardError `usage`, which names the option
 */
export function momentOrNever(option: string, command: string, text: string, now: number): number | undefined {
  if (isNever(text)) return undefined;
  try {
    return parseMoment(text, now, new TimeZone(Intl.DateTimeFormat().resolvedOptions().timeZone));
  } catch (thrown) {
    if (!(thrown instanceof ScheduleFault)) throw thrown;
    throw new StewardError("usage", { fault: `${option} ${JSON.stringify(text)}: ${thrown.message}`, command });
  }
}
