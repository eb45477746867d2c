import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { Command } from "commander";
import { faultText, StewardError } from "../../message/errors.ts";
import { checkToken } from "../../message/subject.ts";
import { command, type Runner } from "../command.ts";
import { visible } from "../render/text.ts";

interface Options {
  readonly central: string;
  readonly broker?: string;
  readonly data?: string;
  readonly force?: boolean;
  readonly print?: boolean;
}

export function addInit(program: Command, run: Runner): void {
  command(program, "init", {
    summary: "write a commented steward.yaml to begin with",
    description: `Write a commented steward.yaml to begin with: for the management station, or, with the name of another node, for an edge
node. It goes to ./steward.yaml, or to the file that --config names. A file that is there is left as it is without --force.`,
    examples: [
      ["steward init", "the management station, with a broker of its own"],
      ["steward init ship1 --broker nats://10.0.0.1:4222", "an edge node"],
    ],
  })
    .argument("[node]", "name of this node (default: that of the management station)")
    .option("--central <name>", "name of the management station", "central")
    .option("--broker <url>", "address of the broker")
    .option("--data <directory>", "data directory")
    .option("--force", "overwrite a file that is there")
    .option("--print", "print it instead of writing a file")
    .action(
      run<Options>(async (cli, options, [named]) => {
        const { initConfig } = await import("../../config/init.ts");
        const central = checkToken("node", options.central);
        const node = checkToken("node", named ?? central);
        if (node !== central && options.broker === undefined) {
          const fault = `${node} is not the management station, so it needs the address of the broker: --broker nats://<host>:4222`;
          throw new StewardError("usage", { fault, command: "init" });
        }
        const text = initConfig({
          role: node === central ? "central" : "edge",
          node,
          central,
          ...(options.broker === undefined ? {} : { broker: options.broker }),
          ...(options.data === undefined ? {} : { data: options.data }),
        });
        if (options.print === true) {
          cli.print(text.trimEnd());
          return undefined;
        }
        const file = cli.newConfigFile;
        await write(file, text, options.force === true);
        if (cli.json) cli.printJson({ file, node, central });
        else cli.print(`wrote ${visible(file)} for node ${node}`);
        cli.note(
          `  ${cli.err("dim", "→")} look through it, then: steward up${file === cli.path("steward.yaml") ? "" : ` --config ${visible(file)}`}`,
        );
        return undefined;
      }),
    );
}

async function write(file: string, text: string, force: boolean): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text, { flag: force ? "w" : "wx" });
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "EEXIST") {
      throw new StewardError(
        "usage",
        { fault: `${file} is there already; --force overwrites it`, command: "init" },
        { cause: thrown },
      );
    }
    throw new StewardError("file-unwritable", { file, fault: faultText(thrown) }, { cause: thrown });
  }
}
