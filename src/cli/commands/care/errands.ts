import { Argument, type Command } from "commander";
import { StewardError } from "../../../message/errors.ts";
import { command, type Runner } from "../../command.ts";
import { table } from "../../render/table.ts";
import { counted, visible } from "../../render/text.ts";

interface Options {
  readonly absolute?: boolean;
}

export function addErrands(program: Command, run: Runner): void {
  command(program, "errands", {
    summary: "list alerts and outcomes that wait for their destinations, try them again, or give them up",
    description: `List errands: alerts and outcomes that have not reached their destination (\`destinations:\` in steward.yaml), with the
number of attempts and why the last one failed. The beginning of a key is enough. They are tried again after growing pauses, without end, also across restarts; only
\`drop\` gives one up. docs/alerts.md.`,
    examples: [
      ["steward errands", "what waits"],
      ["steward errands retry all", "try all of it now"],
      ["steward errands drop 01M8NQJTB0NCN88R348KBRCDSP-log", "give one up"],
    ],
  })
    .addArgument(new Argument("[verb]", "retry or drop").choices(["retry", "drop"]))
    .argument("[key...]", "keys of errands, or all")
    .option("--absolute", "print times as ISO 8601")
    .action(
      run<Options>(async (cli, options, [verb, ...words]) => {
        const daemon = await cli.daemon();
        const errands = await daemon.errands();
        if (verb === undefined) {
          const times = cli.times(options.absolute);
          if (cli.json) cli.printJson(errands);
          else if (errands.length === 0) cli.note("no errands wait");
          else
            cli.print(
              ...table(
                errands,
                [
                  { title: "KEY", cell: ({ id }) => visible(id) },
                  { title: "TO", cell: ({ to }) => visible(to) },
                  { title: "MADE", cell: ({ madeAt }) => times.at(madeAt) },
                  { title: "TRIED", cell: ({ attempts }) => String(attempts), align: "right" },
                  { title: "NEXT", cell: ({ dueAt }) => times.at(dueAt) },
                  { title: "WHAT", cell: ({ text }) => visible(text), isLong: true },
                  { title: "FAULT", cell: ({ fault = "" }) => visible(fault) },
                ],
                cli.columns,
              ),
            );
          return undefined;
        }
        if (words.length === 0)
          throw new StewardError("usage", { fault: `${verb} needs keys of errands, or all`, command: "errands" });
        const keys = errands.map(({ id }) => id);
        const ids = words.includes("all") ? keys : words.map((word) => keyOf(word, keys));
        for (const id of ids) await (verb === "retry" ? daemon.retryErrand(id) : daemon.dropErrand(id));
        if (cli.json) cli.printJson(ids.map((id) => ({ id, done: verb })));
        else cli.print(`${counted(ids.length, "errand")} ${verb === "retry" ? "tried again" : "given up"}`);
        return undefined;
      }),
    );
}

/** The key that somebody means: the whole of it, or its beginning, where that fits one errand only. */
function keyOf(word: string, keys: readonly string[]): string {
  if (keys.includes(word)) return word;
  const found = keys.filter((key) => word !== "" && key.toLowerCase().startsWith(word.toLowerCase()));
  const [key, second] = found;
  if (key === undefined) throw new StewardError("errand-unknown", { id: word });
  if (second === undefined) return key;
  const fault = `${word} is the beginning of ${found.length} keys: write more of it`;
  throw new StewardError("usage", { fault, command: "errands" });
}
