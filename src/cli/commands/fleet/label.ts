import type { Command } from "commander";
import { command, type Runner } from "../../command.ts";
import { insistMeant } from "../../follow/meant.ts";
import { labelWords } from "../../input/label-words.ts";
import { labelLines } from "../../render/fleet/labels.ts";
import { withNodeSuggestion } from "../../suggest.ts";

interface Options {
  readonly yes?: boolean;
  readonly absolute?: boolean;
}

export function addLabel(program: Command, run: Runner): void {
  command(program, "label", {
    summary: "give labels to nodes, take them back, or show them",
    description: `Give labels to nodes, or take back what was given. \`key=value\` gives a label, \`key-\` takes it back; without either, the
labels are shown with whose word each is. A node has labels of its own too, under \`labels:\` in its steward.yaml; what is given at
central counts before them. Labels are given at central. Targets choose nodes by them: docs/targets.md.`,
    examples: [
      ["steward label ship1 class=tanker site=rotterdam", "two labels for ship1"],
      ["steward label 'ship*' fleet=north", "one for all nodes whose names begin so"],
      ["steward label ship1 class-", "take one back"],
      ["steward label ship1", "the labels of ship1"],
    ],
  })
    .argument("<target>", "node, several with commas between them, group, or expression")
    .argument("[labels...]", "key=value, or key- to take back")
    .option("--yes", "give them to all nodes of the target without a question")
    .option("--absolute", "print times as ISO 8601")
    .action(
      run<Options>(async (cli, options, [target = "", ...words]) => {
        const labels = labelWords(words);
        const daemon = await cli.daemon();
        const meant = await withNodeSuggestion(daemon, daemon.resolve({ to: target }));
        const { nodes } = meant;
        const gives = words.length > 0;
        if (gives) await insistMeant(cli, meant, options.yes === true);
        const views = gives
          ? await daemon.label({ to: nodes.join(","), labels, most: nodes.length })
          : await Promise.all(nodes.map((node) => daemon.labels(node)));
        if (cli.json) cli.printJson(views);
        else cli.print(...labelLines(views, cli.times(options.absolute), cli.columns));
        return undefined;
      }),
    );
}
