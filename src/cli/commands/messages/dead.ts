import { Argument, type Command } from "commander";
import { EXIT, StewardError } from "../../../message/errors.ts";
import { findId } from "../../../message/find-id.ts";
import type { DeadLetter } from "../../../runtime/operate/table/messages.ts";
import { command, type Runner } from "../../command.ts";
import { idOf } from "../../input/options.ts";
import { deadTable } from "../../render/messages.ts";

interface Options {
  readonly absolute?: boolean;
}

export function addDead(program: Command, run: Runner): void {
  command(program, "dead", {
    summary: "list dead letters; retry or drop them",
    description: `List dead letters: messages that were set aside because their process failed with them again and again. \`retry\` hands a
dead letter to its process once more, \`drop\` deletes it.`,
    examples: [
      ["steward dead", "dead letters, each with its reason"],
      ["steward dead retry 01K9ZD3Q5V", "try again, once the cause was removed"],
      ["steward dead drop 01K9ZD3Q5V", "delete it: it will never run"],
    ],
  })
    .addArgument(new Argument("[verb]", "retry or drop dead letters").choices(["retry", "drop"]))
    .argument("[id...]", "ids, or beginnings or ends of ids")
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
          cli.print(...chosen.map(({ id }) => `${id} ${verb === "retry" ? "handed to its process again" : "dropped"}`));
        return EXIT.ok;
      }),
    );
}

function choose(letters: readonly DeadLetter[], written: string): DeadLetter {
  const newest = [...letters].sort((a, b) => b.at - a.at).map(({ id }) => id);
  const id = findId(written, () => newest, undefined, "dead-letter-unknown");
  const letter = letters.find((one) => one.id === id);
  if (letter === undefined) throw new StewardError("dead-letter-unknown", { id: written });
  return letter;
}
