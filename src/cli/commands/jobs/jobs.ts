import type { Command } from "commander";
import { JOB_STATES } from "../../../message/jobs/job.ts";
import { command, type Runner, WORDS } from "../../command.ts";
import { oneOf } from "../../input/job-options.ts";
import { wholeNumber } from "../../input/options.ts";
import { jobTable } from "../../render/jobs.ts";

interface Options {
  readonly state?: string;
  readonly open?: boolean;
  readonly limit?: string;
  readonly absolute?: boolean;
}

export function addJobs(program: Command, run: Runner): void {
  command(program, "jobs", {
    summary: "list jobs, the newest first",
    description: `List jobs: commands to many nodes as one intention, ordered with \`steward run --job\` or a plan (docs/jobs.md). ${WORDS} explains
every state. Jobs far down a long list are not counted; \`steward job ID\` counts each.`,
    examples: [
      ["steward jobs", "the newest jobs"],
      ["steward jobs --open", "those that have not ended"],
    ],
  })
    .option("--open", "only jobs that have not ended")
    .option("--state <state>", `only jobs in this state: ${JOB_STATES.join(", ")}`)
    .option("--limit <n>", "at most so many", "20")
    .option("--absolute", "print times as ISO 8601")
    .action(
      run<Options>(async (cli, options) => {
        const daemon = await cli.daemon();
        const jobs = await daemon.jobs({
          limit: wholeNumber("--limit", "jobs", options.limit ?? "20"),
          ...(options.open === true ? { open: true } : {}),
          ...(options.state === undefined ? {} : { state: oneOf("--state", JOB_STATES, options.state) }),
        });
        if (cli.json) cli.printJson(jobs);
        else if (jobs.length === 0) cli.note("no jobs");
        else cli.print(...jobTable(jobs, cli.times(options.absolute), cli.out, cli.columns));
        return undefined;
      }),
    );
}
