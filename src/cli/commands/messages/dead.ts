import { Argument, type Command } from "commander";
import { EXIT, StewardError } from "../../../message/errors.ts";
import { findId } from "../../../message/find-id.ts";
import type { DeadLetter } from "../../../runtime/operate/operations.ts";
import { command, type Runner } from "../../command.ts";
import { idOf } from "../../input/options.ts";
import { deadTable } from "../../render/messages.ts";

interface Options {
  readonly absolute?: boolean;
}

export function addDead(program: Command, run: Runner): void {
  command(program, "dead", {
    summary: "list dead letters; retry or drop them",
    description: `List dead letters: messages that were set aside because they failed their process again and again.
\`retry\` sends them through their process once more, \`drop\` gives them up for good.`,
    examples: [
      ["steward dead", "what was set aside, and why"],
      ["steward dead retry 01K9ZD3Q5V", "after the cause was removed"],
      ["steward dead drop 01K9ZD3Q5V", "it shall not run any more"],
    ],
  })
    .addArgument(new Argument("[verb]", "what to do with them").choices(["retry", "drop"]))
    .argument("[id...]", "which: ids, or beginnings or ends of them")
    .option("--absolute", "print times as ISO 8601")
    .action(
      run<Options>(async (cli, options, [verb, ...words]) => {
        const daemon = await cli.daemon();
        const letters = await daemon.dead();
        if (verb === undefined) {
          if (cli.json) cli.printJson(letters);
          else if (letters.length === 0) cli.note("no dead letters");
          else cli.print(...deadTable(letters, cli.times(options.absolute), cli.columns));
          return EXIT.ok;
        }
        if (words.length === 0)
          throw new StewardError("usage", { fault: `${verb} needs the id of a dead letter`, command: "dead" });
        const chosen = words.map((word) => choose(letters, idOf(word)));
        for (const { id } of chosen) await (verb === "retry" ? daemon.retryDead(id) : daemon.dropDead(id));
        if (cli.json) cli.printJson(chosen.map(({ id }) => ({ id, done: verb })));
        else
          cli.print(
            ...chosen.map(({ id }) => `${id} ${verb === "retry" ? "goes through its process again" : "dropped"}`),
          );
        return EXIT.ok;
      }),
    );
}

function choose(letters: readonly DeadLetter[], written: string): DeadLetter {
  const newest = [...letters].sort((a, b) => b.at - a.at);
  const id = findId(written, () => newest.map((letter) => letter.id));
  const letter = letters.find((one) => one.id === id);
  if (letter === undefined) throw new StewardError("message-unknown", { id: written });
  return letter;
}
