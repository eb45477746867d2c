import type { Command } from "commander";
import { StewardError } from "../../../message/errors.ts";
import { STATES } from "../../../message/lifecycle.ts";
import type { MessageFilter } from "../../../runtime/operate/table/messages.ts";
import { command, type Runner, WORDS } from "../../command.ts";
import { wholeNumber } from "../../input/options.ts";
import { messageTable } from "../../render/messages.ts";
import { readState } from "../../render/states.ts";
import { counted } from "../../render/text.ts";
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
    description: `List messages, the newest last: sent from this node (→) or taken from other nodes (←). WHAT is the command, then (the reason)
of its state, then [method.domain] where that is not shellcommand.operatingsystem; [….steward] are messages that steward sends for
itself. ${WORDS} explains the states, and what to do about them.`,
    examples: [
      ["steward messages --open", "messages without a final state"],
      ["steward messages --node ship1 --state failed", "commands that failed on ship1"],
    ],
  })
    .option("--node <node>", "messages to or from this node")
    .option("--state <state>", `messages in this state: ${Object.keys(STATES).join(", ")}`)
    .option("--method <method>", "messages of this method")
    .option("--domain <domain>", "messages of this domain")
    .option("--out", "messages sent from this node")
    .option("--in", "messages taken from other nodes")
    .option("--open", "messages without a final state")
    .option("--limit <count>", "number of messages, the newest of all", "50")
    .option("--absolute", "print times as ISO 8601")
    .action(
      run<Options>(async (cli, options) => {
        const filter = filterOf(options);
        const daemon = await cli.daemon();
        const found = [...(await daemon.messages(filter))];
        // A node that is no longer known may still have messages.
        if (found.length === 0 && filter.node !== undefined) await insistKnown(daemon, filter.node);
        found.sort((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1));
        if (cli.json) {
          cli.printJson(found);
          return undefined;
        }
        if (found.length === 0) cli.note("no messages");
        else cli.print(...messageTable(found, cli.times(options.absolute), cli.out, cli.columns));
        if (found.length === filter.limit)
          cli.note(`the newest ${counted(found.length, "message")}; more with --limit`);
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
