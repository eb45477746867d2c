import { Argument, type Command } from "commander";
import { EXIT, StewardError } from "../../../message/errors.ts";
import { command, type Runner } from "../../command.ts";
import { wholeNumber } from "../../input/options.ts";
import { alertTable, openAlertTable } from "../../render/alerts.ts";
import { counted } from "../../render/text.ts";

interface Options {
  readonly all?: boolean;
  readonly absolute?: boolean;
}

export function addAlerts(program: Command, run: Runner): void {
  command(program, "alerts", {
    summary: "list alerts: what went wrong and was not cleared",
    description: `List alerts: what went wrong, at which node, since when and how often. Central has the alerts of all nodes. Alerts are kept
across restarts. An alert is over once its cause is gone; --all lists those too. \`clear\` forgets an alert until it is raised
anew. What the rules of \`alerts:\` in steward.yaml have found stands below: since when, whether it was told, and to which
destinations. \`test\` sends a test to these destinations, or to those that are named: docs/alerts.md.`,
    examples: [
      ["steward alerts", "alerts whose cause is not known to be gone"],
      ["steward alerts --all", "those that are over too"],
      ["steward alerts clear 3 4", "forget alerts 3 and 4"],
      ["steward alerts clear all", "forget all alerts"],
      ["steward alerts test pager", "send a test to the destination pager"],
    ],
  })
    .addArgument(new Argument("[verb]", "clear: forget alerts; test: send a test").choices(["clear", "test"]))
    .argument("[number...]", "numbers in the column NO, or all; with test: names of destinations")
    .option("--all", "list those that are over too")
    .option("--absolute", "print times as ISO 8601")
    .action(
      run<Options>(async (cli, options, [verb, ...words]) => {
        const daemon = await cli.daemon();
        if (verb === "test") {
          const errands = await daemon.testAlert(words.length === 0 ? {} : { to: words });
          if (cli.json) cli.printJson(errands);
          else if (errands.length === 0) cli.note("no rule of `alerts:` names a destination");
          else
            cli.print(
              `a test is on its way to ${errands.map(({ to }) => to).join(", ")}; steward errands shows what waits`,
            );
          return EXIT.ok;
        }
        const alerts = await daemon.alerts();
        if (verb === undefined) {
          const shown = alerts.filter(({ state }) => options.all === true || state === "raised");
          const over = alerts.length - shown.length;
          if (cli.json) cli.printJson(shown);
          else if (shown.length === 0)
            cli.note(over === 0 ? "no alerts" : `no alerts; ${over} are over (steward alerts --all)`);
          else cli.print(...alertTable(shown, cli.times(options.absolute), cli.columns));
          const open = cli.json ? [] : await daemon.openAlerts();
          if (open.length > 0) cli.print("", ...openAlertTable(open, cli.times(options.absolute), cli.columns));
          return EXIT.ok;
        }
        if (words.length === 0)
          throw new StewardError("usage", {
            fault: "clear needs the numbers of alerts, or all: steward alerts clear 3 4",
            command: "alerts",
          });
        const numbers = words.includes("all")
          ? alerts.map(({ no }) => no)
          : words.map((word) => wholeNumber("clear", "alerts", word));
        for (const no of numbers) await daemon.clearAlert(no);
        if (cli.json) cli.printJson(numbers.map((no) => ({ no, done: "clear" })));
        else cli.print(`${counted(numbers.length, "alert")} cleared`);
        return EXIT.ok;
      }),
    );
}
