import type { Command } from "commander";
import { StewardError } from "../../../message/errors.ts";
import { command, type Runner } from "../../command.ts";

export function addMachines(program: Command, run: Runner): void {
  command(program, "machines", {
    summary: "print the state machines as charts",
    description: "Print the state machines as Mermaid charts, generated from the machines that run.",
    examples: [
      ["steward machines", "all machines"],
      ["steward machines node > node.mmd", "the machine of a node, for a Mermaid viewer"],
    ],
  })
    .argument("[name]", "name of one machine")
    .action(
      run<object>(async (cli, _options, [name]) => {
        const all = await cli.reach.charts();
        const chosen = name === undefined ? all : all.filter((chart) => chart.name === name);
        if (chosen.length === 0) {
          const fault = `there is no machine ${JSON.stringify(name)}; there are ${all.map((chart) => chart.name).join(", ")}`;
          throw new StewardError("usage", { fault, command: "machines" });
        }
        if (cli.json) {
          cli.printJson(chosen);
          return undefined;
        }
        for (const [i, chart] of chosen.entries()) {
          // `%%` begins a comment in Mermaid.
          cli.print(...(i > 0 ? [""] : []), `%% ${chart.name}`, chart.mermaid.trimEnd());
        }
        return undefined;
      }),
    );
}
