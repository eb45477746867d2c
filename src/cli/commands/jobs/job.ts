import { mkdirSync } from "node:fs";
import type { Command } from "commander";
import { EXIT, StewardError } from "../../../message/errors.ts";
import { type JobCounts, RETRIED, type Retried } from "../../../message/jobs/job.ts";
import { writeIn } from "../../../platform/names.ts";
import type { JobDetail, JobNode, JobResult, Steered } from "../../../runtime/operate/table/jobs.ts";
import type { Cli } from "../../cli.ts";
import { command, type Runner, WORDS } from "../../command.ts";
import type { Daemon } from "../../daemon.ts";
import { followJob, jobExit, tellOrdered } from "../../follow/job-progress.ts";
import { insistMeant, showMeant } from "../../follow/meant.ts";
import { signedJobOrder, signedRetry } from "../../follow/signed-job.ts";
import { oneOf } from "../../input/job-options.ts";
import { durationOrNever, idOf } from "../../input/options.ts";
import { readUserFile } from "../../input/user-file.ts";
import { checkedText, readAll } from "../../io.ts";
import { differences } from "../../render/differences.ts";
import { countsText, jobLines, jobNodeTable, jobState } from "../../render/jobs.ts";
import { GatheredOutput } from "../../render/output.ts";
import { messageState } from "../../render/states.ts";
import { counted, visible, visibleButColours } from "../../render/text.ts";
import { isoTime } from "../../render/time.ts";
import { withNodeSuggestion } from "../../suggest.ts";

interface Options {
  readonly state?: string;
  readonly group?: boolean;
  readonly out?: string;
  readonly jsonl?: boolean;
  readonly follow?: boolean;
  readonly wait?: string;
  readonly absolute?: boolean;
}

const KINDS: readonly (keyof JobCounts)[] = [
  ...(["held", "queued", "received", "running", "unknown"] as const),
  ...(["succeeded", "failed", "rejected", "expired", "cancelled"] as const),
];

const DESCRIPTION = `Show one job: its state, its waves, what it waits for, and its nodes by what became of them. ${WORDS} explains every word; docs/jobs.md
has all of jobs. The beginning of an id is enough; @1 is the newest job.

--state lists the nodes behind a count. --group prints equal outputs once with the nodes that gave them, the most frequent first, the
others as differences from that. --out writes a file for each node, byte for byte; the exit code is 1 when a node has not kept all of its output
(limits.outputBytes). --follow shows the job while it runs; Ctrl-C ends the showing and
nothing else. The exit code with --follow is that of \`steward run\`: 0 all succeeded; 1 some failed or were rejected; 3 some are open,
unknown or expired; 4 the job was cancelled.`;

const VERBS = [
  ["start", "begin a job that is a draft"],
  ["approve", "approve a job that waits for it"],
  ["pause", "release nothing more of a job until it is resumed"],
  ["resume", "go on with a job that is paused"],
  ["promote", "begin the next wave, whatever the present one waits for"],
  ["abort", "release nothing more of a job; what is out ends by itself"],
  ["cancel", "release nothing more of a job, and take back what is out, also of one that has ended"],
] as const;

export function addJob(program: Command, run: Runner): void {
  const job = command(program, "job", {
    summary: "show a job, follow it, or steer it",
    description: DESCRIPTION,
    examples: [
      ["steward job 01M8", "how far it has come"],
      ["steward job 01M8 --state failed", "the nodes on which it failed, and why"],
      ["steward job 01M8 --group", "equal outputs once"],
      ["steward job pause 01M8", "release nothing more for now"],
    ],
  })
    .argument("[id]", "an id, its beginning or its end, or @1 for the newest job")
    .option("--state <kind>", `the nodes behind a count: ${KINDS.join(", ")}`)
    .option("--group", "equal outputs once, with their nodes")
    .option("--out <directory>", "write the output of each node into a file of its own")
    .option("--jsonl", "a line of JSON for each node")
    .option("-f, --follow", "show it while it runs")
    .option("--wait <time>", "with --follow: at most that long (10s, 5m), or never (without limit)")
    .option("--absolute", "print times as ISO 8601")
    .action(run<Options>(show))
    .helpCommand("help [command]", "show help of a command");

  for (const [verb, summary] of VERBS) {
    command(job, verb, { summary, examples: [[`steward job ${verb} 01M8`, summary]] })
      .argument("<id>", "an id, its beginning, or @1 for the newest job")
      .action(
        run<object>(async (cli, _options, [id = ""]) => {
          const daemon = await cli.daemon();
          steered(cli, await daemon.steerJob(idOf(id), verb, {}));
          return undefined;
        }),
      );
  }

  addFiles(job, run);
  command(job, "retry", {
    summary: "another attempt on some of the nodes of a job",
    description: `Another attempt of the same job on some of its nodes, in the same waves. --unknown sends a second command to nodes on which
the first may still run.`,
    examples: [["steward job retry 01M8 --failed", "once more where it failed or was rejected"]],
  })
    .argument("<id>", "an id, its beginning, or @1 for the newest job")
    .option("--failed", "nodes on which it failed or was rejected")
    .option("--not-started", "nodes on which it expired or was cancelled")
    .option("--unknown", "nodes to which contact was lost after they had it")
    .option("--no-wait", "do not follow the job")
    .action(run<{ readonly wait?: boolean } & Readonly<Partial<Record<Retried, boolean>>>>(retry));
}

interface FileOptions {
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly wait?: string | false;
}

function addFiles(job: Command, run: Runner): void {
  const description = `A job file is YAML or JSON: a message in its short form, with its plan under \`job\`:

  {to: class=tanker, command: shellcommand, domain: operatingsystem, data: [uptime], job: {waves: [1, 10%, 100%], max: {failed: 2}}}

The keys of \`job\` are the options of \`steward run\` in camel case: docs/jobs.md.`;
  command(job, "plan", {
    summary: "show what a job file would do; nothing is sent",
    description,
    examples: [["steward job plan upgrade.yaml", "its nodes, its waves, and the bytes"]],
  })
    .argument("<file>", "job file, or - for standard input")
    .action(run<object>(async (cli, _options, [file = "-"]) => await applyFile(cli, file, { dryRun: true })));
  command(job, "apply", {
    summary: "order the job of a file",
    description,
    examples: [["steward job apply upgrade.yaml", "order it, and follow it while something of it moves"]],
  })
    .argument("<file>", "job file, or - for standard input")
    .option("--dry-run", "the same as `steward job plan`")
    .option("--yes", "order it for all nodes of the target without a question")
    .option("--wait <time>", "follow it at most that long: 10s, 5m, or never (without limit)")
    .option("--no-wait", "print the id and end")
    .action(run<FileOptions>(async (cli, options, [file = "-"]) => await applyFile(cli, file, options)));
}

async function applyFile(
  cli: Cli,
  file: string,
  { dryRun, yes = false, wait }: FileOptions,
): Promise<number | undefined> {
  const text = file === "-" ? await readAll(cli.io.stdin) : checkedText(await readUserFile(cli, file), file);
  const { parseJob } = await import("../../../intake/job-file.ts");
  const order = parseJob(text, { name: file === "-" ? "standard input" : file });
  const daemon = await cli.daemon();
  const planned = await withNodeSuggestion(daemon, daemon.planJob(order));
  const { nodes, waves, beginAt, untilAt } = planned;
  showMeant(cli, { ...planned, lacking: [] });
  if (waves.length > 1) cli.note(`waves of ${waves.map((end, i) => end - (waves[i - 1] ?? 0)).join(", ")} nodes`);
  if (beginAt !== null) cli.note(`begins ${cli.times(false).at(beginAt)} (${isoTime(beginAt)})`);
  if (untilAt !== null) cli.note(`nothing of it starts after ${isoTime(untilAt)}`);
  if (dryRun === true) {
    if (!cli.json) cli.print(...nodes);
    return undefined;
  }
  if (order.most === undefined) await insistMeant(cli, { ...planned, lacking: [] }, yes);
  // The nodes that were shown are those of the job, whatever changes meanwhile.
  const frozen = { ...order, to: nodes.join(","), written: order.to, most: nodes.length };
  const signed = await signedJobOrder(cli, daemon, frozen, planned);
  const ordered = async (): Promise<string> => {
    const made = await withNodeSuggestion(daemon, daemon.createJob(signed));
    tellOrdered(cli, made, wait === false);
    return made.id;
  };
  if (wait !== false)
    return await followJob(cli, ordered, wait === undefined ? undefined : durationOrNever("--wait", wait));
  await ordered();
  return undefined;
}

async function show(cli: Cli, options: Options, [word]: readonly string[]): Promise<number | undefined> {
  if (word === undefined) throw new StewardError("usage", { fault: "the id of a job is missing", command: "job" });
  const daemon = await cli.daemon();
  const id = idOf(word);
  if (options.follow === true) {
    const { id: whole } = await daemon.job(id);
    return await followJob(
      cli,
      () => Promise.resolve(whole),
      options.wait === undefined ? undefined : durationOrNever("--wait", options.wait),
    );
  }
  const state = options.state === undefined ? undefined : oneOf("--state", KINDS, options.state);
  const query = state === undefined ? {} : { state };
  if (options.out !== undefined) return await writeOutputs(cli, daemon, await daemon.jobNodes(id, query), options.out);
  if (options.group === true) return grouped(cli, await daemon.jobResults(id));
  if (options.jsonl === true) {
    for (const node of await daemon.jobNodes(id, query)) cli.printJsonLine(node);
    return undefined;
  }
  if (state !== undefined) return listed(cli, await daemon.jobNodes(id, query), state);
  const detail = await daemon.job(id);
  if (cli.json) cli.printJson(detail);
  else printDetail(cli, detail, options.absolute);
  return undefined;
}

function printDetail(cli: Cli, detail: JobDetail, absolute: boolean | undefined): void {
  cli.print(...jobLines(detail, cli.times(absolute), cli.out));
  if (jobExit(detail) === EXIT.someFailed)
    cli.note(`  ${cli.err("dim", "→")} the nodes that failed: steward job ${detail.id} --state failed`);
}

function listed(cli: Cli, nodes: readonly JobNode[], state: string): undefined {
  if (cli.json) cli.printJson(nodes);
  else if (nodes.length === 0) cli.note(`no node of it is ${state}`);
  else cli.print(...jobNodeTable(nodes, cli.out, cli.columns));
  return undefined;
}

/** Names that are shown of many. */
const SHOWN = 10;

function grouped(cli: Cli, results: readonly JobResult[]): undefined {
  if (cli.json) {
    cli.printJson(results);
    return undefined;
  }
  const [usual] = results;
  for (const [i, { kind, code, nodes, stdout, stderr, cut }] of results.entries()) {
    const ended = code === undefined ? "" : `, exit ${code}`;
    const more = nodes.length > SHOWN ? ` and ${nodes.length - SHOWN} more` : "";
    const names = nodes.slice(0, SHOWN).map(visible).join(", ");
    cli.print(`${counted(nodes.length, "node")}  ${messageState(kind, cli.out)}${ended}: ${names}${more}`);
    const text = outputOf(stdout, stderr);
    const differ = i === 0 || usual === undefined ? undefined : differences(outputOf(usual.stdout, usual.stderr), text);
    const lines = differ ?? (text === "" ? [] : text.replace(/\n$/, "").split("\n"));
    cli.print(...lines.map((line) => `  ${visibleButColours(line)}`));
    if (cut === true) cli.note("  the output is longer: --out writes all that the nodes kept");
  }
  return undefined;
}

function outputOf(stdout: string, stderr: string): string {
  return stderr === "" ? stdout : `${stdout}${stdout === "" || stdout.endsWith("\n") ? "" : "\n"}${stderr}`;
}

/** Writes the streams of each node into files that are called for it. */
async function writeOutputs(cli: Cli, daemon: Daemon, nodes: readonly JobNode[], out: string): Promise<number> {
  const directory = cli.path(out);
  mkdirSync(directory, { recursive: true });
  let files = 0;
  let missing = false;
  for (const { node, id } of nodes) {
    const gathered = GatheredOutput.of(await daemon.message(id));
    for (const stream of ["stdout", "stderr"] as const) {
      const bytes = gathered.bytes(stream);
      if (bytes.length === 0) continue;
      writeIn(directory, `${node}.${stream}`, bytes);
      files++;
    }
    missing ||= gathered.missing > 0;
    for (const note of gathered.notes) cli.note(`${visible(node)} ! ${note}`);
  }
  cli.note(`wrote ${counted(files, "file")} to ${visible(directory)}`);
  return missing ? EXIT.someFailed : EXIT.ok;
}

function steered(cli: Cli, job: Steered): void {
  if (cli.json) {
    cli.printJson(job);
    return;
  }
  const cause = job.cause === "" ? "" : `: ${visible(job.cause)}`;
  cli.print(`${job.id} ${jobState(job.state, cli.out)}${cause}`);
  if (job.counts !== undefined) cli.print(`${counted(job.nodes, "node")}: ${countsText(job.counts, cli.out)}`);
  for (const [kind, text] of ANSWERS) {
    const count = job.answers.filter((answer) => answer.kind === kind).length;
    if (count > 0) cli.print(`  ${counted(count, "node")}: ${text}`);
  }
}

const ANSWERS: readonly (readonly [Steered["answers"][number]["kind"], string])[] = [
  ["done", "taken back, it had not been sent"],
  ["requested", "asked to end it"],
  ["tooLate", "too late, it had ended"],
];

async function retry(
  cli: Cli,
  options: { readonly wait?: boolean } & Readonly<Partial<Record<Retried, boolean>>>,
  [id = ""]: readonly string[],
): Promise<number | undefined> {
  const chosen = RETRIED.filter((kind) => options[kind] === true);
  const [of] = chosen;
  if (of === undefined || chosen.length > 1)
    throw new StewardError("usage", {
      fault: "one of --failed, --not-started and --unknown is needed",
      command: "job retry",
    });
  const daemon = await cli.daemon();
  const ordered = async (): Promise<string> => {
    const job = await daemon.retryJob(idOf(id), await signedRetry(cli, daemon, idOf(id), of));
    cli.note(`job ${job.id}: another attempt`);
    return job.id;
  };
  if (options.wait !== false) return await followJob(cli, ordered);
  await ordered();
  return undefined;
}
