import type { Config } from "../../config/config.ts";
import type { Journal } from "../../journal/journal.ts";
import type { Clock } from "../../message/clock.ts";
import type { Counters } from "../../observe/metrics/counters.ts";
import type { ChurnMap } from "../../platform/churn-map.ts";
import type { CancelResult } from "./cancel-method.ts";
import type { Cancellation } from "./cancellation.ts";
import type { Respond } from "./respond.ts";

/** Ends a command on the node that has it: before it starts, while it runs, or when it comes. */
export function cancelHere(
  id: string,
  by: string,
  on: {
    journal: Journal;
    respond: Respond;
    running: Pick<ChurnMap<string, Cancellation>, "get">;
    config: () => Config;
    clock: Clock;
    counters: Pick<Counters, "refuse">;
  },
): CancelResult {
  const { inbox } = on.journal;
  const record = inbox.find(id);
  if (record === undefined) {
    if (inbox.done(id) !== undefined) return "tooLate";
    // What is kept is owed to commands that may come: a new one is refused, and none of them is forgotten for it.
    if (inbox.earlyCancels >= on.config().limits.earlyCancels) {
      on.counters.refuse("early-cancel", { id, by });
      return "full";
    }
    inbox.cancelEarly(id, by);
    return "notYetHere";
  }
  const { central, node } = on.config();
  if (by !== record.message.origin && by !== central && by !== node) return "refused";
  inbox.cancelRequested(id, by);
  const underWay = on.running.get(id);
  if (underWay !== undefined) underWay.request();
  else if (record.state === "received") {
    on.respond.outcome(
      record,
      { state: "cancelled", at: on.clock.now(), reason: `${by} cancelled it before it started` },
      "",
    );
  }
  return "done";
}
