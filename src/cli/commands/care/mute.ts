import type { Command } from "commander";
import { command, type Runner } from "../../command.ts";
import { insistMeant } from "../../follow/meant.ts";
import { momentOrNever } from "../../input/moments.ts";
import { muteLines } from "../../render/fleet/holds.ts";
import { counted, visible } from "../../render/text.ts";
import { withNodeSuggestion } from "../../suggest.ts";

interface Options {
  readonly yes?: boolean;
  readonly absolute?: boolean;
}

export function addMute(program: Command, run: Runner): void {
  command(program, "mute", {
    summary: "let no rule of `alerts:` tell of nodes for a time, or list what is muted",
    description: `Mute nodes: what the rules of \`alerts:\` find of them is shown by \`steward alerts\`, and told to no destination. What still
holds when the mute is over is told then. Without a target the muted nodes are listed. Alerts are told at central: docs/alerts.md.`,
    examples: [
      ['steward mute ship1 2d "dry dock"', "for two days"],
      ['steward mute class=tanker "tomorrow 06:00"', "all tankers, until then"],
      ["steward mute", "list the muted nodes"],
    ],
  })
    .argument("[target]", "node, several with commas between them, group, or expression")
    .argument("[time]", 'how long or until when: 2d, "tomorrow 06:00"; absent, or never: until `steward unmute`')
    .argument("[note]", "why, for others who look")
    .option("--yes", "mute all nodes of the target without a question")
    .option("--absolute", "print times as ISO 8601")
    .action(
      run<Options>(async (cli, options, [to, time, note]) => {
        const daemon = await cli.daemon();
        const endsAt = time === undefined ? undefined : momentOrNever("the time", "mute", time, cli.io.clock.now());
        const views = to === undefined ? await daemon.mutes() : await withNodeSuggestion(daemon, muteAll(to));
        if (cli.json) cli.printJson(views);
        else if (views.length === 0) cli.note("no node is muted");
        else cli.print(...muteLines(views, cli.times(options.absolute), cli.columns));
        return undefined;

        async function muteAll(target: string) {
          const meant = await daemon.resolve({ to: target });
          await insistMeant(cli, meant, options.yes === true);
          return daemon.mute({
            to: meant.nodes.join(","),
            most: meant.nodes.length,
            ...(endsAt === undefined ? {} : { endsAt }),
            ...(note === undefined ? {} : { note }),
          });
        }
      }),
    );
  command(program, "unmute", {
    summary: "let the rules of `alerts:` tell of nodes again",
    examples: [["steward unmute ship1", "what is wrong with ship1 is told again"]],
  })
    .argument("<target>", "node, several with commas between them, group, or expression")
    .action(
      run<object>(async (cli, _options, [target = ""]) => {
        const daemon = await cli.daemon();
        const nodes = await withNodeSuggestion(daemon, daemon.unmute({ to: target }));
        if (cli.json) cli.printJson(nodes);
        else if (nodes.length === 0) cli.note(`no node of ${visible(target)} was muted`);
        else cli.print(`${counted(nodes.length, "node")} unmuted: ${nodes.map(visible).join(", ")}`);
        return undefined;
      }),
    );
}
