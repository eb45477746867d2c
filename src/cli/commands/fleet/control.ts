import type { Command } from "commander";
import type { ProcessVerb } from "../../../message/process-verb.ts";
import { command, type Runner } from "../../command.ts";
import { processState } from "../../render/states.ts";
import { visible } from "../../render/text.ts";
import { withNodeSuggestion, withSuggestion } from "../../suggest.ts";

const VERBS: readonly (readonly [ProcessVerb, string])[] = [
  ["start", "start a process that was stopped"],
  ["stop", "stop a process; its messages wait in the journal"],
  ["restart", "stop a process and start it again"],
  ["revive", "start a quarantined process, with its failures forgotten"],
];

export function addControl(program: Command, run: Runner): void {
  for (const [verb, summary] of VERBS) {
    command(program, verb, {
      summary,
      examples: [
        [`steward ${verb} ship1 ship1.command.shellcommand.nginx`, "the process of one subject on ship1"],
        [`steward ${verb} ship1 command.shellcommand.nginx`, "the same: the node's own subjects need no name"],
      ],
    })
      .argument("<node>", "the node on which the process runs")
      .argument("<subject>", "the subject of the process; `steward ps NODE` lists them")
      .action(
        run<object>(async (cli, _options, [node = "", text = ""]) => {
          const subject = /^(command|event)\.[^.]+\.[^.]+$/.test(text) ? `${node}.${text}` : text;
          const daemon = await cli.daemon();
          const subjects = (): Promise<string[]> =>
            daemon.processes({ node }).then((list) => list.processes.map((process) => process.subject));
          const asked = withSuggestion(daemon.control(node, subject, verb), "process-unknown", "subject", subjects);
          const process = await withNodeSuggestion(daemon, asked);
          if (cli.json) cli.printJson(process);
          else cli.print(`${visible(node)} ${visible(process.subject)} ${processState(process.state, cli.out)}`);
          return undefined;
        }),
      );
  }
}
