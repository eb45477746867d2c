import type { Command } from "commander";
import { normalise, StewardError } from "../../../message/errors.ts";
import { command, type Runner } from "../../command.ts";
import { idOf } from "../../input/options.ts";
import { jobLines } from "../../render/jobs.ts";
import { messageLines } from "../../render/messages.ts";

export function addStatus(program: Command, run: Runner): void {
  command(program, "status", {
    summary: "show the job or the message whose id begins so",
    examples: [["steward status 01M8", "whatever has an id that begins with 01M8"]],
  })
    .argument("<id>", "the beginning of an id")
    .option("--absolute", "print times as ISO 8601")
    .action(
      run<{ readonly absolute?: boolean }>(async (cli, { absolute }, [word = ""]) => {
        const daemon = await cli.daemon();
        const id = idOf(word);
        // An id that fits both may be one of either, so both are asked for.
        const job = await daemon.job(id).catch(unless("job-unknown"));
        const message = await daemon.message(id).catch(unless("message-unknown"));
        if (job !== undefined && message !== undefined && job.id !== id && message.id !== id)
          throw new StewardError("message-ambiguous", {
            id: word,
            part: "beginning",
            count: 2,
            ids: `${job.id}, ${message.id}`,
          });
        if (job === undefined && message === undefined) throw new StewardError("message-unknown", { id: word });
        const times = cli.times(absolute);
        if (cli.json) cli.printJson(job ?? message);
        else if (job !== undefined) cli.print(...jobLines(job, times, cli.out));
        else if (message !== undefined) cli.print(...messageLines(message, times, cli.out));
        return undefined;
      }),
    );
}

function unless(code: string): (thrown: unknown) => undefined {
  return (thrown) => {
    if (normalise(thrown).code !== code) throw thrown;
    return undefined;
  };
}
