import { type Command, CommanderError } from "commander";
import { nearest } from "../config/schema/nearest.ts";
import { EXIT, normalise, StewardError } from "../message/errors.ts";
import { installedVersion } from "../platform/installation.ts";
import { Cli, type GlobalOptions, type Reach } from "./cli.ts";
import type { Runner } from "./command.ts";
import { checkArguments } from "./input/arguments.ts";
import type { CliIo } from "./io.ts";
import { buildProgram } from "./program.ts";
import { reachDaemon } from "./reach.ts";
import { faultBlock, faultJson } from "./render/fault.ts";
import { paintFor } from "./render/paint.ts";

/** The command line without the process around it. `argv` begins after `node` and the script. Never throws. */
export async function runCli(argv: readonly string[], io: CliIo, reach: Reach = reachDaemon): Promise<number> {
  let code: number = EXIT.ok;
  let within: Command | undefined;
  const run: Runner =
    (handler) =>
    async (...args) => {
      const command = args.at(-1) as Command;
      within = command;
      const cli = new Cli(io, command.optsWithGlobals<GlobalOptions>(), reach);
      const words = command.processedArgs.flat().filter((word): word is string => typeof word === "string");
      code = (await handler(cli, command.opts(), words)) ?? EXIT.ok;
    };
  const program = await buildProgram(run, installedVersion(), argv);
  prepare(program, io);
  try {
    checkArguments(argv, () => io.rawArguments?.());
    checkHelp(argv, program);
    await program.parseAsync(argv.length === 0 ? ["--help"] : argv, { from: "user" });
    return code;
  } catch (thrown) {
    if (thrown instanceof CommanderError && thrown.exitCode === 0) return EXIT.ok;
    // A command without its subcommand: its help was printed.
    if (thrown instanceof CommanderError && thrown.code === "commander.help") return EXIT.usage;
    const error = thrown instanceof CommanderError ? usageError(thrown, argv, program) : normalise(thrown);
    const options = within?.optsWithGlobals<GlobalOptions>() ?? program.opts<GlobalOptions>();
    const json = options.json === true || (thrown instanceof CommanderError && beforeDashes(argv).includes("--json"));
    const colour = options.color !== false && !beforeDashes(argv).includes("--no-color");
    io.stderr.write(json ? faultJson(error) : faultBlock(error, paintFor(io.stderr, io.env, colour)));
    return error.exit;
  }
}

/** No command ends the process, prints past `io`, or reports an error by itself. */
function prepare(command: Command, io: CliIo): void {
  command.exitOverride();
  command.configureOutput({
    writeOut: (text) => void io.stdout.write(text),
    writeErr: (text) => void io.stderr.write(text),
    outputError: () => undefined,
    getOutHelpWidth: () => Math.min(io.stdout.columns ?? 100, 100),
    getErrHelpWidth: () => Math.min(io.stderr.columns ?? 100, 100),
    getOutHasColors: () => false,
    getErrHasColors: () => false,
  });
  for (const child of command.commands) prepare(child, io);
}

function usageError(error: CommanderError, argv: readonly string[], program: Command): StewardError {
  const words = beforeDashes(argv);
  const names = new Set(program.commands.map((c) => c.name()));
  const command = words.find((word) => names.has(word)) ?? "";
  let fault = error.message
    .replace(/^error: /, "")
    .replace(/^command-argument value (.*) is invalid for argument .* Allowed choices are (.*)\.$/, "$1 is none of: $2")
    .replace(/\s*\n\s*/g, " ");
  // `steward run ship1 ls -l`: the option was meant for the program there.
  if (command === "run" && error.code === "commander.unknownOption" && !argv.includes("--")) {
    fault += "; write `--` before the command that is to run there: steward run TARGET -- CMD…";
  }
  return new StewardError("usage", { fault, command }, { cause: error });
}

/** Refuses `steward help nosuch`. @throws StewardError `usage` */
function checkHelp([first, named]: readonly string[], program: Command): void {
  if (first !== "help" || named === undefined || named.startsWith("-")) return;
  const names = program.commands.map((one) => one.name());
  if (names.includes(named) || named === "help") return;
  const near = nearest(named, names);
  const fault = `unknown command '${named}'${near === undefined ? "" : ` (Did you mean ${near}?)`}`;
  throw new StewardError("usage", { fault, command: "" });
}

function beforeDashes(argv: readonly string[]): readonly string[] {
  const dashes = argv.indexOf("--");
  return dashes < 0 ? argv : argv.slice(0, dashes);
}
