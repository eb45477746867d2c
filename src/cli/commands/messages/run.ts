import type { Command } from "commander";
import { EXIT } from "../../../message/errors.ts";
import type { Json } from "../../../message/message.ts";
import { nodeNameFault } from "../../../message/node-name.ts";
import { checkToken } from "../../../message/subject.ts";
import type { JobOrderOf } from "../../../runtime/operate/table/jobs.ts";
import type { Cli } from "../../cli.ts";
import { command, type Runner } from "../../command.ts";
import type { Daemon } from "../../daemon.ts";
import { announce, announceHeld } from "../../follow/announce.ts";
import { followJob, tellOrdered } from "../../follow/job-progress.ts";
import { insistMeant, showMeant } from "../../follow/meant.ts";
import { signedJobOrder } from "../../follow/signed-job.ts";
import { signedOrders } from "../../follow/signed-orders.ts";
import { submitAndWait } from "../../follow/submit-and-wait.ts";
import { commandData } from "../../input/command-data.ts";
import { addJobOptions, type JobOptions, planOf } from "../../input/job-options.ts";
import { duration, durationOrNever } from "../../input/options.ts";
import { withNodeSuggestion } from "../../suggest.ts";

interface Options extends JobOptions {
  readonly domain: string;
  readonly deliverBy?: string;
  readonly timeout?: string;
  readonly script?: string | boolean;
  readonly stdin?: boolean;
  readonly env?: readonly string[];
  readonly cwd?: string;
  readonly raw?: boolean;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly new?: boolean;
  readonly wait?: string | false;
  readonly detach?: boolean;
  readonly reply?: readonly string[];
  readonly urgent?: boolean;
}

const DESCRIPTION = `Run a command on one node, several, or all of them.

TARGET is a node, several with commas between them, a pattern ('ship*'), a group (@north), all (every edge node that is not
revoked), or an expression over labels, facts and states ('class=tanker and not site=rotterdam', 'os.version<12 and online'):
docs/targets.md. What it means is printed before anything is sent. More than limits.targets nodes are asked for, or want --yes.

The output of the command goes to standard output and standard error, steward's own words to standard error.

With --stdin, standard input is passed on: it is read to its end first, travels with the command, and may be as large as a
message (limits.messageBytes). Without --stdin, steward refuses to run when there is input, so that none is lost unseen. A
terminal, /dev/null and a pipe that stays empty are no input, so cron and CI need no redirection.

A script is run by the program that it names after #!, else by /bin/sh. The script is a file (--script FILE), standard input
(--script -, or --script without more words), or the words after \`--script --\`; words after a file are its arguments.

secret:NAME in an argument, a variable, a script or standard input stands for a secret that the node keeps (\`secrets:\` in its
steward.yaml). Other users of the node see arguments: pass secrets with --env, on standard input or in a script.

On a terminal, control sequences in the output are shown and not obeyed, except colours; --raw passes them on. When the output
goes to a file or a pipe and the node has not kept all of it (limits.outputBytes), the exit code is 1.

The waiting ends when no node in reach (online or late) has a command left. A command for a node out of reach stays queued:
steward says so, and ends with 3 once all others are done. --wait 10m waits for all nodes, in reach or not, at most that long;
--wait never without limit; --no-wait (or --detach) not at all.

With --job, or any of the options behind it, the commands are one job: released in waves, at a time, within bounds, and counted
together. Its outputs are shown by \`steward job ID --group\`. docs/jobs.md has all of it.

Ctrl-C detaches: the commands go on, and the line to come back with is printed. \`steward cancel\` takes commands back.

Exit code: 0 all succeeded; 1 some failed, timed out, were rejected or interrupted; 3 some have no outcome yet or
expired; 4 some were cancelled; 5 no daemon, or it has no broker. When several apply: 1, then 3 or 5, then 4.

A command whose node goes out of reach while it runs becomes \`unknown\`: it goes on there, and its outcome comes when the node
is back.

With --json: one JSON object a line, of type target (unless the nodes are named), accepted, message, output, end, and summary at last.`;

export function addRun(program: Command, run: Runner): void {
  const added = command(program, "run", {
    summary: "run a command on nodes, and print its output and its end",
    description: DESCRIPTION,
    examples: [
      ["steward run ship1 -- uptime", "one node"],
      ["steward run ship1,ship2 --timeout 30s -- df -h", "two nodes, 30 seconds each"],
      [`steward run 'class=tanker and online' --dry-run -- uptime`, "who would get it; nothing is sent"],
      [
        "steward run all --waves 1,10%,100% --max failed=2 -- ./upgrade",
        "a job: canary first, stop when more than two fail",
      ],
      ["steward run all --deliver-by 7d --no-wait -- apt-get update", "let it wait for nodes that are away"],
      ["steward run ship1 --script -- 'ls /tmp | wc -l'", "a line for the node's shell"],
      ["steward run all --script fix.sh -- --dry-run", "a whole script, with an argument"],
      ["steward run ship1 --env PGPASSWORD=secret:db -- pg_dump -U app app", "with a secret that ship1 keeps"],
      ["tar c site | steward run ship1 --stdin -- tar x -C /srv", "with standard input"],
    ],
  })
    .argument("<target>", "node, comma-separated nodes, pattern, group, all, or expression")
    .argument("[command...]", "program and arguments; write -- before it")
    .option("-d, --domain <domain>", "domain of the subject; `subscribe:` of the node must name it", "operatingsystem")
    .option("--deliver-by <time>", "how long the command may wait to start: 2h, 7d, or never (no deadline)")
    .option("--timeout <time>", "how long the command may run: 30s, 2h")
    .option("--reply <destination>", "bring the outcome to a destination of `destinations:`; again for more", collected)
    .option("--urgent", "overtake what waits for the nodes")
    .option("--script [file]", "run a script: a file, - for standard input, or without a name the words after `--`")
    .option("-i, --stdin", "pass standard input on to the command")
    .option("-e, --env <name=value>", "a variable for the command; again for more", collected)
    .option("--cwd <directory>", "directory on the node to start in")
    .option("--raw", "pass control sequences in the output on to the terminal")
    .option("--dry-run", "show the nodes and the bytes; send nothing")
    .option("--yes", "send to all nodes of the target without a question")
    .option("--new", "allow a node that was never heard of")
    .option("--wait <time>", "wait for all nodes, in reach or not: 10s, 5m, or never (without limit)")
    .option("--no-wait", "print the ids and end")
    .option("--detach", "the same as --no-wait");
  addJobOptions(added).action(run<Options>(runCommand));
}

async function runCommand(cli: Cli, options: Options, words: readonly string[]): Promise<number> {
  const [target = "", ...argv] = words;
  const data = await commandData(cli, { ...options, argv });
  const detach = options.wait === false || options.detach === true;
  const limit = typeof options.wait === "string" ? durationOrNever("--wait", options.wait) : undefined;
  cli.endWithin(limit);
  const draft = {
    data,
    ...(options.deliverBy === undefined ? {} : { deliverBy: durationOrNever("--deliver-by", options.deliverBy) }),
    ...(options.timeout === undefined ? {} : { timeout: duration("--timeout", options.timeout) }),
    ...(options.reply === undefined ? {} : { reply: options.reply }),
    ...(options.urgent === true ? { urgent: true } : {}),
    knownNodesOnly: options.new !== true,
  };
  const domain = checkToken("domain", options.domain);
  const plan = planOf(options);
  const daemon = await cli.daemon();
  const to = await frozenTarget(cli, daemon, target, options, data);
  if (to === undefined) return EXIT.ok;
  if (plan !== undefined)
    return await runJob(
      cli,
      daemon,
      { ...draft, ...plan, ...to, written: target, subject: `command.shellcommand.${domain}` },
      { detach, limit },
    );
  const order = { ...draft, ...to, subject: `command.shellcommand.${domain}` };
  const submit = async () =>
    withNodeSuggestion(
      daemon,
      signedOrders(cli, daemon, [order]).then((orders) => daemon.submit(orders)),
    );

  if (detach) {
    const accepted = await submit();
    announce(cli, accepted, "stdout");
    announceHeld(cli, accepted);
    return EXIT.ok;
  }
  const exit = await submitAndWait(cli, daemon, submit, limit, { raw: options.raw === true });
  if (!cli.io.stdin.came) return exit;
  cli.note(
    cli.err("yellow", "! input came on standard input after the command was sent, and was not passed on: add --stdin"),
  );
  return exit === EXIT.ok ? EXIT.someFailed : exit;
}

/** Orders a job and follows it while something of it moves. */
async function runJob(
  cli: Cli,
  daemon: Daemon,
  order: JobOrderOf,
  { detach, limit }: { readonly detach: boolean; readonly limit: number | null | undefined },
): Promise<number> {
  const ordered = async (): Promise<string> => {
    const job = await withNodeSuggestion(
      daemon,
      signedJobOrder(cli, daemon, order).then((signed) => daemon.createJob(signed)),
    );
    tellOrdered(cli, job, detach);
    return job.id;
  };
  if (!detach) return await followJob(cli, ordered, limit);
  await ordered();
  return EXIT.ok;
}

/** Named nodes up to so many are sent to at once; every other target is resolved and shown before. */
const FEW = 10;

/** The nodes of a target, as the daemon resolves it: shown, and confirmed where they are many. `undefined`: a dry run ends here. */
async function frozenTarget(
  cli: Cli,
  daemon: Daemon,
  target: string,
  { dryRun = false, yes = false }: Options,
  data: Json,
): Promise<{ readonly to: string; readonly most?: number } | undefined> {
  const named = target.split(",").map((name) => name.trim());
  const isFew = named.length <= FEW && named.every((name) => nodeNameFault(name) === undefined);
  if (isFew && !dryRun) return { to: target, ...(yes ? { most: FEW } : {}) };
  const meant = await withNodeSuggestion(daemon, daemon.resolve({ to: target, ...(dryRun ? { data } : {}) }));
  showMeant(cli, meant);
  const { nodes } = meant;
  if (dryRun) {
    if (!cli.json) cli.print(...nodes);
    return undefined;
  }
  await insistMeant(cli, meant, yes);
  return { to: nodes.join(","), most: nodes.length };
}

/** Puts the values of an option that is given again and again into one list. */
function collected(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}
