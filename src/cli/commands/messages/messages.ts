import type { Command } from "commander";
import { StewardError } from "../../../message/errors.ts";
import { STATES } from "../../../message/lifecycle.ts";
import type { MessageFilter } from "../../../runtime/operate/operations.ts";
import { command, type Runner } from "../../command.ts";
import { wholeNumber } from "../../input/options.ts";
import { messageTable } from "../../render/messages.ts";
import { readState } from "../../render/states.ts";
import { insistKnown } from "../../suggest.ts";

interface Options {
  readonly node?: string;
  readonly state?: string;
  readonly method?: string;
  readonly domain?: string;
  readonly in?: boolean;
  readonly out?: boolean;
  readonly open?: boolean;
  readonly limit: string;
  readonly absolute?: boolean;
}

export function addMessages(program: Command, run: Runner): void {
  command(program, "messages", {
    summary: "list messages, the newest last",
    description:
      "List messages, the newest last: what was sent from here (→) and what was taken from others (←). The command is followed by [method.domain] where that is not shellcommand.operatingsystem. docs/words.md explains the states.",
    examples: [
      ["steward messages --open", "what is not final yet"],
      ["steward messages --node ship1 --state failed", "what failed on ship1"],
    ],
  })
    .option("--node <node>", "only to or from this node")
    .option("--state <state>", `only in this state: ${Object.keys(STATES).join(", ")}`)
    .option("--method <method>", "only of this method")
    .option("--domain <domain>", "only of this domain")
    .option("--out", "only sent from here")
    .option("--in", "only taken from others")
    .option("--open", "only those that are not final")
    .option("--limit <count>", "the newest so many", "50")
    .option("--absolute", "print times as ISO 8601")
    .action(
      run<Options>(async (cli, options) => {
        const filter = filterOf(options);
        const daemon = await cli.daemon();
        const found = [...(await daemon.messages(filter))];
        // A node that is known no more may have left messages behind.
        if (found.length === 0 && filter.node !== undefined) await insistKnown(daemon, filter.node);
        found.sort((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1));
        if (cli.json) {
          cli.printJson(found);
          return undefined;
        }
        if (found.length === 0) cli.note("no messages");
        else cli.print(...messageTable(found, cli.times(options.absolute), cli.out, cli.columns));
        if (found.length === filter.limit) cli.note(`the newest ${filter.limit}; more with --limit`);
        return undefined;
      }),
    );
}

function filterOf(options: Options): MessageFilter {
  const { node, method, domain } = options;
  const state = options.state === undefined ? undefined : readState(options.state);
  if (options.state !== undefined && state === undefined) {
    const fault = `--state ${options.state}: there is no such state; there are ${Object.keys(STATES).join(", ")}`;
    throw new StewardError("usage", { fault, command: "messages" });
  }
  const one = options.in !== options.out;
  return {
    ...(node === undefined ? {} : { node }),
    ...(state === undefined ? {} : { state }),
    ...(method === undefined ? {} : { method }),
    ...(domain === undefined ? {} : { domain }),
    ...(one ? { direction: options.in === true ? ("in" as const) : ("out" as const) } : {}),
    ...(options.open === true ? { open: true } : {}),
    limit: wholeNumber("--limit", "messages", options.limit),
  };
}
