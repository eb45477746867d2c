import type { Command } from "commander";
import { command, type Runner } from "../../command.ts";

export function addOpen(program: Command, run: Runner): void {
  command(program, "open", {
    summary: "print a link that opens the page in a browser",
    description: `Print a link that logs in at the page of this daemon: the fleet in a browser. The link is good once, for five minutes; whoever has
it can log in, so hand it to nobody. The login ends when its page was closed for as long as \`page.idle\` says, after
\`page.longest\` in any case, or with \`steward sessions end ID\`. It outlives a restart of the daemon.`,
    examples: [
      ["steward open", "a link for the browser on this machine"],
      ['xdg-open "$(steward open)"', "open the browser with it"],
    ],
  }).action(
    run<object>(async (cli) => {
      const link = await (await cli.daemon()).openPage();
      if (cli.json) cli.printJson(link);
      else {
        cli.print(link.url);
        const until = cli.times(false).at(link.expiresAt);
        cli.note(`  ${cli.err("dim", "→")} open it in a browser (good once, expires ${until})`);
      }
      return undefined;
    }),
  );
}
