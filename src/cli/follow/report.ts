import { EXIT } from "../../message/errors.ts";
import type { State } from "../../message/lifecycle.ts";
import type { Cli } from "../cli.ts";
import { linkWord, messageState, messageSymbol, messageWord } from "../render/states.ts";
import { table } from "../render/table.ts";
import { visible } from "../render/text.ts";
import { bytes, span, took } from "../render/time.ts";
import type { Ending, Follower } from "./follower.ts";
import { exitCode, inReach, type Tracked } from "./tracked.ts";

/** What is said when the waiting is over: a line for each node, the counts, how to come back. Answers the exit code. */
export function reportEnd(cli: Cli, follower: Follower, ending: Ending): number {
  const all = [...follower.tracked.values()];
  // Whoever reads a file later sees no marker on a terminal: the exit code has to say that something is missing there.
  const cut = cli.json || cli.io.stdout.isTTY === true ? [] : all.filter(({ printer }) => printer.missing > 0);
  const worst = exitCode(all);
  const exit = cut.length > 0 && worst === EXIT.ok ? EXIT.someFailed : worst;
  if (cli.json) {
    for (const { id, node, subject, state, final, since, deliverBy, reason, outcome } of all) {
      cli.printJsonLine({ type: "end", id, node, subject, state, final, since, deliverBy, reason, outcome });
    }
    cli.printJsonLine({ type: "summary", ending, counts: Object.fromEntries(counts(all)), exit });
    return exit;
  }
  const now = cli.io.clock.now();
  const lines = table(all, [
    { title: "", cell: (t) => messageSymbol(t.state, cli.err) },
    { title: "", cell: (t) => visible(t.node) },
    { title: "", cell: (t) => messageWord(t.state) },
    { title: "", cell: (t) => ended(t) },
    { title: "", cell: (t) => duration(t) },
    { title: "", cell: (t) => why(t, follower, now) },
  ]);
  for (const line of lines.slice(1)) cli.note(line);
  if (all.length > 1) {
    const parts = [...counts(all)].map(([state, count]) => messageState(state, cli.err).replace(" ", ` ${count} `));
    cli.note(`${all.length} messages: ${parts.join(", ")}`);
  }
  for (const { node, printer } of cut) {
    const text = `! ${bytes(printer.missing)} of the output of ${visible(node)} are missing above: it keeps no more (limits.outputBytes there)`;
    cli.note(cli.err("yellow", text));
  }
  comeBack(
    cli,
    all.filter((t) => !t.final),
    ending,
  );
  return exit;
}

/** How to find the open ones again. */
function comeBack(cli: Cli, open: readonly Tracked[], ending: Ending): void {
  if (open.length === 0) return;
  if (ending === "detached")
    cli.note(
      `detached: ${open.length === 1 ? "the message goes" : `${open.length} messages go`} on without this terminal`,
    );
  if (ending === "timeOver") cli.note("the time to wait is over; what is open goes on");
  if (ending === "noBroker") cli.note("without a broker nothing is heard of any node; what is open goes on");
  const ids = open
    .slice(0, 3)
    .map((t) => t.id)
    .join(" ");
  cli.note(`  ${cli.err("dim", "→")} come back with: steward message ${ids} --follow`);
  if (open.length > 3) cli.note(`  ${cli.err("dim", "→")} list all that is open with: steward messages --open`);
  if (open.length <= 3) cli.note(`  ${cli.err("dim", "→")} take back with: steward cancel ${ids}`);
}

function counts(all: readonly Tracked[]): Map<State, number> {
  const found = new Map<State, number>();
  for (const { state } of all) found.set(state, (found.get(state) ?? 0) + 1);
  return found;
}

function ended({ outcome }: Tracked): string {
  if (outcome?.signal !== undefined) return visible(outcome.signal);
  return outcome?.code === undefined ? "" : `exit ${outcome.code}`;
}

function duration({ outcome }: Tracked): string {
  return outcome?.startedAt === undefined ? "" : took(outcome.at - outcome.startedAt);
}

function why(tracked: Tracked, follower: Follower, now: number): string {
  const reason = tracked.reason ?? tracked.outcome?.reason;
  const said: string[] = [];
  const link = follower.links.get(tracked.node);
  const node = visible(tracked.node);
  if (tracked.final || link === undefined || inReach(link.state)) {
    if (reason !== undefined) said.push(visible(reason));
  } else {
    // In words of its own, for what the daemon gives as the reason says the same once more.
    said.push(reach(link, now));
    if (tracked.state === "sent") said.push(`whether ${node} has it is not known`);
    if (tracked.state === "unknown")
      said.push(`it ${tracked.began ? "began" : "is"} there, and what became of it is told when ${node} is back`);
  }
  if (!tracked.final && tracked.deliverBy !== null && (tracked.state === "queued" || tracked.state === "sent")) {
    said.push(`may wait ${span(Math.max(0, tracked.deliverBy - now))} more`);
  }
  return said.join("; ");
}

function reach(link: { state: Parameters<typeof linkWord>[0]; since: number }, now: number): string {
  return link.state === "neverSeen"
    ? linkWord(link.state)
    : `${linkWord(link.state)} since ${span(Math.max(0, now - link.since))}`;
}
