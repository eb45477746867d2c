import type { Command } from "commander";
import { command, type Runner } from "../../command.ts";
import { visible } from "../../render/text.ts";

export function addReload(program: Command, run: Runner): void {
  command(program, "reload", {
    summary: "make the daemon read its configuration again",
    description: `Make the daemon read its configuration again: it checks the file, then restarts only the processes that the change touches. A
file with faults changes nothing. The daemon does the same at SIGHUP, and when the file changes.`,
    examples: [["steward reload", "after steward.yaml was changed"]],
  }).action(
    run<object>(async (cli) => {
      const answer = await (await cli.daemon()).reload();
      if (cli.json) {
        cli.printJson(answer);
        return undefined;
      }
      cli.print(...answer.changes.map(visible));
      if (answer.changes.length === 0 && answer.needRestart.length === 0)
        cli.print("the configuration has not changed");
      for (const change of answer.needRestart)
        cli.print(`${cli.out("yellow", "! needs a restart of the daemon:")} ${visible(change)}`);
      return undefined;
    }),
  );
}
