import type { Inspector } from "../actors/root.ts";
import type { Clock } from "../message/clock.ts";
import { faultText } from "../message/errors.ts";
import type { Logger } from "../platform/logger.ts";
import { Recently } from "../platform/recently.ts";
import type { Happenings } from "./happenings.ts";
import type { RecentTransitions } from "./recent-transitions.ts";

/** Roles whose every change an operator wants to see; the others are for the search of a fault. */
const SHOWN: ReadonlySet<string> = new Set(
  "node process publisher subscriber source link supervisor child core".split(" "),
);

/** True for a change after which something is out of reach: worth a warning. */
function isLoss(role: string, from: string, to: string): boolean {
  if (role === "link") return to === "disconnected" || to === "denied";
  return role === "node" && to.includes("offline") && !from.includes("offline");
}

/** Names that the library gives to events of its own, in the words of this log. */
function plainEvent(event: string): string {
  const own = /^xstate\.(\w+)/.exec(event)?.[1];
  if (own === undefined) return event;
  return { after: "timer", init: "start", stop: "stop", done: "done", error: "error" }[own] ?? own;
}

/** Interval between two equal lines of one publisher, ms: a publisher for a node that was never heard of tries for ever. */
const TOLD_EVERY = 3_600_000;
/** Lines that are remembered. */
const TOLD_MOST = 10_000;

/** Makes every transition of every actor one line of the log and one happening, and remembers the last ones. */
export function inspector(
  log: Logger,
  happenings: Happenings,
  clock: Clock,
  recent: Pick<RecentTransitions, "add">,
): Inspector {
  const told = new Recently(clock, TOLD_EVERY, TOLD_MOST);
  return {
    transition: ({ actor, role, event: internal, from, to, cause }) => {
      const text = from === "" ? `${actor} is ${to}` : `${actor} ${from} -> ${to}`;
      const event = plainEvent(internal);
      const fields = { actor, role, event, from, to, cause };
      if (!SHOWN.has(role) || (role === "publisher" && told.has(text))) log.debug(fields, text);
      else if (isLoss(role, from, to)) log.warn(fields, text);
      else log.info(fields, text);
      const at = clock.now();
      recent.add({ at, ...fields });
      if (happenings.watched) happenings.emit({ type: "transition", at, ...fields });
    },
    failed: (actor, role, error) => {
      log.error({ actor, role, err: error }, `${actor} failed`);
      const change = { actor, role, event: "error", from: "", to: "failed", cause: faultText(error) };
      const at = clock.now();
      recent.add({ at, ...change });
      if (happenings.watched) happenings.emit({ type: "transition", at, ...change });
    },
  };
}
