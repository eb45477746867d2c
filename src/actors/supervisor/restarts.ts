import { StewardError } from "../../message/errors.ts";
import { isOfSurroundings } from "../../message/surroundings.ts";
import { backoffDelay } from "../backoff.ts";
import { countRestart } from "./decision.ts";
import type { Entry } from "./entry.ts";
import type { Handle } from "./one-at-a-time.ts";
import type { Roster, SupervisorContext } from "./roster.ts";
import type { SupervisorSpec } from "./spec.ts";

/**
 * What follows when a child is gone, or did not come up, and is to come back: it backs off, or it was too often, and it is
 * parked or its supervisor gives up; a fault of its surroundings is waited out. Its companions share its fate. The count is the child's under `quarantine`, the
 * supervisor's under `escalate`.
 */
export class Restarts {
  readonly #spec: SupervisorSpec;
  readonly #context: SupervisorContext;
  readonly #handle: Handle;
  readonly #roster: Roster;
  readonly #giveUp: (fault: StewardError) => void;
  #times: readonly number[] = [];

  constructor(
    spec: SupervisorSpec,
    context: SupervisorContext,
    handle: Handle,
    roster: Roster,
    giveUp: (fault: StewardError) => void,
  ) {
    this.#spec = spec;
    this.#context = context;
    this.#handle = handle;
    this.#roster = roster;
    this.#giveUp = giveUp;
  }

  /** The caller lets the roster advance afterwards. */
  restart(entry: Entry, error: unknown, cause: string): void {
    const now = this.#context.clock.monotonic();
    const escalates = this.#spec.onGiveUp === "escalate";
    if (!escalates && isOfSurroundings(error)) {
      entry.waitsSince ??= this.#context.clock.now();
      this.#backOff(entry, now, cause);
      return;
    }
    entry.waitsSince = undefined;
    const { times, tooMany } = countRestart(escalates ? this.#times : entry.restartTimes, now, this.#spec);
    if (escalates) this.#times = times;
    else entry.restartTimes = times;
    if (!tooMany) {
      this.#backOff(entry, now, cause);
      return;
    }

    const { intensity, period, id } = this.#spec;
    const last = `more than ${intensity} restarts within ${period} ms, the last of ${entry.spec.id}: ${cause}`;
    entry.aim("down", escalates ? "leave" : "park", last);
    this.#roster.land(entry, last);
    this.#roster.report(escalates ? "gaveUp" : "quarantined", entry, last, error);
    if (escalates) this.#giveUp(new StewardError("process-failed", { subject: id, fault: last }, { cause: error }));
    else this.#takeAlong(entry, "park", `quarantined with ${entry.spec.id}`);
  }

  #backOff(entry: Entry, now: number, cause: string): void {
    const { backoff } = entry.spec;
    let delay = 0;
    if (backoff !== undefined) {
      if (entry.state === "running" && now - entry.upSince >= backoff.resetAfter) entry.attempt = 0;
      delay = backoffDelay(backoff, entry.attempt++, this.#context.random);
    }
    const fire = () =>
      this.#handle(() => {
        if (entry.timer !== timer) return;
        entry.timer = undefined;
        this.#roster.advance([entry]);
      });
    // Without a delay too: a child that crashes in a circle must not keep the event loop from the others.
    const timer = this.#context.clock.setTimeout(fire, delay);
    entry.timer = timer;
    entry.aim("up", "leave", `restart: ${cause}`);
    this.#roster.move(entry, "retry", `${cause}; again in ${delay} ms`);
    this.#takeAlong(entry, "retry", `restart with ${entry.spec.id}`);
  }

  /** Siblings that are up go down with it; those that wait to come up are parked with it. What is to be down stays so. */
  #takeAlong(entry: Entry, landing: "retry" | "park", why: string): void {
    for (const one of this.#roster.companions(entry)) {
      if (one.goal === "down") continue;
      if (one.run !== undefined) {
        if (one.spec.restart === "temporary") one.aim("down", "leave", why);
        else one.aim(landing === "park" ? "down" : "cycle", landing, why);
      } else if (landing === "park") {
        one.aim("down", "park", why);
        if (one.state === "stopped" || one.state === "backingOff") {
          this.#roster.stopWaiting(one);
          this.#roster.move(one, "park", why);
        }
      }
    }
  }
}
