import type { Config } from "../config/config.ts";
import type { Journal } from "../journal/journal.ts";
import type { Clock } from "../message/clock.ts";
import type { Draft } from "../message/draft.ts";
import type { Frame } from "../message/frame.ts";
import { CONTROL_DOMAIN } from "../message/subject.ts";
import type { Failure } from "../methods/errorlog.ts";
import { Losses } from "../runtime/resync/journal-losses.ts";
import type { Happenings } from "./happenings.ts";
import type { Log } from "./log.ts";

/** What goes wrong on this node, told to its log, to those who watch, and to central. */
export interface FailuresOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly happenings: Happenings;
  readonly config: () => Config;
  readonly journal: Journal;
  /** Journals the report to central, also when there is no room for anything else. */
  readonly send: (draft: Draft) => void;
}

/** The same failure is shown and reported at most so often, ms. The log has each. */
const AGAIN = 10_000;
/** Lanes that are named in one line. */
const SOME = 10;
/** Characters of a failure that travel: faults quote what others wrote. */
const LONGEST = 2000;

export class Failures {
  readonly #options: FailuresOptions;
  readonly #losses: Losses;
  readonly #reported = new Map<string, number>();

  constructor(options: FailuresOptions) {
    this.#options = options;
    this.#losses = new Losses(options.journal);
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

  /** A node says which journal it has; `fresh`: a lane of this journal began just now. */
  heard(node: string, epoch: string, fresh = false): void {
    if (node === this.#options.config().node) return;
    const loss = this.#losses.heard(node, epoch, fresh);
    if (loss === undefined) return;
    const { unsent, taken } = loss;
    if (unsent !== undefined) {
      const text = `${node} has a new journal (${epoch}): a lost disk, a restored backup or a clone`;
      this.report("new-epoch", `${text}; what it had not sent is lost: ${some(unsent)}`, `new-epoch ${node}`);
    }
    if (taken.length > 0) {
      const text = `${node} has a new journal: what the one before had taken and not dealt with is lost`;
      this.report("journal-lost", `${text}: ${some(taken)}`, `journal-lost ${node}`);
    }
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

function some(lanes: readonly string[]): string {
  const rest = lanes.length > SOME ? `, and ${lanes.length - SOME} lanes more` : "";
  return `${lanes.slice(0, SOME).join(", ")}${rest}`;
}
