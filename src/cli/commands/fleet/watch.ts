import type { Command } from "commander";
import type { Happening } from "../../../message/happening.ts";
import type { LogLine } from "../../../runtime/operate/table/logs.ts";
import type { Cli } from "../../cli.ts";
import { command, type Runner } from "../../command.ts";
import { followUntilInterrupted } from "../../follow/interrupt.ts";
import { LogTail } from "../../follow/log-tail.ts";
import { wholeNumber } from "../../input/options.ts";
import { happeningLines, logLine } from "../../render/happening.ts";
import { insistKnown } from "../../suggest.ts";

interface Options {
  readonly lines: string;
  readonly follow: boolean;
  readonly all?: boolean;
  readonly absolute?: boolean;
}

export function addWatch(program: Command, run: Runner): void {
  command(program, "watch", {
    summary: "follow the log lines that nodes send",
    description: `Follow the log lines that nodes send: the last stored lines of each log, then every new line. With --all also messages,
output, nodes, processes and alerts, as they change. Ctrl-C ends it. With --json: one JSON object a line.`,
    examples: [
      ["steward watch", "all logs of all nodes"],
      ["steward watch ship1 nginx --lines 100", "one log, from 100 lines back"],
      ["steward watch --all", "every change in the fleet"],
    ],
  })
    .argument("[node]", "name of one node")
    .argument("[domain]", "domain of one log, such as nginx")
    .option("-n, --lines <count>", "stored lines of each log to begin with", "10")
    .option("--no-follow", "print the stored lines and end")
    .option("-a, --all", "print every change, not only log lines")
    .option("--absolute", "print times as ISO 8601")
    .action(run<Options>(watch));
}

async function watch(cli: Cli, options: Options, [node, domain]: readonly string[]): Promise<undefined> {
  const lines = wholeNumber("--lines", "watch", options.lines, 0);
  const query = { ...(node === undefined ? {} : { node }), ...(domain === undefined ? {} : { domain }) };
  const print = (line: LogLine): void => {
    if (cli.json) cli.printJsonLine({ type: "log", ...line });
    else cli.print(logLine(line.node, line.domain, line.line, cli.out));
  };
  const stored = async (count: number): Promise<readonly LogLine[]> =>
    (await cli.daemon()).logs({ ...query, lines: count });
  if (node !== undefined) await insistKnown(await cli.daemon(), node);
  if (!options.follow) {
    const found = await stored(lines);
    for (const line of found) print(line);
    if (found.length === 0)
      cli.note(`no stored log lines${node === undefined ? "" : ` of ${[node, domain].join(" ").trim()}`}`);
    return undefined;
  }
  const tail = new LogTail(print);
  await followUntilInterrupted(cli, {
    // Lines that came while the stream was broken are in the store: more are read than were asked for at first.
    onOpen: (again) => tail.read(() => stored(again ? Math.max(lines, 1_000) : lines)),
    onHappening: (happening) => {
      if (happening.type === "log") {
        if (isMeant(happening, node, domain))
          tail.take(happening.lines.map((line) => ({ node: happening.node, domain: happening.domain, line })));
      } else if (
        options.all === true &&
        happening.type !== "transition" &&
        (node === undefined || concerns(happening, node))
      ) {
        if (cli.json) cli.printJsonLine(happening);
        else cli.print(...happeningLines(happening, options.absolute === true, cli.out));
      }
    },
  });
  return undefined;
}

function isMeant(
  log: Extract<Happening, { type: "log" }>,
  node: string | undefined,
  domain: string | undefined,
): boolean {
  return (node === undefined || log.node === node) && (domain === undefined || log.domain === domain);
}

function concerns(happening: Happening, node: string): boolean {
  switch (happening.type) {
    case "node":
      return happening.name === node;
    case "alert":
      return happening.node === node;
    case "message":
    case "output":
    case "process":
      return happening.subject.split(".")[0] === node;
    default:
      return false;
  }
}
