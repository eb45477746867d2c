import type { LinkState } from "../../actors/node.ts";
import { EXIT } from "../../message/errors.ts";
import type { Happening } from "../../message/happening.ts";
import { isFinal, type State } from "../../message/lifecycle.ts";
import type { Outcome } from "../../message/report.ts";
import { parseSubject } from "../../message/subject.ts";
import type { MessageDetail } from "../../runtime/operate/table/messages.ts";
import type { OutputPrinter } from "../render/output.ts";

/** A message that the command line waits for, as far as it is known by now. */
export interface Tracked {
  readonly id: string;
  readonly subject: string;
  readonly node: string;
  readonly printer: OutputPrinter;
  /** The message is for the daemon that is asked itself: it waits for no link and no broker. */
  readonly here: boolean;
  state: State;
  /** True once its node said that it began. */
  began: boolean;
  final: boolean;
  /** Time of the last assertion; an answer that an event has overtaken is older. */
  since: number;
  deliverBy: number | null;
  reason?: string;
  outcome?: Outcome;
  /** The message has to be read again: an event told of more than it carried. */
  stale: boolean;
}

export function takeEvent(tracked: Tracked, happening: Extract<Happening, { type: "message" | "output" }>): void {
  if (happening.type === "output") {
    if (!tracked.printer.take(happening.parts, false)) tracked.stale = true;
    return;
  }
  if (tracked.final) return;
  tracked.began ||= happening.state === "running";
  tracked.state = happening.state;
  tracked.final = isFinal(parseSubject(tracked.subject).kind, happening.state);
  tracked.since = happening.at;
  if (happening.reason === undefined) delete tracked.reason;
  else tracked.reason = happening.reason;
  if (happening.outcome !== undefined && !tracked.printer.take(happening.outcome.output ?? [], false))
    tracked.stale = true;
  if (!tracked.final) return;
  if (happening.outcome !== undefined) tracked.outcome = happening.outcome;
  // One more reading at the end fills every gap that the events left.
  tracked.stale = true;
}

/** The daemon's own record. Reports come in order, so a gap in its output is a piece that the node did not keep. */
export function takeDetail(tracked: Tracked, detail: MessageDetail): void {
  tracked.printer.take(detail.output, true);
  tracked.deliverBy = detail.deliverBy;
  tracked.began ||= detail.history.some(({ state }) => state === "running");
  if (detail.outcome !== undefined) {
    tracked.printer.take(detail.outcome.output ?? [], true);
    tracked.printer.finish(detail.outcome.totals);
    tracked.outcome = detail.outcome;
  }
  if ((tracked.final && !detail.final) || (!detail.final && detail.since < tracked.since)) return;
  tracked.state = detail.state;
  tracked.final = detail.final;
  tracked.since = detail.since;
  if (detail.reason === undefined) delete tracked.reason;
  else tracked.reason = detail.reason;
}

export function inReach(link: LinkState | undefined): boolean {
  return link === "online" || link === "late";
}

const FAILED: ReadonlySet<State> = new Set<State>(["failed", "timedOut", "rejected", "interrupted"]);

/** One exit code for all messages: a failure outweighs an undelivered message, that outweighs a cancelled one. */
export function exitCode(all: Iterable<Pick<Tracked, "state" | "final">>): number {
  let code: number = EXIT.ok;
  for (const { state, final } of all) {
    if (FAILED.has(state)) return EXIT.someFailed;
    if (!final || state === "expired") code = EXIT.notDelivered;
    else if (state === "cancelled" && code === EXIT.ok) code = EXIT.cancelled;
  }
  return code;
}
