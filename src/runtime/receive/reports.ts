import type { Journal } from "../../journal/journal.ts";
import type { Clock } from "../../message/clock.ts";
import { StewardError } from "../../message/errors.ts";
import { isFinalState } from "../../message/lifecycle.ts";
import { type Report, readReport } from "../../message/report.ts";
import type { Failures } from "../../observe/alerting/failures.ts";
import type { Announcer } from "../../observe/announce.ts";
import type { Counters } from "../../observe/metrics/counters.ts";
import type { Fleet } from "../fleet/fleet.ts";

/** Folds the reports of nodes into the records of this node's commands, and announces them. */
export interface ReportsOptions {
  readonly journal: Journal;
  readonly fleet: Pick<Fleet, "work">;
  readonly announce: Announcer;
  readonly failures: Pick<Failures, "report">;
  readonly counters: Counters;
  readonly clock: Clock;
}

export class Reports {
  readonly #options: ReportsOptions;

  constructor(options: ReportsOptions) {
    this.#options = options;
  }

  /**
   * Returns true if the command is one of this node's. `told` gets the announcements to make once the record is durable.
   * @throws StewardError `data-invalid`, `report-unsent`
   */
  fold(id: string, from: string, claimed: Report, told: (() => void)[]): boolean {
    const { journal, fleet, announce, failures, counters, clock } = this.#options;
    const report = readReport(claimed);
    const folded = journal.outbox.report(id, from, report, clock.now());
    if (folded === undefined) {
      if (journal.outbox.isUnsent(id)) throw new StewardError("report-unsent", { id, node: from });
      return false;
    }
    const { record, changed, conflict } = folded;
    const { output } = report;
    if (output !== undefined) told.push(() => announce.output(record.message, output));
    if (conflict) failures.report("conflict", `${from} reported a second, different end of ${id}: ${report.state}`);
    if (!changed) return true;
    const reason = "reason" in report ? report.reason : undefined;
    if (isFinalState(report.state)) {
      announce.count(record, report.state, from, reason);
      if ("startedAt" in report && report.startedAt !== undefined)
        counters.runSeconds.observe(Math.max(0, report.at - report.startedAt) / 1000);
      fleet.work(from, journal.outbox.openCount(from));
      const { state } = report;
      told.push(() => announce.tell(record, state, from, reason));
    } else told.push(() => announce.tell(record, "running", from));
    return true;
  }
}
