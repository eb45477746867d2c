import type { Command } from "commander";
import { command, type Runner } from "../../command.ts";
import { factChangeLines, factLines } from "../../render/fleet/labels.ts";
import { withNodeSuggestion } from "../../suggest.ts";

interface Options {
  readonly diff?: boolean;
  readonly absolute?: boolean;
}

export function addFacts(program: Command, run: Runner): void {
  command(program, "facts", {
    summary: "show the facts of a node: system, disks, addresses, facts of its own",
    description: `Show the facts of a node, and since when each is so. A node tells a fact when it changes, numbers that move all the time
in steps; what changed since the last sign of life is not known yet. \`facts:\` in steward.yaml adds facts of your own, and
targets choose nodes by them: docs/targets.md lists the keys.`,
    examples: [
      ["steward facts ship1", "all facts of ship1"],
      ["steward facts ship1 --diff", "what changed, with times"],
      ["steward nodes --columns os,os.version,uptime", "some facts of all nodes"],
    ],
  })
    .argument("<node>", "name of the node")
    .option("--diff", "what changed, the newest last")
    .option("--absolute", "print times as ISO 8601")
    .action(
      run<Options>(async (cli, options, [name = ""]) => {
        const daemon = await cli.daemon();
        const facts = await withNodeSuggestion(daemon, daemon.facts(name));
        const times = cli.times(options.absolute);
        if (cli.json) cli.printJson(options.diff === true ? facts.changes : facts);
        else cli.print(...(options.diff === true ? factChangeLines : factLines)(facts, times, cli.columns));
        return undefined;
      }),
    );
}
