import type { Command } from "commander";
import { StewardError } from "../../../message/errors.ts";
import { command, type Runner, WORDS } from "../../command.ts";
import { processTable } from "../../render/fleet/nodes.ts";
import { supervisionLines } from "../../render/fleet/supervision.ts";
import { visible } from "../../render/text.ts";
import { withNodeSuggestion } from "../../suggest.ts";

interface Options {
  readonly absolute?: boolean;
  readonly tree?: boolean;
}

export function addPs(program: Command, run: Runner): void {
  command(program, "ps", {
    summary: "list the processes of this node, or of another one",
    description: `List the processes of this node, or of another one, which answers only while it is in reach. A process handles the messages
of one subject. ${WORDS} explains roles and states, and what to do about them.`,
    examples: [
      ["steward ps", "the processes of this node"],
      ["steward ps ship1", "the processes of ship1"],
      ["steward ps --tree", "the supervisors of this node, with their children and restarts"],
    ],
  })
    .argument("[node]", "name of another node")
    .option("--tree", "show the supervision tree of this node as it is, with the restarts of each child")
    .option("--absolute", "print times as ISO 8601")
    .action(
      run<Options>(async (cli, options, [node]) => {
        const daemon = await cli.daemon();
        if (options.tree === true) {
          if (node !== undefined)
            throw new StewardError("usage", { fault: "--tree shows this node alone", command: "ps" });
          const tree = await daemon.supervision();
          if (cli.json) cli.printJson(tree);
          else cli.print(...supervisionLines(tree, cli.times(options.absolute), cli.out));
          return undefined;
        }
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
