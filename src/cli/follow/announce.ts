import { span } from "../../message/text/figures.ts";
import type { Accepted } from "../../runtime/operate/table/messages.ts";
import type { Cli } from "../cli.ts";
import type { Daemon } from "../daemon.ts";
import { linkState } from "../render/states.ts";
import { visible } from "../render/text.ts";
import { isoTime } from "../render/time.ts";
import { inReach } from "./tracked.ts";

/** Prints each accepted message: its id first, its node, and how soon that can be expected to take it. */
export function announce(cli: Cli, accepted: readonly Accepted[], to: "stdout" | "stderr" = "stderr"): void {
  if (cli.json) {
    for (const one of accepted) cli.printJsonLine({ type: "accepted", ...one });
    return;
  }
  const say = (line: string): void => (to === "stdout" ? cli.print(line) : cli.note(line));
  if (accepted.length > 1 && to === "stderr") {
    const near = accepted.filter((one) => inReach(one.link)).length;
    say(`${accepted.length} messages: ${near} for nodes in reach, ${accepted.length - near} for nodes out of reach`);
  }
  const now = cli.io.clock.now();
  for (const { id, node, link, linkSince, deliverBy, blocked } of accepted) {
    const shown = linkState(link, to === "stdout" ? cli.out : cli.err);
    const isNew = linkSince === null || link === "neverSeen" || link === "online";
    const age = isNew ? "" : ` since ${span(Math.max(0, now - linkSince))}`;
    const why = blocked === undefined ? "" : `: no message goes to ${visible(node)} now: ${visible(blocked)}`;
    const outlook = inReach(link) ? why : `${why}: queued, ${patience(deliverBy, now)}`;
    say(`${id}  ${visible(node)}  ${shown}${age}${outlook}`);
  }
}

/** Says what messages wait for that are not on their way. */
export function announceHeld(cli: Cli, accepted: readonly Accepted[]): void {
  const [first] = accepted.filter(({ held }) => held !== undefined);
  if (first === undefined) return;
  const rest = accepted.length > 1 ? ` and ${accepted.length - 1} more` : "";
  cli.note(cli.err("yellow", `! not sent: ${first.id}${rest} ${visible(first.held ?? "")}`));
  cli.note(`  ${cli.err("dim", "→")} steward approve ${first.id}`);
}

function patience(deliverBy: number | null, now: number): string {
  return deliverBy === null
    ? "waits without limit"
    : `waits until ${isoTime(deliverBy)} (${span(Math.max(0, deliverBy - now))})`;
}

/** Answers whether the daemon was connected to a broker as it took these, and prints a warning where it was not. */
export async function noteBroker(cli: Cli, daemon: Daemon, accepted: readonly Accepted[]): Promise<boolean> {
  if (accepted.every(({ broker }) => broker === undefined)) return true;
  const { broker } = await daemon.health();
  if (broker.state === "connected") return true;
  const fault = broker.fault === undefined ? "" : `: ${visible(broker.fault)}`;
  const since = span(Math.max(0, cli.io.clock.now() - broker.since));
  cli.note(
    cli.err(
      "yellow",
      `! the daemon has no connection to a broker since ${since} (${broker.state}${fault}); messages stay queued until it has one`,
    ),
  );
  return false;
}
