import type { Command } from "commander";
import { EXIT, normalise, StewardError } from "../../../message/errors.ts";
import { isId } from "../../../message/id.ts";
import type { Found } from "../../../runtime/operate/table/jobs.ts";
import type { Cli } from "../../cli.ts";
import { command, type Runner } from "../../command.ts";
import { idOf } from "../../input/options.ts";
import { jobLines, jobState } from "../../render/jobs.ts";
import { messageLines } from "../../render/messages.ts";
import { messageState } from "../../render/states.ts";
import { table } from "../../render/table.ts";
import { visible } from "../../render/text.ts";
import type { Times } from "../../render/time.ts";

export function addStatus(program: Command, run: Runner): void {
  command(program, "status", {
    summary: "show the job or the message whose id begins so",
    description: `Show the job or the message whose id begins so. Ids of messages begin like that of their job: as long as an id fits only
one job and messages of it, the job is meant. Where it fits more, all of them are listed, each with what it is, and the exit code
is 2.`,
    examples: [["steward status 01M8", "whatever has an id that begins with 01M8"]],
  })
    .argument("<id>", "the beginning of an id")
    .option("--absolute", "print times as ISO 8601")
    .action(
      run<{ readonly absolute?: boolean }>(async (cli, { absolute }, [word = ""]) => {
        const daemon = await cli.daemon();
        const id = idOf(word);
        const times = cli.times(absolute);
        const found = isId(id as unknown) || id.startsWith("@") ? NOTHING : await daemon.found(id);
        const { jobs, messages } = found;
        if (found.more || jobs.length + messages.length > 1) return listed(cli, id, found, times);
        // The whole of an id, its end, and @1 may be one of either, so both are asked for.
        const only = jobs[0]?.id ?? messages[0]?.id ?? id;
        const job = messages.length > 0 ? undefined : await daemon.job(only).catch(unless("job-unknown"));
        const message = jobs.length > 0 ? undefined : await daemon.message(only).catch(unless("message-unknown"));
        if (job !== undefined && message !== undefined && job.id !== id && message.id !== id)
          return listed(cli, id, { jobs: [job], messages: [message], more: false }, times);
        if (job === undefined && message === undefined) throw new StewardError("message-unknown", { id: word });
        if (cli.json) cli.printJson(job ?? message);
        else if (job !== undefined) cli.print(...jobLines(job, times, cli.out));
        else if (message !== undefined) cli.print(...messageLines(message, times, cli.out));
        return undefined;
      }),
    );
}

const NOTHING: Found = { jobs: [], messages: [], more: false };

/** Several ids fit what was written: each is listed with what it is. */
function listed(cli: Cli, written: string, { jobs, messages, more }: Found, times: Times): number {
  const rows = [
    ...jobs.map((job) => ({
      ...{ id: job.id, kind: "job", state: jobState(job.state, cli.out), since: job.since },
      what: job.note === "" ? job.summary : `${job.summary} (${job.note})`,
    })),
    ...messages.map((message) => ({
      ...{ id: message.id, kind: "message", state: messageState(message.state, cli.out), since: message.since },
      what: `${message.subject.split(".")[0]}: ${message.summary}`,
    })),
  ];
  if (cli.json) cli.printJson({ jobs, messages, more });
  else
    cli.print(
      ...table(
        rows,
        [
          { title: "ID", cell: (row) => row.id },
          { title: "", cell: (row) => row.kind },
          { title: "STATE", cell: (row) => row.state },
          { title: "SINCE", cell: (row) => times.at(row.since) },
          { title: "WHAT", cell: (row) => visible(row.what) },
        ],
        cli.columns,
      ),
    );
  cli.note(`${visible(written)} fits ${more ? "these and more" : "all of these"}: write more of the one that is meant`);
  return EXIT.usage;
}

function unless(code: string): (thrown: unknown) => undefined {
  return (thrown) => {
    if (normalise(thrown).code !== code) throw thrown;
    return undefined;
  };
}
