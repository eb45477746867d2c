import type { Json } from "../message/message.ts";
import { inQuotes } from "../message/text/printable.ts";
import { surrogateFault } from "../message/text/text.ts";
import type { Vector } from "./define.ts";

/**
 * The data of `shellcommand`, checked and compiled. The forms:
 *
 *   ["uname", "-a"]
 *   {argv: ["uname", "-a"], cwd: "/srv", env: {LANG: "C"}}
 *   {script: "cd /srv && ls", shell: "/bin/sh", args: ["first"], cwd: …, env: …}
 *
 * Beside argv or script, `input` is what the program reads on its standard input: a text, or {base64: "…"}. A script
 * that begins with `#!` is run by what it names there, unless `shell` names another.
 *
 * No text is expanded: the program gets every argument, and the shell the script, byte for byte.
 */
interface Surroundings {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: Input;
}

/** Bytes for the standard input. */
export interface Input {
  readonly text: string;
  readonly encoding: "utf8" | "base64";
}

export type ParsedCommand =
  | (Surroundings & { readonly kind: "program"; readonly argv: readonly [string, ...string[]] })
  | (Surroundings & {
      readonly kind: "script";
      readonly script: string;
      /** Absent: what the script names after `#!`, else /bin/sh. */
      readonly shell?: string;
      readonly args: readonly string[];
    });

const DEFAULT_SHELL = "/bin/sh";

/**
 * The limits of Linux: one string has 128 KiB with its closing NUL; all together, environment included, about 2 MiB.
 */
const ARGUMENT_BYTES = 128 * 1024 - 1;
const TOTAL_BYTES = 1024 * 1024;
const ARGUMENTS = 10_000;
const SCRIPT_BYTES = 16 * 1024 * 1024;

/** @throws Error that names the fault, for the one who wrote the data. */
export function parseCommand(data: Json): ParsedCommand {
  if (isList(data)) return { kind: "program", argv: parseArgv(data, "data") };
  if (typeof data === "string") {
    throw new Error(`data is one text; write a list, ["program", "argument", …], or {script: ${inQuotes(data)}}`);
  }
  if (!isObject(data)) throw new Error('data must be a list ["program", "argument", …], {argv: […]} or {script: "…"}');
  const { argv, script, shell, args, cwd, env, input, ...others } = data;
  const unknown = Object.keys(others)[0];
  if (unknown !== undefined) {
    throw new Error(`${inQuotes(unknown)} is not known; allowed are argv, script, shell, args, cwd, env and input`);
  }
  const surroundings: Surroundings = {
    ...(cwd === undefined ? {} : { cwd: parseCwd(cwd) }),
    ...(env === undefined ? {} : { env: parseEnv(env) }),
    ...(input === undefined ? {} : { input: parseInput(input) }),
  };
  if ((argv === undefined) === (script === undefined)) {
    throw new Error(argv === undefined ? "either argv or script is needed" : "argv and script exclude each other");
  }
  if (argv !== undefined) {
    if (shell !== undefined) throw new Error("shell goes with script, not with argv");
    if (args !== undefined) throw new Error("args go with script; argv has its arguments behind the program");
    if (!isList(argv)) throw new Error("argv must be a list of texts");
    return { kind: "program", argv: parseArgv(argv, "argv"), ...surroundings };
  }
  return {
    kind: "script",
    script: parseScript(script ?? null),
    args: args === undefined ? [] : parseArgs(args),
    ...(shell === undefined ? {} : { shell: parseText(shell, "shell") }),
    ...surroundings,
  };
}

/** The program that runs a script, and its arguments before the file: the kernel reads the first line the same way. */
export function interpreterOf(script: string, shell: string | undefined): readonly [string, ...string[]] {
  if (shell !== undefined) return [shell];
  const [, program, option = ""] = /^#![ \t]*(\S+)(?:[ \t]+(.*\S))?/.exec(script) ?? [];
  if (program === undefined) return [DEFAULT_SHELL];
  return option === "" ? [program] : [program, option];
}

function parseArgv(list: readonly Json[], where: string): readonly [string, ...string[]] {
  if (list.length > ARGUMENTS) throw new Error(`${where} has ${list.length} entries, ${ARGUMENTS} are allowed`);
  const [first, ...others] = list;
  if (first === undefined) throw new Error(`${where} is an empty list; its first entry must be the program`);
  const program = parseText(first, `${where}[0], the program,`);
  const args = others.map((entry, i) => parseArgument(entry, `${where}[${i + 1}]`));
  const total = [program, ...args].reduce((sum, text) => sum + Buffer.byteLength(text) + 1, 0);
  if (total > TOTAL_BYTES) throw new Error(`${where} has ${total} bytes in all, ${TOTAL_BYTES} are allowed`);
  return [program, ...args];
}

function parseArgs(value: Json): readonly string[] {
  if (!isList(value)) throw new Error("args must be a list of texts");
  return value.length === 0 ? [] : parseArgv(["script", ...value], "args").slice(1);
}

function parseInput(value: Json): Input {
  if (typeof value === "string") return { text: value, encoding: "utf8" };
  const base64 = isObject(value) && Object.keys(value).length === 1 ? value.base64 : undefined;
  if (typeof base64 !== "string") throw new Error('input must be a text, or {base64: "…"}');
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(base64))
    throw new Error("input.base64 is not base64");
  return { text: base64, encoding: "base64" };
}

function parseArgument(value: Json, where: string): string {
  if (typeof value !== "string") {
    const hint = typeof value === "number" || typeof value === "boolean" ? `; write "${value}"` : "";
    throw new Error(`${where} must be a text, it is ${kindOf(value)}${hint}`);
  }
  if (value.includes("\0")) throw new Error(`${where} holds a NUL character`);
  const half = surrogateFault(value);
  if (half !== undefined) throw new Error(`${where}: ${half}`);
  const bytes = Buffer.byteLength(value);
  if (bytes > ARGUMENT_BYTES) {
    throw new Error(
      `${where} has ${bytes} bytes, ${ARGUMENT_BYTES} are allowed; a script may be longer: {script: "…"}`,
    );
  }
  return value;
}

function parseText(value: Json, where: string): string {
  const text = parseArgument(value, where);
  if (text === "") throw new Error(`${where} is empty`);
  return text;
}

function parseScript(value: Json): string {
  if (typeof value !== "string") throw new Error(`script must be a text, it is ${kindOf(value)}`);
  if (value.includes("\0")) throw new Error("script holds a NUL character");
  const half = surrogateFault(value);
  if (half !== undefined) throw new Error(`script: ${half}`);
  const bytes = Buffer.byteLength(value);
  if (bytes > SCRIPT_BYTES) throw new Error(`script has ${bytes} bytes, ${SCRIPT_BYTES} are allowed`);
  return value;
}

function parseCwd(value: Json): string {
  const cwd = parseText(value, "cwd");
  if (!cwd.startsWith("/")) throw new Error(`cwd must be an absolute path, it is ${inQuotes(cwd)}`);
  return cwd;
}

function parseEnv(value: Json): Record<string, string> {
  if (!isObject(value)) throw new Error(`env must be an object of texts, it is ${kindOf(value)}`);
  const entries = Object.entries(value).map(([name, setting]): [string, string] => {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) throw new Error(`env: ${inQuotes(name)} is not a name`);
    return [name, parseArgument(setting, `env.${name}`)];
  });
  const total = entries.reduce((sum, [name, setting]) => sum + name.length + Buffer.byteLength(setting) + 2, 0);
  if (total > TOTAL_BYTES) throw new Error(`env has ${total} bytes in all, ${TOTAL_BYTES} are allowed`);
  return Object.fromEntries(entries);
}

/** The command as permission judges it: two commands with the same vector do the same. */
export function vectorOf(command: ParsedCommand): Vector {
  const { cwd, env, input } = command;
  const around = {
    ...(cwd === undefined ? {} : { cwd }),
    ...(env === undefined ? {} : { env }),
    ...(input === undefined ? {} : { input }),
  };
  if (command.kind === "program") return { argv: command.argv, ...around };
  const { script, shell, args } = command;
  // A shell that is named counts also where a script names another one.
  const usual = shell === undefined || (shell === DEFAULT_SHELL && !script.startsWith("#!"));
  return { argv: args, script, ...(usual ? {} : { shell }), ...around };
}

function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

function isObject(value: Json): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !isList(value);
}

function kindOf(value: Json): string {
  if (value === null) return "null";
  if (isList(value)) return "a list";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
