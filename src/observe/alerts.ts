import type { Config } from "../config/config.ts";
import type { Clock } from "../message/clock.ts";
import type { Draft } from "../message/draft.ts";
import { CONTROL_DOMAIN } from "../message/subject.ts";
import type { Happenings } from "./happenings.ts";
import type { Log } from "./log.ts";

/** What goes wrong on this node, told to its log, to those who watch, and to central. */
export interface FailuresOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly happenings: Happenings;
  readonly config: () => Config;
  /** Journals the report to central, also when there is no room for anything else. */
  readonly send: (draft: Draft) => void;
}

/** The same failure is shown and reported at most so often, ms. The log has each. */
const AGAIN = 10_000;
/** Characters of a failure that travel: faults quote what others wrote. */
const LONGEST = 2000;

export class Failures {
  readonly #options: FailuresOptions;
  readonly #reported = new Map<string, number>();

  constructor(options: FailuresOptions) {
    this.#options = options;
  }

  /** @param same what counts as the same failure */
  report(code: string, text: string, same = code): void {
    const { clock, log, config, happenings, send } = this.#options;
    log.error({ code }, text);
    const now = clock.monotonic();
    if (now - (this.#reported.get(same) ?? Number.NEGATIVE_INFINITY) < AGAIN) return;
    this.#reported.set(same, now);
    const { node, central } = config();
    const at = clock.now();
    happenings.emit({ type: "alert", at, node, code, text });
    if (node !== central) {
      send({
        subject: `${central}.event.errorlog.${CONTROL_DOMAIN}`,
        data: { at, code, text: text.slice(0, LONGEST) },
        deliverBy: null,
      });
    }
  }

  /** Another node's report. */
  received(
    origin: string,
    { at, code, text }: { readonly at: number; readonly code: string; readonly text: string },
  ): void {
    const { log, happenings } = this.#options;
    log.warn({ origin, code }, `${origin}: ${text.replace(/\s*\n\s*/g, " ")}`);
    happenings.emit({ type: "alert", at, node: origin, code, text });
  }
}
