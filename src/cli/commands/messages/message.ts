import type { Command } from "commander";
import { EXIT } from "../../../message/errors.ts";
import type { MessageDetail } from "../../../runtime/operate/table/messages.ts";
import type { Cli } from "../../cli.ts";
import { command, type Runner, WORDS } from "../../command.ts";
import { type Followed, Follower, unlessUnknown } from "../../follow/follower.ts";
import { reportEnd } from "../../follow/report.ts";
import { durationOrNever, idOf } from "../../input/options.ts";
import { messageLines, receiver } from "../../render/messages.ts";
import { GatheredOutput, RawOutput } from "../../render/output.ts";
import { visibleButColours } from "../../render/text.ts";

interface Options {
  readonly follow?: boolean;
  readonly wait?: string;
  readonly output?: boolean;
  readonly raw?: boolean;
  readonly absolute?: boolean;
}

const NEVER_SEEN = { link: "neverSeen", linkSince: null } as const;

const DESCRIPTION = `Show one message: its state, its history, its outcome and its output. An id may be shortened to its beginning or its
end, as long as that fits one message only. @1 is the newest message, @2 the one before it; messages that steward sends for itself
(domain steward) are not counted. ${WORDS} explains every word and state.

--follow prints the output so far, then all new output until the message has its final state; Ctrl-C ends the printing and
nothing else. The exit code is then that of \`steward run\`. Without --follow it is 0 once the message could be shown, and 1 when
--output writes to a file or a pipe and a part of the output is missing.`;

export function addMessage(program: Command, run: Runner): void {
  command(program, "message", {
    summary: "show one message, or follow it to its end",
    description: DESCRIPTION,
    examples: [
      ["steward message 01K9ZD3Q5V", "state, history, outcome and output"],
      ["steward message 01K9ZD3Q5V --follow", "come back to a run that was detached"],
      ["steward message 01K9ZD3Q5V --output > file", "the output, byte for byte"],
    ],
  })
    .argument("<id...>", "an id, its beginning or end, or @1 for the newest message, @2 for the one before")
    .option("-f, --follow", "print the output until the message has its final state")
    .option("--wait <time>", "with --follow: wait at most that long (10s, 5m), or never (without limit)")
    .option("--output", "print the output and nothing else")
    .option("--raw", "with --output or --follow: pass control sequences on to the terminal")
    .option("--absolute", "print times as ISO 8601")
    .action(
      run<Options>(async (cli, options, words) => {
        if (options.follow === true) return follow(cli, options, words);
        const daemon = await cli.daemon();
        const details = await Promise.all(words.map((word) => daemon.message(idOf(word))));
        if (cli.json) cli.printJson(details.length === 1 ? details[0] : details);
        else if (options.output === true) return printOutput(cli, details, options.raw === true);
        else for (const [i, detail] of details.entries()) printDetail(cli, detail, options.absolute, i > 0);
        return undefined;
      }),
    );
}

async function follow(cli: Cli, options: Options, words: readonly string[]): Promise<number> {
  cli.endWithin(options.wait === undefined ? null : durationOrNever("--wait", options.wait));
  const follower = new Follower(cli, { raw: options.raw === true });
  try {
    await follower.listen();
    const daemon = await cli.daemon();
    const details = await Promise.all(words.map((word) => daemon.message(idOf(word))));
    const messages: Followed[] = [];
    for (const { id, subject, origin, direction, deliverBy } of details) {
      const node = receiver(subject);
      const own = direction === "in" || origin === node ? { here: true as const } : {};
      const { link, linkSince } = (await daemon.node(node).catch(unlessUnknown)) ?? NEVER_SEEN;
      messages.push({ id, subject, node, link, linkSince, deliverBy, ...own, stale: true });
    }
    const ending = await follower.wait(messages, "final", cli.timeLeft);
    return reportEnd(cli, follower, ending);
  } finally {
    await follower.close();
  }
}

function printDetail(cli: Cli, detail: MessageDetail, absolute: boolean | undefined, apart: boolean): void {
  if (apart) cli.print("");
  cli.print(...messageLines(detail, cli.times(absolute), cli.out));
  const gathered = GatheredOutput.of(detail, true);
  for (const stream of ["stdout", "stderr"] as const) {
    const text = gathered.bytes(stream).toString("utf8");
    if (text === "") continue;
    cli.print(
      "",
      stream.toUpperCase(),
      ...text
        .replace(/\n$/, "")
        .split("\n")
        .map((line) => `  ${visibleButColours(line.replace(/\r$/, ""))}`),
    );
  }
  if (!detail.final)
    cli.note(`  ${cli.err("dim", "→")} follow the message with: steward message ${detail.id} --follow`);
}

function printOutput(cli: Cli, details: readonly MessageDetail[], raw: boolean): number {
  let missing = false;
  for (const detail of details) {
    const printer = new RawOutput(cli.io, (line) => cli.note(cli.err("dim", line)), raw);
    printer.take(detail.output, true);
    if (detail.outcome !== undefined) printer.finish(detail.outcome.totals);
    printer.end();
    missing ||= printer.missing > 0;
  }
  return missing && cli.io.stdout.isTTY !== true ? EXIT.someFailed : EXIT.ok;
}
