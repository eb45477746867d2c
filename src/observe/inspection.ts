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

/** What of an actor's change says that something is out of reach: worth a warning. */
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

/** The same of the same publisher is told so often, ms: one for a node that nobody has heard of tries for ever. */
const TOLD_EVERY = 3_600_000;
/** Publishers that are remembered. */
const TOLD_MOST = 10_000;

class Told {
  readonly #clock: Clock;
  readonly #at = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether this was told less than an hour ago. */
  again(role: string, text: string): boolean {
    if (role !== "publisher") return false;
    const now = this.#clock.monotonic();
    const last = this.#at.get(text);
    if (last !== undefined && now - last < TOLD_EVERY) return true;
    if (this.#at.size >= TOLD_MOST) this.#at.clear();
    this.#at.set(text, now);
    return false;
  }
}

/** Makes every transition of every actor one line of the log and one happening. */
export function inspector(log: Logger, happenings: Happenings, clock: Clock): Inspector {
  const told = new Told(clock);
  return {
    transition: ({ actor, role, event: internal, from, to, cause }) => {
      const text = from === "" ? `${actor} is ${to}` : `${actor} ${from} -> ${to}`;
      const event = plainEvent(internal);
      const fields = { actor, role, event, from, to, cause };
      if (!SHOWN.has(role) || told.again(role, text)) log.debug(fields, text);
      else if (isLoss(role, from, to)) log.warn(fields, text);
      else log.info(fields, text);
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
