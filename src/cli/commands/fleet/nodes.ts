import type { Command } from "commander";
import { command, type Runner, WORDS } from "../../command.ts";
import { everyNode } from "../../daemon.ts";
import { wholeNumber } from "../../input/options.ts";
import { nodeTable, SECURITY_OFF } from "../../render/nodes.ts";

interface Options {
  readonly limit?: string;
  readonly absolute?: boolean;
}

export function addNodes(program: Command, run: Runner): void {
  command(program, "nodes", {
    summary: "list the nodes and their states",
    description: `List the nodes and their states. LINK is never seen, online, late or offline, and SINCE tells for how long; SEEN is the last
sign of life; WORK counts the commands without an outcome; WAITING counts the messages that the node has not acknowledged; NOTES
warns. ${WORDS} explains every word, and what to do about it.`,
    examples: [
      ["steward nodes", "all nodes"],
      ["steward nodes --json", "the same for programs"],
    ],
  })
    .option("--limit <count>", "the first so many by name")
    .option("--absolute", "print times as ISO 8601")
    .action(
      run<Options>(async (cli, options) => {
        const limit = options.limit === undefined ? undefined : wholeNumber("--limit", "nodes", options.limit);
        const daemon = await cli.daemon();
        const nodes = await everyNode(daemon, limit);
        if (!cli.json && (await daemon.health()).security === "off") cli.note(`! ${SECURITY_OFF}`);
        if (cli.json) cli.printJson(nodes);
        else cli.print(...nodeTable(nodes, cli.times(options.absolute), cli.out, cli.columns));
        if (nodes.length === limit) cli.note(`the first ${limit} by name; more with --limit`);
        return undefined;
      }),
    );
}
