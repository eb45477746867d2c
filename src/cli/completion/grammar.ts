import type { Argument, Command } from "commander";

/** A completion, read off the commands themselves. */
export interface Word {
  readonly text: string;
  readonly summary: string;
}

/** The kind of word at the cursor: names that only the daemon knows, files, or one of a few words. */
export type Place =
  | { readonly kind: "node" | "target" | "subject" | "message" | "deadLetter" | "file" | "none" }
  | { readonly kind: "words"; readonly words: readonly Word[] };

const NOTHING: Place = { kind: "none" };

const ARGUMENTS: Readonly<Record<string, Exclude<Place["kind"], "words">>> = {
  node: "node",
  target: "target",
  subject: "subject",
  id: "message",
  file: "file",
};

const OPTION_VALUES: Readonly<Record<string, Exclude<Place["kind"], "words">>> = {
  "--config": "file",
  "--socket": "file",
  "--node": "node",
};

export function commandWords(command: Command): Word[] {
  return command
    .createHelp()
    .visibleCommands(command)
    .map((child) => ({ text: child.name(), summary: child.summary() || child.description() }));
}

function optionWords(command: Command): Word[] {
  const found = new Map<string, string>();
  for (let at: Command | null = command; at !== null; at = at.parent) {
    for (const option of at.createHelp().visibleOptions(at))
      if (option.long != null) found.set(option.long, option.description);
  }
  return [...found].map(([text, summary]) => ({ text, summary }));
}

/** The command that the words before the cursor name, and the place at the cursor: the last of `words`, perhaps empty. */
export function placeAt(
  program: Command,
  words: readonly string[],
): { command: Command; place: Place; before: readonly string[] } {
  const current = words.at(-1) ?? "";
  let command = program;
  const before: string[] = [];
  for (let i = 0; i < words.length - 1; i++) {
    const word = words[i] ?? "";
    // The words after it are a program of another machine.
    if (word === "--") return { command, place: NOTHING, before };
    if (word.startsWith("-")) {
      const option = optionNamed(command, word);
      const takesNext = option !== undefined && (option.required || option.optional) && !word.includes("=");
      if (takesNext && i === words.length - 2) return { command, place: valuePlace(option.long ?? ""), before };
      if (takesNext) i++;
      continue;
    }
    const child =
      before.length > 0
        ? undefined
        : command.commands.find((one) => one.name() === word || one.aliases().includes(word));
    if (child === undefined) before.push(word);
    else command = child;
  }
  if (current.startsWith("-")) return { command, place: { kind: "words", words: optionWords(command) }, before };
  if (command.commands.length > 0 && before.length === 0)
    return { command, place: { kind: "words", words: commandWords(command) }, before };
  return { command, place: argumentPlace(command, before), before };
}

function argumentPlace(command: Command, before: readonly string[]): Place {
  const all: readonly Argument[] = command.registeredArguments;
  const last = all.at(-1);
  const argument = all[before.length] ?? (last?.variadic === true ? last : undefined);
  if (argument === undefined) return NOTHING;
  if (argument.argChoices !== undefined)
    return { kind: "words", words: argument.argChoices.map((text) => ({ text, summary: "" })) };
  if (command.name() === "dead") return { kind: "deadLetter" };
  return { kind: ARGUMENTS[argument.name()] ?? "none" };
}

function valuePlace(long: string): Place {
  return { kind: OPTION_VALUES[long] ?? "none" };
}

function optionNamed(command: Command, word: string) {
  const name = word.split("=")[0];
  for (let at: Command | null = command; at !== null; at = at.parent) {
    const option = at.options.find((one) => one.long === name || one.short === name);
    if (option !== undefined) return option;
  }
  return undefined;
}
