import { EXIT } from "../../message/errors.ts";
import type { State } from "../../message/lifecycle.ts";
import { bytes, span, took } from "../../message/text/figures.ts";
import type { Cli } from "../cli.ts";
import { beyondCode } from "../render/messages.ts";
import { linkWord, messageState, messageSymbol, messageWord } from "../render/states.ts";
import { table } from "../render/table.ts";
import { visible } from "../render/text.ts";
import type { Ending, Follower } from "./follower.ts";
import { exitCode, inReach, type Tracked } from "./tracked.ts";

/** Prints the end of the waiting: a line for each message, the counts, what to do next. Answers the exit code. */
export function reportEnd(cli: Cli, follower: Follower, ending: Ending): number {
  const all = [...follower.tracked.values()];
  // A file shows no marker where output is missing: the exit code tells.
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
  for (const one of cut) for (const line of missing(one)) cli.note(cli.err("yellow", `! ${line}`));
  const hint = (line: string): void => cli.note(`  ${cli.err("dim", "→")} ${line}`);
  for (const [state, remedy] of REMEDIES) if (all.some((t) => t.state === state)) hint(remedy);
  const open = all.filter((t) => !t.final);
  if (open.length > 0) comeBack(cli, open, ending, hint);
  return exit;
}

/** Says which output of a command is missing, and why: its node kept no more, or what it kept never came here. */
function missing({ node, printer, outcome }: Tracked): string[] {
  const name = visible(node);
  const { totals } = outcome ?? {};
  const cut =
    totals === undefined
      ? printer.missing
      : [totals.stdout, totals.stderr].reduce((sum, { bytes: all, kept }) => sum + Math.max(0, all - kept), 0);
  const limited = Math.min(cut, printer.missing);
  const lost = printer.missing - limited;
  const above = (count: number): string => `${bytes(count)} of the output of ${name} are missing above`;
  return [
    ...(limited === 0 ? [] : [`${above(limited)}: ${name} keeps no more (its limits.outputBytes)`]),
    ...(lost === 0 ? [] : [`${above(lost)}: ${name} sent them, and they are not in the journal here`]),
  ];
}

/** Final states after which an operator has something to do. */
const REMEDIES: readonly (readonly [State, string])[] = [
  ["rejected", "rejected: correct what the reason names, then send it again; nothing has run"],
  ["interrupted", "interrupted: it may have run; look at the node before you send it again"],
  ["expired", "expired: it has not run; send it again with a longer --deliver-by"],
];

/** Tells how to find the open messages again. */
function comeBack(cli: Cli, open: readonly Tracked[], ending: Ending, hint: (line: string) => void): void {
  if (ending === "detached")
    cli.note(
      `detached: ${open.length === 1 ? "the message goes" : `${open.length} messages go`} on without this terminal`,
    );
  if (ending === "timeOver") cli.note("the time of --wait is over; open messages go on");
  if (ending === "noBroker") cli.note("the daemon has no broker and cannot hear any node; open messages go on");
  const ids = open
    .slice(0, 3)
    .map((t) => t.id)
    .join(" ");
  hint(`come back with: steward message ${ids} --follow`);
  hint(
    open.length > 3 ? "list all open messages with: steward messages --open" : `take back with: steward cancel ${ids}`,
  );
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
  const { state, final, deliverBy, began, outcome, here } = tracked;
  const reason = beyondCode({ ...outcome, ...tracked });
  const said: string[] = [];
  const link = follower.links.get(tracked.node);
  const node = visible(tracked.node);
  if (final || here || link === undefined || inReach(link.state)) {
    if (reason !== undefined) said.push(visible(reason));
  } else {
    // The reason that the daemon gives says the same in other words.
    said.push(reach(link, now));
    if (state === "sent") said.push(`${node} may not have the message yet`);
    if (state === "unknown")
      said.push(
        `${began ? `the command began on ${node}` : `${node} has the command`}; its outcome comes when ${node} is back`,
      );
  }
  if (!final && deliverBy !== null && (state === "queued" || state === "sent"))
    said.push(`may wait ${span(Math.max(0, deliverBy - now))} more`);
  return said.join("; ");
}

function reach(link: { state: Parameters<typeof linkWord>[0]; since: number }, now: number): string {
  return link.state === "neverSeen"
    ? linkWord(link.state)
    : `${linkWord(link.state)} since ${span(Math.max(0, now - link.since))}`;
}
