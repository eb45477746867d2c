import type { Command } from "commander";
import type { Draft } from "../../message/draft.ts";
import { EXIT, StewardError } from "../../message/errors.ts";
import { checkToken, formatSubject } from "../../message/subject.ts";
import type { Cli } from "../cli.ts";
import { command, type Runner } from "../command.ts";
import { announce } from "../follow/announce.ts";
import { submitAndWait } from "../follow/submit-and-wait.ts";
import { readAll } from "../io.ts";
import { duration, durationOrNever } from "../options.ts";
import { withSuggestion } from "../suggest.ts";
import { targetNodes } from "../targets.ts";

interface Options {
  readonly domain: string;
  readonly deliverBy?: string;
  readonly timeout?: string;
  readonly script?: boolean;
  readonly new?: boolean;
  readonly wait?: string | false;
  readonly detach?: boolean;
}

const DESCRIPTION = `Run a command on one node, several, or all of them.

TARGET is a node, several with commas between them, or all (every edge node that is not revoked).

The command's output goes to standard output and standard error, steward's own words to standard error.

How long it waits: as long as a node in reach (online or late) has something to do. What is for a node out of reach
stays queued: steward says so, and ends with 3 once everything else is done. --wait 10m waits for all nodes, in reach
or not, at most that long; --wait never without limit; --no-wait (or --detach) not at all.

Ctrl-C detaches: the commands go on, and the line to come back with is printed. \`steward cancel\` takes them back.

Exit code: 0 all succeeded; 1 some failed, timed out, were rejected or interrupted; 3 some have no outcome yet or
expired; 4 some were cancelled; 5 no daemon, or it has no broker. When several apply: 1, then 3 or 5, then 4.

A node that goes out of reach while it runs something makes that \`unknown\`: it goes on there, and its outcome comes when
the node is back.

With --json: one JSON object a line, of type accepted, message, output, end, and summary at last.`;

export function addRun(program: Command, run: Runner): void {
  command(program, "run", {
    summary: "run a command on nodes and see what comes of it",
    description: DESCRIPTION,
    examples: [
      ["steward run ship1 -- uptime", "one node"],
      ["steward run ship1,ship2 --timeout 30s -- df -h", "two nodes, 30 seconds each"],
      ["steward run all --deliver-by 7d --no-wait -- apt-get update", "leave it to wait for those who are away"],
      ["steward run ship1 --script -- 'ls /tmp | wc -l'", "a line for the node's shell"],
      ["steward run all --script < fix.sh", "a whole script"],
    ],
  })
    .argument("<target>", "node, comma-separated nodes, or all")
    .argument("[command...]", "program and arguments; write -- before it")
    .option("-d, --domain <domain>", "what it is for; the node's `subscribe:` must name it", "operatingsystem")
    .option("--deliver-by <time>", "how long it may wait to start: 2h, 7d, or never (it waits for ever)")
    .option("--timeout <time>", "how long it may run")
    .option("--script", "the command is text for the node's `sh -c`; without one: standard input")
    .option("--new", "allow a node that nobody has heard of yet")
    .option("--wait <time>", "wait for all nodes, in reach or not: 10s, 5m, or never (without limit)")
    .option("--no-wait", "print the ids and end")
    .option("--detach", "the same as --no-wait")
    .action(run<Options>(runCommand));
}

async function runCommand(cli: Cli, options: Options, words: readonly string[]): Promise<number> {
  const [target = "", ...argv] = words;
  const data = await commandData(cli, argv, options.script === true);
  const detach = options.wait === false || options.detach === true;
  const limit = typeof options.wait === "string" ? durationOrNever("--wait", options.wait) : undefined;
  const draft = {
    data,
    ...(options.deliverBy === undefined ? {} : { deliverBy: durationOrNever("--deliver-by", options.deliverBy) }),
    ...(options.timeout === undefined ? {} : { timeout: duration("--timeout", options.timeout) }),
    knownNodesOnly: options.new !== true,
  };
  const domain = checkToken("domain", options.domain);
  const daemon = await cli.daemon();
  const nodes = await daemon.nodes();
  const drafts = targetNodes(target, nodes).map(
    (node): Draft => ({ ...draft, subject: formatSubject({ node, kind: "command", method: "shellcommand", domain }) }),
  );
  const submit = () =>
    withSuggestion(daemon.submit(drafts), "node-unknown", "node", async () => nodes.map((node) => node.name));

  if (detach) {
    const accepted = await submit();
    await announce(cli, daemon, accepted, nodes, "stdout");
    return EXIT.ok;
  }
  return await submitAndWait(cli, daemon, submit, limit);
}

async function commandData(cli: Cli, argv: readonly string[], script: boolean): Promise<readonly string[]> {
  const usage = (fault: string): StewardError => new StewardError("usage", { fault, command: "run" });
  if (script) {
    const text = argv.length > 0 ? argv.join(" ") : await readAll(cli.io.stdin);
    if (text.trim() === "") throw usage("the script is empty");
    return ["sh", "-c", text];
  }
  if (argv.length === 0) throw usage("there is no command to run; write it after `--`: steward run TARGET -- uptime");
  return argv;
}
