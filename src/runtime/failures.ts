import type { Clock } from "../message/clock.ts";
import type { Frame } from "../message/frame.ts";
import type { Failure } from "../methods/errorlog.ts";
import type { Config } from "./config/config.ts";
import { CONTROL_DOMAIN } from "./control.ts";
import type { Happenings } from "./observe/happenings.ts";
import type { Log } from "./observe/log.ts";
import type { Draft } from "./operations.ts";

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

  newEpoch({ origin, epoch }: Frame): void {
    const text = `${origin} has a new journal (${epoch}): a lost disk, a restored backup or a clone`;
    this.report("new-epoch", text, `new-epoch ${origin}`);
  }

  lost({ origin }: Frame, subject: string, from: number, to: number): void {
    const text = `${origin} sent ${subject} ${from} to ${to} to a journal of this node that is lost: they are not here`;
    this.report("journal-lost", text, `journal-lost ${origin} ${subject}`);
  }

  /** Another node's report. */
  received(origin: string, { at, code, text }: Failure): void {
    const { log, happenings } = this.#options;
    log.warn({ origin, code }, `${origin}: ${text.replace(/\s*\n\s*/g, " ")}`);
    happenings.emit({ type: "alert", at, node: origin, code, text });
  }
}
