import type { Config } from "../../config/config.ts";
import type { Journal } from "../../journal/journal.ts";
import type { Clock } from "../../message/clock.ts";
import type { Counters } from "../../observe/metrics/counters.ts";
import type { ChurnMap } from "../../platform/churn-map.ts";
import type { CancelResult } from "./cancel-method.ts";
import type { Cancellation } from "./cancellation.ts";
import type { Respond } from "./respond.ts";

export interface CancelOptions {
  readonly config: () => Config;
  readonly journal: Journal;
  readonly respond: Pick<Respond, "outcome">;
  /** Commands under way, by id. */
  readonly running: Pick<ChurnMap<string, Cancellation>, "get">;
  readonly clock: Clock;
  readonly counters: Pick<Counters, "refuse">;
}

/** Cancels commands on the node that runs them: before they start, while they run, or before they come. */
export class Canceller {
  readonly #options: CancelOptions;

  constructor(options: CancelOptions) {
    this.#options = options;
  }

  cancel(id: string, by: string): CancelResult {
    const { config, journal, respond, running, clock, counters } = this.#options;
    const { inbox } = journal;
    const { central, node, limits } = config();
    const record = inbox.find(id);
    if (record === undefined) {
      if (inbox.done(id) !== undefined) return "tooLate";
      // Early cancels are kept for commands that may still come: a new one beyond the bound is refused, none is forgotten.
      if (inbox.earlyCancels >= limits.earlyCancels) {
        counters.refuse("early-cancel", { id, by });
        return "full";
      }
      inbox.cancelEarly(id, by);
      return "notYetHere";
    }
    if (by !== record.message.origin && by !== central && by !== node) return "refused";
    inbox.cancelRequested(id, by);
    const underWay = running.get(id);
    if (underWay !== undefined) underWay.request();
    else if (record.state === "received") {
      const reason = `${by} cancelled it before it started`;
      respond.outcome(record, { state: "cancelled", at: clock.now(), reason }, "");
    }
    return "done";
  }
}
