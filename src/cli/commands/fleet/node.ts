import type { Command } from "commander";
import { command, type Runner, WORDS } from "../../command.ts";
import { alertTable } from "../../render/alerts.ts";
import { nodeLines } from "../../render/fleet/nodes.ts";
import { withNodeSuggestion } from "../../suggest.ts";

interface Options {
  readonly absolute?: boolean;
}

export function addNode(program: Command, run: Runner): void {
  command(program, "node", {
    summary: "show one node: its states, its lanes, its latest changes, its alerts",
    description: `Show one node: its states (link, session, work, trust, storage), the messages that wait in each of its lanes, its latest
changes, its alerts. ${WORDS} explains every word and state, and what to do about it.`,
    examples: [["steward node ship1", "everything that is known of ship1"]],
  })
    .argument("<node>", "name of the node")
    .option("--absolute", "print times as ISO 8601")
    .action(
      run<Options>(async (cli, options, [name = ""]) => {
        const daemon = await cli.daemon();
        const node = await withNodeSuggestion(daemon, daemon.node(name));
        if (cli.json) cli.printJson(node);
        else {
          const times = cli.times(options.absolute);
          const alerts = (await daemon.alerts()).filter((alert) => alert.node === name && alert.state === "raised");
          cli.print(...nodeLines(node, times, cli.out, cli.columns));
          if (alerts.length > 0) cli.print("", ...alertTable(alerts, times, cli.columns));
        }
        return undefined;
      }),
    );
}
