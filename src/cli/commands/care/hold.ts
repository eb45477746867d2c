import type { Command } from "commander";
import { command, type Runner } from "../../command.ts";
import { insistMeant } from "../../follow/meant.ts";
import { momentOrNever } from "../../input/moments.ts";
import { holdLines } from "../../render/fleet/holds.ts";
import { counted, visible } from "../../render/text.ts";
import { withNodeSuggestion } from "../../suggest.ts";

interface Options {
  readonly until?: string;
  readonly note?: string;
  readonly yes?: boolean;
  readonly absolute?: boolean;
}

export function addHold(program: Command, run: Runner): void {
  command(program, "hold", {
    summary: "hold delivery to nodes for maintenance, or list what is held",
    description: `Hold delivery to nodes while somebody works on them. Messages for them wait at central as \`held\`, and none fails for it;
deadlines still count, and a message whose deadline passes meanwhile expires. Commands that a node has already go on. Messages of
steward itself (cancel, trust) pass. A hold ends at the time of --until, else with \`steward unhold\`. Without a target the holds are
listed. Nodes are held at central: docs/maintenance.md.`,
    examples: [
      ['steward hold ship1 --until "tomorrow 06:00"', "nothing goes to ship1 until then"],
      ['steward hold class=tanker --note "dry dock"', "all tankers, until they are released"],
      ["steward hold", "list the nodes that are held"],
    ],
  })
    .argument("[target]", "node, several with commas between them, group, or expression")
    .option(
      "--until <time>",
      'end of the hold: "tomorrow 06:00", "2026-12-01 06:00", 4h; absent, or never: until it is released',
    )
    .option("--note <text>", "why, for others who look")
    .option("--yes", "hold all nodes of the target without a question")
    .option("--absolute", "print times as ISO 8601")
    .action(
      run<Options>(async (cli, options, [target]) => {
        const daemon = await cli.daemon();
        const { until, note } = options;
        const now = cli.io.clock.now();
        const endsAt = until === undefined ? undefined : momentOrNever("--until", "hold", until, now);
        const views =
          target === undefined
            ? await daemon.holds()
            : await withNodeSuggestion(daemon, holdAll(target, options.yes === true));
        if (cli.json) cli.printJson(views);
        else if (views.length === 0) cli.note("no node is held");
        else cli.print(...holdLines(views, cli.times(options.absolute), cli.columns));
        return undefined;

        async function holdAll(to: string, yes: boolean) {
          const meant = await daemon.resolve({ to });
          await insistMeant(cli, meant, yes);
          return daemon.hold({
            to: meant.nodes.join(","),
            most: meant.nodes.length,
            ...(endsAt === undefined ? {} : { endsAt }),
            ...(note === undefined ? {} : { note }),
          });
        }
      }),
    );
  command(program, "unhold", {
    summary: "deliver to nodes again that were held for maintenance",
    examples: [["steward unhold ship1", "what waits for ship1 is sent"]],
  })
    .argument("<target>", "node, several with commas between them, group, or expression")
    .action(
      run<object>(async (cli, _options, [target = ""]) => {
        const daemon = await cli.daemon();
        const nodes = await withNodeSuggestion(daemon, daemon.unhold({ to: target }));
        if (cli.json) cli.printJson(nodes);
        else if (nodes.length === 0) cli.note(`no node of ${visible(target)} was held`);
        else cli.print(`${counted(nodes.length, "node")} released: ${nodes.map(visible).join(", ")}`);
        return undefined;
      }),
    );
}
