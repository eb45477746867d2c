import type { Command } from "commander";
import { StewardError } from "../../message/errors.ts";
import { ACTIONS, IF_AWAY } from "../../message/jobs/job.ts";
import type { JobOrderOf } from "../../runtime/operate/table/jobs.ts";
import { duration, wholeNumber } from "./options.ts";

/** The options that make a run a job. */
export interface JobOptions {
  readonly job?: boolean;
  readonly note?: string;
  readonly jobReply?: readonly string[];
  readonly draft?: boolean;
  readonly waves?: string;
  readonly soak?: string;
  readonly gate?: string;
  readonly max?: readonly string[];
  readonly onBound?: string;
  readonly atOnce?: string;
  readonly rate?: string;
  readonly ifAway?: string;
  readonly at?: string;
  readonly every?: string;
  readonly window?: string;
  readonly tz?: string;
  readonly until?: string;
  readonly approval?: boolean;
}

type Plan = Omit<JobOrderOf, "to" | "subject" | "data">;

/** Adds the options of a job to a command. */
export function addJobOptions(command: Command): Command {
  return command
    .option("--job", "keep the messages together as a job: docs/jobs.md")
    .option("--note <text>", "what the job is for")
    .option(
      "--job-reply <destination>",
      "bring the one outcome of the whole job to a destination; again for more",
      collected,
    )
    .option("--draft", "write the job down; `steward job start` begins it")
    .option("--waves <list>", "where each wave ends: 1,10%,50%,100%")
    .option("--soak <time>", "pause after each wave: 5m")
    .option("--gate <share>", "share of a wave that has to succeed before the next: 95%")
    .option("--max <bounds>", "bounds: failed=2,rejected=0,expired=5%,unknown=3:abort", collected)
    .option("--on-bound <action>", "pause, abort or continue when a bound is passed (default: pause)")
    .option("--at-once <n>", "at most so many nodes in reach at once")
    .option("--rate <n>", "at most so many releases in a minute")
    .option("--if-away <what>", "queue, skip or fail nodes that are away at their turn (default: queue)")
    .option("--at <time>", "when it begins: 'tomorrow 02:00', 'in 2h'")
    .option("--every <schedule>", "it begins again and again: 'mondays at 04:30', or a line of cron")
    .option("--window <hours>", "hours in which commands may begin: 02:00-04:00")
    .option("--tz <zone>", "whose clocks count: node, or a name such as Europe/Oslo (default: central's)")
    .option("--until <time>", "no command begins after it: 'friday 18:00'")
    .option("--approval", "nothing is released before somebody approves it");
}

/** The plan that the options describe; `undefined`: none of them was given, so that it is no job. @throws StewardError `usage`, … */
export function planOf(options: JobOptions): Plan | undefined {
  const {
    note,
    jobReply,
    draft,
    waves,
    soak,
    gate,
    max,
    onBound,
    atOnce,
    rate,
    ifAway,
    at,
    every,
    window,
    tz,
    until,
    approval,
  } = options;
  const plan = {
    ...{ note, jobReply, waves, gate, max, at, every, window, tz, until },
    ...(draft === true ? { draft } : {}),
    ...(approval === true ? { approval } : {}),
    ...(soak === undefined ? {} : { soak: duration("--soak", soak) }),
    ...(atOnce === undefined ? {} : { atOnce: wholeNumber("--at-once", "run", atOnce) }),
    ...(rate === undefined ? {} : { rate: wholeNumber("--rate", "run", rate) }),
    ...(onBound === undefined ? {} : { onBound: oneOf("--on-bound", ACTIONS, onBound) }),
    ...(ifAway === undefined ? {} : { ifAway: oneOf("--if-away", IF_AWAY, ifAway) }),
  };
  const given = Object.fromEntries(Object.entries(plan).filter(([, value]) => value !== undefined)) as Plan;
  return options.job === true || Object.keys(given).length > 0 ? given : undefined;
}

export function oneOf<T extends string>(option: string, known: readonly T[], text: string): T {
  const found = known.find((each) => each === text);
  if (found !== undefined) return found;
  throw new StewardError("usage", {
    fault: `${option} takes ${known.join(", ")}, not ${JSON.stringify(text)}`,
    command: "",
  });
}

/** Puts the values of an option that is given again and again into one list. */
function collected(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}
