import type { Command } from "commander";
import { StewardError } from "../../../message/errors.ts";
import { systemRandom } from "../../../platform/system-clock.ts";
import type { Cli } from "../../cli.ts";
import { command, type Runner } from "../../command.ts";
import { keyFileOf } from "../../input/operator-key.ts";
import { visible } from "../../render/text.ts";

interface KeyOptions {
  readonly file?: string;
}

export function addKey(operator: Command, run: Runner): void {
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
        const path = pathOf(cli, name, file);
        const key = makeOperatorKey(path, systemRandom);
        if (cli.json) cli.printJson({ name, key, file: path });
        else cli.print(key);
        const [shown, named] = [visible(path), visible(name)];
        cli.note(`the key of ${named} is in ${shown}: keep it, and give it to nobody`);
        cli.note(
          `next, an admin at the management station: steward operator add ${named} --role operator --key ${key}`,
        );
        cli.note(
          `then sign with --as ${file === undefined ? named : shown}, or for good: export STEWARD_OPERATOR_KEY=${shown}`,
        );
        return undefined;
      }),
    );
}

export function addRekey(operator: Command, run: Runner): void {
  command(operator, "rekey", {
    summary: "change your own key: the present one signs the next",
    description: `Change your own key. A new one is made in a file of its own, your present key (--as, STEWARD_OPERATOR_KEY) signs it, and the
management station and every node take it in place of the present one. Messages that wait and were signed with the present
key are refused by their nodes from then on: send those again.`,
    examples: [
      ["steward operator rekey ann --as ann --file ann2.nk", "ann makes a new key, and her present one signs it"],
    ],
  })
    .argument("<name>", "your name as an operator")
    .requiredOption("--file <file>", "keep the new key in this file")
    .action(
      run<KeyOptions>(async (cli, { file }, [name = ""]) => {
        const signer = await cli.signer();
        if (signer === undefined)
          throw new StewardError("usage", {
            fault: "nobody signs: name your present key with --as or STEWARD_OPERATOR_KEY",
            command: "operator rekey",
          });
        const [{ makeOperatorKey }, { signSuccession }] = await Promise.all([
          import("../../../security/operators/key-file.ts"),
          import("../../../security/operators/succession.ts"),
        ]);
        const daemon = await cli.daemon();
        const path = pathOf(cli, name, file);
        const key = makeOperatorKey(path, systemRandom);
        const view = await daemon.rekeyOperator(name, { key, signature: signSuccession(signer, name, key) });
        if (cli.json) cli.printJson({ ...view, file: path });
        else cli.print(key);
        cli.note(`${visible(name)} signs with the key in ${visible(path)} from now on: the one before is refused`);
        return undefined;
      }),
    );
}

function pathOf(cli: Cli, name: string, file: string | undefined): string {
  return keyFileOf(file === undefined ? name : cli.path(file), cli.io);
}
