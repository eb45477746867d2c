import type { Command } from "commander";
import { EXIT, StewardError } from "../../../message/errors.ts";
import type { Cli } from "../../cli.ts";
import { command, type Runner } from "../../command.ts";
import { visible } from "../../render/text.ts";

export function addConfig(program: Command, run: Runner): void {
  const config = command(program, "config", {
    summary: "check, explain and compare configurations",
    examples: [
      ["steward config check", "test ./steward.yaml"],
      ["steward config reference > reference.yaml", "every setting, explained"],
    ],
  }).helpCommand("help [command]", "show help of a command");

  command(config, "check", {
    summary: "test a configuration file, all faults at once",
    examples: [
      ["steward config check", "test ./steward.yaml"],
      ["steward config check /etc/steward/ship1.yaml", "test another file"],
    ],
  })
    .argument("[file]", "configuration file (default: that of --config)")
    .action(run<object>(check));

  command(config, "reference", {
    summary: "print a file with every setting, its meaning and its default",
    examples: [["steward config reference | less", "look a setting up"]],
  }).action(
    run<object>(async (cli) => {
      const { referenceYaml } = await import("../../../config/reference/yaml.ts");
      cli.print(referenceYaml().trimEnd());
      return undefined;
    }),
  );

  command(config, "schema", {
    summary: "print the JSON Schema that editors complete from",
    examples: [
      ["steward config schema > steward.schema.json", "then: # yaml-language-server: $schema=steward.schema.json"],
    ],
  }).action(
    run<object>(async (cli) => {
      const { jsonSchema } = await import("../../../config/reference/json-schema.ts");
      cli.printJson(jsonSchema());
      return undefined;
    }),
  );

  command(config, "diff", {
    summary: "show the changes from one file to another",
    description: `Show the changes from one configuration file to another, and which of them need a restart of the daemon. Exit code 0 without
a change, 1 with changes.`,
    examples: [["steward config diff old.yaml", "from old.yaml to ./steward.yaml"]],
  })
    .argument("<before>", "configuration file")
    .argument("[after]", "configuration file (default: that of --config)")
    .action(run<object>(diff));
}

async function check(cli: Cli, _options: object, [named]: readonly string[]): Promise<number> {
  const file = named === undefined ? cli.configFile : cli.path(named);
  const { readConfigFile } = await import("../../../config/file/read.ts");
  const { checkConfig } = await import("../../../config/check.ts");
  const { formatFault } = await import("../../../config/file/fault.ts");
  const checked = checkConfig(readConfigFile(file), file, cli.io.env);
  if ("config" in checked) {
    const { node, central, subscribe, publish } = checked.config;
    const { confinementFaults } = await import("../../../security/confinement.ts");
    const warnings = confinementFaults(checked.config, cli.io.env);
    for (const warning of cli.json ? [] : warnings) cli.note(`${cli.err("yellow", "! here")} ${visible(warning)}`);
    if (cli.json) cli.printJson({ file, ok: true, faults: [], warnings });
    else
      cli.print(
        `${cli.out("green", "✓ ok")} ${visible(file)}: node ${node}, management station ${central}, ${subscribe.length} entries in subscribe, ${publish.length} in publish`,
      );
    return EXIT.ok;
  }
  if (cli.json) {
    cli.printJson({ file, ok: false, faults: checked.faults });
    return EXIT.usage;
  }
  const faults = checked.faults.map(formatFault).join("\n");
  throw new StewardError("config-invalid", { file, count: checked.faults.length, faults });
}

async function diff(cli: Cli, _options: object, [before = "", after]: readonly string[]): Promise<number> {
  const { loadConfig } = await import("../../../config/load.ts");
  const { diffConfig } = await import("../../../config/diff.ts");
  const options = { env: cli.io.env };
  const { changes } = diffConfig(
    loadConfig(cli.path(before), options),
    loadConfig(after === undefined ? cli.configFile : cli.path(after), options),
  );
  if (cli.json) cli.printJson(changes);
  else if (changes.length === 0) cli.note("the files mean the same");
  for (const { text, applies } of cli.json ? [] : changes) {
    cli.print(
      `${visible(text)}${applies === "restart" ? ` ${cli.out("yellow", "! needs a restart of the daemon")}` : ""}`,
    );
  }
  return changes.length === 0 ? EXIT.ok : EXIT.someFailed;
}
