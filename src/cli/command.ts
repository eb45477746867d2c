import type { Command } from "commander";
import type { Cli } from "./cli.ts";

/** The work of a command; resolves with the exit code, `undefined` means 0. */
export type Handler<Options> = (cli: Cli, options: Options, words: readonly string[]) => Promise<number | undefined>;

/** Hands a command its `Cli` and keeps its exit code. */
export type Runner = <Options extends object>(handler: Handler<Options>) => (...args: unknown[]) => Promise<void>;

export type Register = (program: Command, run: Runner) => void;

/** The page that explains every word of the output, as the help names it. */
export const WORDS = "docs/words.md (/usr/share/doc/steward/docs/words.md)";

export interface CommandText {
  readonly summary: string;
  /** More than the summary, for --help. */
  readonly description?: string;
  /** `[command line, what it does]`; at least one. */
  readonly examples: readonly (readonly [string, string])[];
}

/** Adds a command with its help, examples included. */
export function command(parent: Command, usage: string, text: CommandText): Command {
  const added = parent
    .command(usage)
    .summary(text.summary)
    .description(paragraphs(text.description ?? `${text.summary.charAt(0).toUpperCase()}${text.summary.slice(1)}.`));
  const column = Math.max(...text.examples.map(([line]) => line.length));
  const examples = text.examples.map(([line, what]) => `  $ ${line.padEnd(column)}  # ${what}`);
  added.addHelpText("after", `\nExamples:\n${examples.join("\n")}`);
  return added;
}

/** Joins the lines of each paragraph, so that they are broken where the terminal ends; indented lines stay. */
function paragraphs(text: string): string {
  return text.replace(/([^\n])\n(?=[^\s])/g, "$1 ");
}

export function globalOptions(program: Command): Command {
  return program
    .option(
      "--config <file>",
      "configuration file (default: STEWARD_CONFIG, else ./steward.yaml, else /etc/steward/steward.yaml)",
    )
    .option("--socket <path>", "the daemon's socket (default: STEWARD_SOCKET, else the configuration's)")
    .option("--as <operator>", "sign as this operator: a name, or the file of a key (default: STEWARD_OPERATOR_KEY)")
    .option("--json", "print JSON")
    .option("--no-color", "print without colour (also: NO_COLOR)");
}
