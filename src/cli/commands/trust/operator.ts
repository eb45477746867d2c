import type { Command } from "commander";
import { systemRandom } from "../../../platform/system-clock.ts";
import { command, type Runner } from "../../command.ts";
import { keyFileOf } from "../../input/operator-key.ts";
import { visible } from "../../render/text.ts";

interface KeyOptions {
  readonly file?: string;
}

export function addOperator(program: Command, run: Runner): void {
  const operator = command(program, "operator", {
    summary: "people who command and watch: their keys, roles and bounds",
    description: `People who command and watch. Each has a key of his own, made on his own side; the management station keeps the public half, the
role and the bounds, and tells every node.`,
    examples: [["steward operator key ann", "on ann's side: make her key, and print its public half"]],
  });
  addKey(operator, run);
}

function addKey(operator: Command, run: Runner): void {
  command(operator, "key", {
    summary: "make your own key, on your own machine",
    description: `Make your own key. It is kept in a file of mode 0600 in your configuration folder (~/.config/steward/NAME.nk), or in the file that
--file names, and never travels. The public half is printed: an admin enters it at the management station.`,
    examples: [
      ["steward operator key ann", "make the key of ann"],
      ["steward operator key ann --file /media/stick/ann.nk", "keep it elsewhere"],
    ],
  })
    .argument("<name>", "your name as an operator")
    .option("--file <file>", "keep the key in this file")
    .action(
      run<KeyOptions>(async (cli, { file }, [name = ""]) => {
        const { makeOperatorKey } = await import("../../../security/operators/key-file.ts");
        const path = keyFileOf(file === undefined ? name : cli.path(file), cli.io);
        const key = makeOperatorKey(path, systemRandom);
        if (cli.json) cli.printJson({ name, key, file: path });
        else cli.print(key);
        cli.note(`the key of ${visible(name)} is in ${visible(path)}: keep it, and give it to nobody`);
        cli.note(
          `next, an admin at the management station: steward operator add ${visible(name)} --role operator --key ${key}`,
        );
        cli.note(
          `then you sign with --as ${file === undefined ? visible(name) : visible(path)}, or for good: export STEWARD_OPERATOR_KEY=${visible(path)}`,
        );
        return undefined;
      }),
    );
}
