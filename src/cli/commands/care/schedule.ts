import type { Command } from "commander";
import { EXIT, StewardError } from "../../../message/errors.ts";
import type { Json } from "../../../message/message.ts";
import { MISSED } from "../../../message/schedule/node-schedule.ts";
import { SCHEDULE } from "../../../message/schedule/scheduled.ts";
import { CONTROL_DOMAIN, checkToken } from "../../../message/subject.ts";
import type { Cli } from "../../cli.ts";
import { command, type Runner } from "../../command.ts";
import { insistMeant, showMeant } from "../../follow/meant.ts";
import { signedOrders } from "../../follow/signed-orders.ts";
import { submitAndWait } from "../../follow/submit-and-wait.ts";
import { commandData } from "../../input/command-data.ts";
import { oneOf } from "../../input/job-options.ts";
import { duration } from "../../input/options.ts";
import { runLines, scheduleLines } from "../../render/fleet/schedules.ts";
import { visible } from "../../render/text.ts";
import { withNodeSuggestion } from "../../suggest.ts";

interface Options {
  readonly at?: string;
  readonly every?: string;
  readonly window?: string;
  readonly tz?: string;
  readonly missed?: string;
  readonly timeout?: string;
  readonly note?: string;
  readonly domain: string;
  readonly script?: string | boolean;
  readonly stdin?: boolean;
  readonly remove?: boolean;
  readonly pause?: boolean;
  readonly resume?: boolean;
  readonly yes?: boolean;
}

interface ListOptions {
  readonly absolute?: boolean;
}

const SUBJECT = `command.${SCHEDULE}.${CONTROL_DOMAIN}`;

/** `steward schedule` gives nodes schedules that they hold by themselves, changes them and takes them back; `steward schedules` lists them. */
export function addSchedule(program: Command, run: Runner): void {
  command(program, "schedule", {
    summary: "let nodes run a command at times, also while no link is there",
    description: `Give nodes a schedule that they hold by themselves: each gives the command to itself at its times, with or without a
link, and tells the station what came of it when there is one. A schedule of the same name is changed. Each run is judged by
the policy of the node as if you had sent the command then. \`schedule:\` in a node's steward.yaml holds others, which only
that file changes: docs/schedules.md.`,
    examples: [
      [
        "steward schedule ship1 logs --every 'every day at 02:00' -- /usr/local/bin/pack-logs",
        "each night, ship's time",
      ],
      ["steward schedule class=tanker logs --every '30 4 * * sun' --missed once -- apt-get update", "made up for once"],
      ["steward schedule ship1 logs --pause", "not for now; --resume goes on"],
      ["steward schedule ship1 logs --remove", "no more"],
      ["steward schedules ship1 logs", "its latest runs"],
    ],
  })
    .argument("<target>", "node, comma-separated nodes, pattern, group, or expression")
    .argument("<name>", "name of the schedule")
    .argument("[command...]", "program and arguments; write -- before it")
    .option("--every <schedule>", "its times: 'every day at 02:00', or a line of cron")
    .option("--at <time>", "the one time, by the clock of the node: '2026-12-01 02:00', 'in 2h'")
    .option("--window <hours>", "hours in which a run may begin: 02:00-04:00")
    .option("--tz <zone>", "whose clocks count: Europe/Oslo (default: those of the node)")
    .option(
      "--missed <what>",
      "skip, once or all: the runs that are made up for where times were missed (default: skip)",
    )
    .option("--timeout <time>", "how long a run may take: 30s, 2h")
    .option("--note <text>", "what it is for")
    .option("-d, --domain <domain>", "domain of the subject; `subscribe:` of the node must name it", "operatingsystem")
    .option("--script [file]", "run a script: a file, - for standard input, or without a name the words after `--`")
    .option("--remove", "the nodes hold it no more")
    .option("--pause", "no run begins until --resume")
    .option("--resume", "go on; times of the pause are not made up for")
    .option("--yes", "send to all nodes of the target without a question")
    .action(
      run<Options>(async (cli, options, [target = "", name = "", ...argv]) => {
        const data = await orderOf(cli, checkToken("domain", options.domain), options, name, argv);
        const daemon = await cli.daemon();
        const meant = await withNodeSuggestion(daemon, daemon.resolve({ to: target }));
        if (meant.nodes.length > 1) showMeant(cli, meant);
        await insistMeant(cli, meant, options.yes === true);
        const order = { to: meant.nodes.join(","), most: meant.nodes.length, subject: SUBJECT, data };
        const submit = async () => daemon.submit(await signedOrders(cli, daemon, [order]));
        return await submitAndWait(cli, daemon, submit, undefined);
      }),
    );
  command(program, "schedules", {
    summary: "show the schedules that nodes hold, and their latest runs",
    description: `Show the schedules that nodes hold by themselves, as they have told: their next times by the nodes' clocks, and what
became of the latest runs. At an edge: its own.`,
    examples: [
      ["steward schedules", "of all nodes"],
      ["steward schedules ship1 logs", "the latest runs of one"],
    ],
  })
    .argument("[node]", "name of a node")
    .argument("[name]", "name of a schedule: its latest runs")
    .option("--absolute", "print times as ISO 8601")
    .action(
      run<ListOptions>(async (cli, options, [node, name]) => {
        const daemon = await cli.daemon();
        const all = await withNodeSuggestion(daemon, daemon.schedules(node === undefined ? {} : { node }));
        const views = name === undefined ? all : all.filter((view) => view.name === name);
        const times = cli.times(options.absolute);
        if (name !== undefined && views.length === 0)
          throw usage(`${visible(node ?? "")} holds no schedule ${visible(name)}; it holds ${named(all)}`, "schedules");
        if (cli.json) cli.printJson(views);
        else if (views.length === 0)
          cli.note(node === undefined ? "no node holds a schedule" : `${visible(node)} holds no schedule`);
        else {
          cli.print(...scheduleLines(views, times, cli.out, cli.columns));
          const [view] = views;
          if (name !== undefined && view !== undefined && view.runs.length > 0)
            cli.print("", ...runLines(view, times, cli.out, cli.columns));
        }
        return EXIT.ok;
      }),
    );
}

function named(views: readonly { readonly name: string }[]): string {
  return views.length === 0 ? "none" : views.map(({ name }) => visible(name)).join(", ");
}

async function orderOf(
  cli: Cli,
  domain: string,
  options: Options,
  name: string,
  argv: readonly string[],
): Promise<Json> {
  const verbs = (["remove", "pause", "resume"] as const).filter((verb) => options[verb] === true);
  const { at, every, window, tz: zone, timeout, note, missed } = options;
  const isSet = at !== undefined || every !== undefined || argv.length > 0;
  const [verb] = verbs;
  if (verbs.length + (isSet ? 1 : 0) !== 1)
    throw usage("write --every or --at with a command, or one of --remove, --pause and --resume", "schedule");
  if (verb !== undefined) return { name, verb };
  const plan = {
    ...{ at, every, window, zone, note },
    missed: missed === undefined ? "skip" : oneOf("--missed", MISSED, missed),
    subject: `command.shellcommand.${domain}`,
    data: await commandData(cli, { ...options, argv }),
    timeout: timeout === undefined ? undefined : duration("--timeout", timeout),
  };
  return { name, set: Object.fromEntries(Object.entries(plan).filter(([, value]) => value !== undefined)) as Json };
}

function usage(fault: string, of: string): StewardError {
  return new StewardError("usage", { fault, command: of });
}
