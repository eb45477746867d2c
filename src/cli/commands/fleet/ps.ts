import type { Command } from "commander";
import { command, type Runner } from "../../command.ts";
import { processTable } from "../../render/nodes.ts";
import { visible } from "../../render/text.ts";
import { withNodeSuggestion } from "../../suggest.ts";

interface Options {
  readonly absolute?: boolean;
}

export function addPs(program: Command, run: Runner): void {
  command(program, "ps", {
    summary: "list the processes of this node, or of another one",
    description:
      "List the processes of this node, or ask another one for its own. It answers only while it is in reach. docs/words.md explains the states.",
    examples: [
      ["steward ps", "here"],
      ["steward ps ship1", "on ship1"],
    ],
  })
    .argument("[node]", "another node")
    .option("--absolute", "print times as ISO 8601")
    .action(
      run<Options>(async (cli, options, [node]) => {
        const daemon = await cli.daemon();
        const list = await withNodeSuggestion(daemon, daemon.processes(node === undefined ? {} : { node }));
        if (cli.json) {
          cli.printJson(list);
          return undefined;
        }
        const times = cli.times(options.absolute);
        if (list.processes.length === 0) cli.note(`${visible(list.node)} has no processes`);
        else cli.print(...processTable(list.processes, times, cli.out, cli.columns));
        cli.note(cli.err("dim", `${visible(list.node)}, as of ${times.at(list.asOf)}`));
        return undefined;
      }),
    );
}
