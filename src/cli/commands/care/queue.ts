import type { Command } from "commander";
import { bytes } from "../../../message/text/figures.ts";
import { command, type Runner } from "../../command.ts";
import { idOf, wholeNumber } from "../../input/options.ts";
import { messageState } from "../../render/states.ts";
import { table } from "../../render/table.ts";
import { counted, visible } from "../../render/text.ts";
import { withNodeSuggestion } from "../../suggest.ts";

interface Options {
  readonly limit?: string;
  readonly first?: readonly string[];
  readonly absolute?: boolean;
}

export function addQueue(program: Command, run: Runner): void {
  command(program, "queue", {
    summary: "show what waits for a node, in the order in which it is sent",
    description: `Show what waits for a node: in the order in which it is sent, with size, deadline, the time at which it is expected to
arrive at the rate that the line carried of late, and why it waits. Messages on one subject keep their order; those on other subjects
pass each other; urgent ones (\`steward run --urgent\`) go before the rest. \`--first\` moves messages ahead of all that wait, in the
order in which they are named; one that was sent already stays where it is, and one that is held waits until its reason is
gone. \`steward cancel ID ID …\` takes messages back.`,
    examples: [
      ["steward queue ship1", "what waits for ship1"],
      ["steward queue ship1 --first 01K9ZD3Q5V", "it goes before all that waits"],
    ],
  })
    .argument("<node>", "name of the node")
    .option("--limit <count>", "the first so many; without it 100")
    .option("--first <id...>", "move messages ahead of all that wait, in this order")
    .option("--absolute", "print times as ISO 8601")
    .action(
      run<Options>(async (cli, options, [name = ""]) => {
        const limit = options.limit === undefined ? {} : { limit: wholeNumber("--limit", "queue", options.limit) };
        const daemon = await cli.daemon();
        if (options.first !== undefined) {
          const meant = await Promise.all(options.first.map((word) => daemon.message(idOf(word))));
          await withNodeSuggestion(daemon, daemon.first(name, { ids: meant.map(({ id }) => id) }));
        }
        const queue = await withNodeSuggestion(daemon, daemon.queue(name, limit));
        const { messages, waiting, rate } = queue;
        if (cli.json) {
          cli.printJson(queue);
          return undefined;
        }
        if (messages.length === 0) {
          cli.note(`nothing waits for ${visible(name)}`);
          return undefined;
        }
        const times = cli.times(options.absolute);
        cli.print(
          ...table(
            messages,
            [
              { title: "ID", cell: ({ id }) => visible(id) },
              { title: "STATE", cell: ({ state }) => messageState(state, cli.out) },
              { title: "SIZE", cell: ({ bytes: size }) => (size === 0 ? "-" : bytes(size)), align: "right" },
              { title: "DEADLINE", cell: ({ deliverBy }) => (deliverBy === null ? "-" : times.at(deliverBy)) },
              { title: "EXPECTED", cell: ({ expectedAt }) => (expectedAt === null ? "-" : times.at(expectedAt)) },
              {
                title: "WHAT",
                isLong: true,
                cell: ({ summary, urgent }) => `${urgent === true ? "(urgent) " : ""}${visible(summary)}`,
              },
              { title: "WHY", cell: ({ reason = "" }) => visible(reason) },
            ],
            cli.columns,
          ),
        );
        const line = rate === undefined ? "" : `; the line carried ${bytes(rate)} a second of late`;
        cli.note(`${counted(waiting, "message")}, ${bytes(queue.bytes)}${line}`);
        return undefined;
      }),
    );
}
