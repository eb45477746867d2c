import type { Transition } from "../../../actors/root.ts";
import type { SupervisorReport } from "../../../actors/supervisor/spec.ts";
import type { Clock } from "../../../message/clock.ts";
import { faultText } from "../../../message/errors.ts";
import { isOfSurroundings } from "../../../message/surroundings.ts";
import type { Logger } from "../../../platform/logger.ts";

/**
 * Alerts on children that fail. A defect is told each time. A fault of the surroundings is met again at each try: it is
 * told when it changes, once an hour while it lasts, and when it is over.
 */
export interface ChildReportsOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** Raises an alert at central. */
  readonly alert: (code: string, text: string, same: string) => void;
  /** Tells central that the cause of an alert is gone. */
  readonly over: (code: string, text: string, same: string) => void;
}

const AGAIN = 3_600_000;
const WAITS = "process-waits";

export class ChildReports {
  readonly #options: ChildReportsOptions;
  readonly #waiting = new Map<string, { readonly fault: string; readonly toldAt: number }>();

  constructor(options: ChildReportsOptions) {
    this.#options = options;
  }

  report({ kind, child: id, cause, error }: SupervisorReport): void {
    const { alert } = this.#options;
    if (kind === "quarantined") alert("process-quarantined", `${id} failed too often and is quarantined: ${cause}`, id);
    else if (kind === "gaveUp") return;
    else if (error !== undefined && isOfSurroundings(error)) this.waits(id, faultText(error));
    else alert(`process-failed ${id}`, `${id}: ${cause}`, `process-failed ${id}`);
  }

  transition({ actor, to }: Pick<Transition, "actor" | "to">): void {
    if (to === "running") this.works(actor);
    else if (to === "stopped") this.#waiting.delete(actor);
  }

  /** A child cannot work for a fault of its surroundings. */
  waits(id: string, fault: string): void {
    const now = this.#options.clock.monotonic();
    const before = this.#waiting.get(id);
    if (before?.fault === fault && now - before.toldAt < AGAIN) return;
    this.#waiting.set(id, { fault, toldAt: now });
    this.#options.alert(WAITS, `${id} is tried again until it works: ${fault}`, `${WAITS} ${id}`);
  }

  works(id: string): void {
    if (!this.#waiting.delete(id)) return;
    this.#options.log.info({ child: id }, `${id} works again`);
    this.#options.over(WAITS, `${id} works again`, `${WAITS} ${id}`);
  }
}
