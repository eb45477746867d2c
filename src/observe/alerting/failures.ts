import type { Config } from "../../config/config.ts";
import type { Clock } from "../../message/clock.ts";
import type { DraftTaker } from "../../message/draft.ts";
import type { Json } from "../../message/message.ts";
import { CONTROL_DOMAIN } from "../../message/subject.ts";
import { Recently } from "../../platform/recently.ts";
import type { Happenings } from "../happenings.ts";
import type { Log } from "../log.ts";
import { AlertMemory, type AlertStore } from "./alert-memory.ts";

/** Failures of this node, told to its log, to the open streams, and to central. */
export interface FailuresOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly happenings: Happenings;
  readonly config: () => Config;
  readonly journal: AlertStore;
  /** The way of a report to central. */
  readonly submitter: DraftTaker;
}

/**
 * A failure as another node reports it. `about`: the key by which failures are the same one; `over`: its cause is gone.
 */
interface Reported {
  readonly at: number;
  readonly code: string;
  readonly text: string;
  readonly about?: string;
  readonly over?: true;
}

/** Interval between two reports of one failure, ms. The log has each. */
const AGAIN = 10_000;
/** Failures that are remembered. */
const REMEMBERED = 10_000;
/** Characters of a failure that travel: faults quote what others wrote. */
const LONGEST = 2000;
const FLAPPING_OVER = "flapping-over";

export class Failures {
  readonly #options: FailuresOptions;
  readonly #reported: Recently;
  readonly memory: AlertMemory;

  constructor(options: FailuresOptions) {
    this.#options = options;
    this.#reported = new Recently(options.clock, AGAIN, REMEMBERED);
    this.memory = new AlertMemory(options.journal, options.clock);
  }

  /** @param same what counts as the same failure */
  report(code: string, text: string, same = code): void {
    const { clock, log, config, happenings } = this.#options;
    log.error({ code }, text);
    const { node } = config();
    const told = !this.#reported.has(same);
    this.#remember(node, code, text, same, told);
    if (!told) return;
    const at = clock.now();
    happenings.emit({ type: "alert", at, node, code, text });
    this.#tellCentral({ at, code, text: text.slice(0, LONGEST), about: same.slice(0, LONGEST) });
  }

  /** The cause of what was reported is gone. `same`: as it was reported. */
  over(code: string, text: string, same = code): void {
    const { clock, log, config } = this.#options;
    const { node } = config();
    this.#reported.forget(same);
    if (!this.memory.over(node, same)) return;
    log.info({ code, about: same }, `${code}: its cause is gone`);
    const at = clock.now();
    this.#tellCentral({ at, code, text: text.slice(0, LONGEST), about: same.slice(0, LONGEST), over: true });
  }

  #tellCentral(data: Json): void {
    const { config, submitter } = this.#options;
    const { node, central } = config();
    if (node === central) return;
    const draft = { subject: `${central}.event.errorlog.${CONTROL_DOMAIN}`, data, deliverBy: null };
    submitter.submit([draft], { keep: false, owed: true });
  }

  #remember(node: string, code: string, text: string, same: string, told: boolean): void {
    // The end of flapping is told like an alert, and is none.
    if (code === FLAPPING_OVER) this.memory.over(node, same.replace(FLAPPING_OVER, "flapping"));
    else this.memory.raise(node, code, text, same, told);
  }

  /** Another node's report. */
  received(origin: string, { at, code, text, about = code, over }: Reported): void {
    const { log, happenings } = this.#options;
    if (over === true) {
      this.memory.over(origin, about);
      log.info({ origin, code }, `${origin}: over: ${text.replace(/\s*\n\s*/g, " ")}`);
      return;
    }
    this.#remember(origin, code, text, about, true);
    log.warn({ origin, code }, `${origin}: ${text.replace(/\s*\n\s*/g, " ")}`);
    happenings.emit({ type: "alert", at, node: origin, code, text });
  }
}
