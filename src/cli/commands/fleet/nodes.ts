import type { Command } from "commander";
import { command, type Runner, WORDS } from "../../command.ts";
import { everyNode } from "../../daemon.ts";
import { wholeNumber } from "../../input/options.ts";
import { nodeLook } from "../../render/fleet/node-columns.ts";
import { SECURITY_OFF } from "../../render/fleet/nodes.ts";
import { table } from "../../render/table.ts";
import { withNodeSuggestion } from "../../suggest.ts";

interface Options {
  readonly limit?: string;
  readonly absolute?: boolean;
  readonly filter?: string;
  readonly columns?: string;
  readonly sort?: string;
}

export function addNodes(program: Command, run: Runner): void {
  command(program, "nodes", {
    summary: "list the nodes and their states",
    description: `List the nodes and their states. LINK is never seen, online, late or offline, and SINCE tells for how long; SEEN is the last
sign of life; WORK counts the commands without an outcome; WAITING counts the messages that the node has not acknowledged; NOTES
warns. ${WORDS} explains every word, and what to do about it.

--filter takes an expression over labels, facts and states, as \`steward run\` does. --columns takes the names of the columns above and
of labels, facts and states; --sort one of them, with - before it for the reverse. docs/targets.md lists the keys.`,
    examples: [
      ["steward nodes", "all nodes"],
      [`steward nodes --filter 'class=tanker and away'`, "the tankers that are out of reach"],
      ["steward nodes --columns node,link,os,os.version --sort os.version", "what runs where, the oldest first"],
      ["steward nodes --json", "the same for programs"],
    ],
  })
    .option("--limit <count>", "the first so many by name")
    .option("--filter <expression>", "only nodes for which it holds")
    .option("--columns <names>", "these columns: node, link, since, seen, work, waiting, notes, labels, or any key")
    .option("--sort <name>", "by this column or key; -name: the reverse")
    .option("--absolute", "print times as ISO 8601")
    .action(
      run<Options>(async (cli, options) => {
        const limit = options.limit === undefined ? undefined : wholeNumber("--limit", "nodes", options.limit);
        const look = nodeLook(options, cli.times(options.absolute), cli.out);
        const daemon = await cli.daemon();
        const { filter } = options;
        const found = await withNodeSuggestion(
          daemon,
          everyNode(daemon, limit, {
            ...(filter === undefined ? {} : { filter }),
            ...(look.keys.length === 0 ? {} : { keys: look.keys }),
          }),
        );
        const nodes = look.sorted(found);
        if (!cli.json && (await daemon.health()).security === "off") cli.note(`! ${SECURITY_OFF}`);
        if (cli.json) cli.printJson(nodes);
        else cli.print(...table(nodes, look.columns, cli.columns));
        if (nodes.length === limit) cli.note(`the first ${limit} by name; more with --limit`);
        return undefined;
      }),
    );
}
