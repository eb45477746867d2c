import type { Command } from "commander";
import { StewardError } from "../../../message/errors.ts";
import type { ProcessList } from "../../../runtime/operate/table/processes.ts";
import type { Cli } from "../../cli.ts";
import { command, type Runner, WORDS } from "../../command.ts";
import type { Daemon } from "../../daemon.ts";
import { processTable, transitionTable } from "../../render/fleet/processes.ts";
import { supervisionLines } from "../../render/fleet/supervision.ts";
import { visible } from "../../render/text.ts";
import type { Times } from "../../render/time.ts";
import { withNodeSuggestion, withSuggestion } from "../../suggest.ts";

interface Options {
  readonly absolute?: boolean;
  readonly tree?: boolean;
}

export function addPs(program: Command, run: Runner): void {
  command(program, "ps", {
    summary: "list the processes of this node, or of another one",
    description: `List the processes of this node, or of another one, which answers only while it is in reach. A process handles the messages
of one subject. With a subject: that process alone, and its last changes of state as far as its node remembers them.
${WORDS} explains roles and states, and what to do about them.`,
    examples: [
      ["steward ps", "the processes of this node"],
      ["steward ps ship1", "the processes of ship1"],
      ["steward ps ship1 command.shellcommand.nginx", "one process of ship1 with its last changes of state"],
      ["steward ps --tree", "the supervisors of this node, with their children and restarts"],
    ],
  })
    .argument("[node]", "name of another node")
    .argument("[subject]", "one process, by its subject; the node's own subjects need no name")
    .option("--tree", "show the supervision tree of this node as it is, with the restarts of each child")
    .option("--absolute", "print times as ISO 8601")
    .action(
      run<Options>(async (cli, options, [node, subject]) => {
        const daemon = await cli.daemon();
        if (options.tree === true) {
          if (node !== undefined)
            throw new StewardError("usage", { fault: "--tree shows this node alone", command: "ps" });
          const tree = await daemon.supervision();
          if (cli.json) cli.printJson(tree);
          else cli.print(...supervisionLines(tree, cli.times(options.absolute), cli.out));
          return undefined;
        }
        const list = await withNodeSuggestion(daemon, asked(daemon, node, subject));
        if (cli.json) {
          cli.printJson(list);
          return undefined;
        }
        const times = cli.times(options.absolute);
        if (list.processes.length === 0) cli.note(`${visible(list.node)} has no processes`);
        else cli.print(...processTable(list.processes, times, cli.out, cli.columns));
        if (subject !== undefined) tellTransitions(cli, list, times);
        cli.note(cli.err("dim", `${visible(list.node)}, as of ${times.at(list.asOf)}`));
        return undefined;
      }),
    );
}

/** The processes of a node, or the one of a subject: for one that is unknown the nearest known subject is told. */
function asked(daemon: Daemon, node: string | undefined, subject: string | undefined): Promise<ProcessList> {
  const at = node === undefined ? {} : { node };
  if (subject === undefined) return daemon.processes(at);
  const subjects = (): Promise<string[]> =>
    daemon.processes(at).then((list) => list.processes.map((process) => process.subject));
  return withSuggestion(daemon.processes({ ...at, subject }), "process-unknown", "subject", subjects);
}

function tellTransitions(cli: Cli, { node, processes }: ProcessList, times: Times): void {
  for (const { role, transitions } of processes) {
    if (transitions === undefined)
      cli.note(`${visible(node)} runs an older version of steward, which does not tell the last changes of a process`);
    else if (transitions.length === 0)
      cli.note(`no change of this ${role} is remembered by the daemon of ${visible(node)}`);
    else cli.print("", ...transitionTable(transitions, times, cli.columns));
  }
}
