import type { Command } from "commander";
import { parseMessages } from "../../../intake/message-file.ts";
import { EXIT } from "../../../message/errors.ts";
import type { Cli } from "../../cli.ts";
import { command, type Runner } from "../../command.ts";
import { signedOrders } from "../../follow/signed-orders.ts";
import { submitAndWait } from "../../follow/submit-and-wait.ts";
import { durationOrNever } from "../../input/options.ts";
import { readUserFile } from "../../input/user-file.ts";
import { checkedText, readAll } from "../../io.ts";
import { withNodeSuggestion } from "../../suggest.ts";

interface Options {
  readonly new?: boolean;
  readonly follow?: boolean;
  readonly wait?: string;
}

const DESCRIPTION = `Send the messages of a file: YAML or JSON, one message or a list, in either form:

  {to: [ship1, ship2], command: shellcommand, domain: operatingsystem, data: [uname, -a], deliverBy: 2h, timeout: 30s}
  {subject: ship1.command.shellcommand.operatingsystem, message: {data: [uname, -a]}}

All messages of the file are accepted, or none. The data of shellcommand is the program and its arguments, as a list. The ids are
printed; --follow and --wait then wait as \`steward run\` does, with its exit codes.`;

export function addSend(program: Command, run: Runner): void {
  command(program, "send", {
    summary: "send the messages of a file",
    description: DESCRIPTION,
    examples: [
      ["steward send messages.yaml", "all messages of a file"],
      [
        `echo '{to: ship1, command: shellcommand, domain: nginx, data: [nginx, -t]}' | steward send - --follow`,
        "one, from a pipe",
      ],
    ],
  })
    .argument("<file>", "message file, or - for standard input")
    .option("--new", "allow nodes that were never heard of")
    .option("--follow", "wait for the messages of all nodes in reach")
    .option("--wait <time>", "wait for all nodes, in reach or not: 10s, 5m, or never (without limit)")
    .action(run<Options>(sendFile));
}

async function sendFile(cli: Cli, options: Options, [file = "-"]: readonly string[]): Promise<number> {
  const text = file === "-" ? await readAll(cli.io.stdin) : checkedText(await readUserFile(cli, file), file);
  const knownNodesOnly = options.new !== true;
  const drafts = parseMessages(text, { name: file === "-" ? "standard input" : file }).map((draft) => ({
    ...draft,
    knownNodesOnly,
  }));
  const limit = options.wait === undefined ? undefined : durationOrNever("--wait", options.wait);
  cli.endWithin(limit);
  const daemon = await cli.daemon();
  const submit = async () =>
    withNodeSuggestion(
      daemon,
      signedOrders(cli, daemon, drafts).then((orders) => daemon.submit(orders)),
    );

  if (options.follow !== true && limit === undefined) {
    const accepted = await submit();
    if (cli.json) cli.printJson(accepted);
    else cli.print(...accepted.map((one) => `${one.id}  ${one.subject}`));
    return EXIT.ok;
  }
  return await submitAndWait(cli, daemon, submit, limit);
}
