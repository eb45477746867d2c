import type { Command } from "commander";
import { StewardError } from "../../../message/errors.ts";
import { command, type Runner, WORDS } from "../../command.ts";
import { duration } from "../../input/options.ts";
import { alertTable } from "../../render/alerts.ts";
import { historyLines } from "../../render/fleet/history.ts";
import { nodeLines } from "../../render/fleet/nodes.ts";
import { scheduleLines } from "../../render/fleet/schedules.ts";
import { visible } from "../../render/text.ts";
import { withNodeSuggestion } from "../../suggest.ts";

interface Options {
  readonly absolute?: boolean;
  readonly history?: string;
}

export function addNode(program: Command, run: Runner): void {
  command(program, "node", {
    summary: "show one node: its states, its lanes, its latest changes, its alerts",
    description: `Show one node: its states (link, session, work, trust, storage), the messages that wait in each of its lanes, its latest
changes, its alerts. ${WORDS} explains every word and state, and what to do about it.`,
    examples: [
      ["steward node ship1", "everything that is known of ship1"],
      ["steward node ship1 --history 7d", "when it was away in the last week"],
    ],
  })
    .argument("<node>", "name of the node")
    .option("--history <duration>", "show what its link was in so long until now, as a band")
    .option("--absolute", "print times as ISO 8601")
    .action(
      run<Options>(async (cli, options, [name = ""]) => {
        const daemon = await cli.daemon();
        if (options.history !== undefined) {
          const until = cli.io.clock.now();
          const since = Math.max(0, until - duration("--history", options.history));
          const history = await withNodeSuggestion(daemon, daemon.history({ node: name, since, until }));
          if (cli.json) cli.printJson(history);
          else if (history.nodes.length === 0)
            throw new StewardError("usage", {
              fault: `${visible(name)} has no history here: only central keeps it`,
              command: "node",
            });
          else cli.print(...historyLines(history, cli.times(options.absolute), cli.out, cli.columns));
          return undefined;
        }
        const node = await withNodeSuggestion(daemon, daemon.node(name));
        if (cli.json) cli.printJson(node);
        else {
          const times = cli.times(options.absolute);
          const alerts = (await daemon.alerts()).filter((alert) => alert.node === name && alert.state === "raised");
          const schedules = await daemon.schedules({ node: node.name }).catch(() => []);
          cli.print(...nodeLines(node, times, cli.out, cli.columns));
          if (schedules.length > 0) cli.print("", ...scheduleLines(schedules, times, cli.out, cli.columns));
          if (alerts.length > 0) cli.print("", ...alertTable(alerts, times, cli.columns));
        }
        return undefined;
      }),
    );
}
