import { Argument, type Command } from "commander";
import { EXIT, StewardError } from "../../../message/errors.ts";
import { command, type Runner } from "../../command.ts";
import { wholeNumber } from "../../input/options.ts";
import { alertTable } from "../../render/alerts.ts";

interface Options {
  readonly all?: boolean;
  readonly absolute?: boolean;
}

export function addAlerts(program: Command, run: Runner): void {
  command(program, "alerts", {
    summary: "list what went wrong and was not cleared",
    description: `List alerts: what went wrong, since when and how often; at central of all nodes. They are kept across restarts.
One whose cause is gone is over, and listed with --all alone. \`clear\` forgets an alert until it is raised anew.`,
    examples: [
      ["steward alerts", "what is wrong now, and what nobody has looked at"],
      ["steward alerts --all", "and what is over"],
      ["steward alerts clear 3 4", "somebody has seen to these"],
      ["steward alerts clear all", "and to all others"],
    ],
  })
    .addArgument(new Argument("[verb]", "what to do with them").choices(["clear"]))
    .argument("[number...]", "which: numbers of the list, or all")
    .option("--all", "list those that are over too")
    .option("--absolute", "print times as ISO 8601")
    .action(
      run<Options>(async (cli, options, [verb, ...words]) => {
        const daemon = await cli.daemon();
        const alerts = await daemon.alerts();
        if (verb === undefined) {
          const shown = alerts.filter(({ state }) => options.all === true || state === "raised");
          const over = alerts.length - shown.length;
          if (cli.json) cli.printJson(shown);
          else if (shown.length === 0)
            cli.note(over === 0 ? "no alerts" : `no alerts; ${over} are over (steward alerts --all)`);
          else cli.print(...alertTable(shown, cli.times(options.absolute), cli.columns));
          return EXIT.ok;
        }
        if (words.length === 0)
          throw new StewardError("usage", { fault: "clear needs numbers of alerts, or all", command: "alerts" });
        const numbers = words.includes("all")
          ? alerts.map(({ no }) => no)
          : words.map((word) => wholeNumber("clear", "alerts", word));
        for (const no of numbers) await daemon.clearAlert(no);
        if (cli.json) cli.printJson(numbers.map((no) => ({ no, done: "clear" })));
        else cli.print(`${numbers.length} cleared`);
        return EXIT.ok;
      }),
    );
}
