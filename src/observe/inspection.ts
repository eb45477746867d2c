import type { Inspector } from "../actors/root.ts";
import type { Clock } from "../message/clock.ts";
import { faultText } from "../message/errors.ts";
import type { Logger } from "../platform/logger.ts";
import type { Happenings } from "./happenings.ts";

/** Roles whose every change an operator wants to see; the others are for whoever looks for a fault. */
const SHOWN: ReadonlySet<string> = new Set([
  "node",
  "process",
  "publisher",
  "subscriber",
  "source",
  "link",
  "supervisor",
  "child",
  "core",
]);

/** Makes every transition of every actor one line of the log and one happening. */
export function inspector(log: Logger, happenings: Happenings, clock: Clock): Inspector {
  return {
    transition: ({ actor, role, event, from, to, cause }) => {
      const text = from === "" ? `${actor} is ${to}` : `${actor} ${from} -> ${to}`;
      const fields = { actor, role, event, from, to, cause };
      if (SHOWN.has(role)) log.info(fields, text);
      else log.debug(fields, text);
      if (happenings.watched) happenings.emit({ type: "transition", at: clock.now(), ...fields });
    },
    failed: (actor, role, error) => {
      log.error({ actor, role, err: error }, `${actor} failed`);
      if (!happenings.watched) return;
      const cause = faultText(error);
      happenings.emit({
        type: "transition",
        at: clock.now(),
        actor,
        role,
        event: "error",
        from: "",
        to: "failed",
        cause,
      });
    },
  };
}
