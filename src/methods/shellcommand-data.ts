import type { Json } from "../message/message.ts";
import { surrogateFault } from "../message/text.ts";

/**
 * The data of `shellcommand`, checked and compiled. Three forms:
 *
 *   ["uname", "-a"]
 *   {argv: ["uname", "-a"], cwd: "/srv", env: {LANG: "C"}}
 *   {script: "cd /srv && ls", shell: "/bin/sh", cwd: …, env: …}
 *
 * Nothing is expanded: the program gets every argument, and the shell the script, byte for byte.
 */
interface Surroundings {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export type ParsedCommand =
  | (Surroundings & { readonly kind: "program"; readonly argv: readonly [string, ...string[]] })
  | (Surroundings & { readonly kind: "script"; readonly script: string; readonly shell: string });

const DEFAULT_SHELL = "/bin/sh";

/** What Linux takes: one string has 128 KiB with its closing NUL; all together, environment included, about 2 MiB. */
const ARGUMENT_BYTES = 128 * 1024 - 1;
const TOTAL_BYTES = 1024 * 1024;
const ARGUMENTS = 10_000;
const SCRIPT_BYTES = 16 * 1024 * 1024;

/** @throws Error that names the fault, for the one who wrote the data. */
export function parseCommand(data: Json): ParsedCommand {
  if (isList(data)) return { kind: "program", argv: parseArgv(data, "data") };
  if (typeof data === "string") {
    throw new Error(
      `data is one text; write a list, ["program", "argument", …], or {script: ${JSON.stringify(clip(data))}}`,
    );
  }
  if (!isObject(data)) throw new Error('data must be a list ["program", "argument", …], {argv: […]} or {script: "…"}');
  const { argv, script, shell, cwd, env, ...others } = data;
  const unknown = Object.keys(others)[0];
  if (unknown !== undefined) {
    throw new Error(`${JSON.stringify(clip(unknown))} is not known; allowed are argv, script, shell, cwd and env`);
  }
  const surroundings: Surroundings = {
    ...(cwd === undefined ? {} : { cwd: parseCwd(cwd) }),
    ...(env === undefined ? {} : { env: parseEnv(env) }),
  };
  if ((argv === undefined) === (script === undefined)) {
    throw new Error(argv === undefined ? "either argv or script is needed" : "argv and script exclude each other");
  }
  if (argv !== undefined) {
    if (shell !== undefined) throw new Error("shell goes with script, not with argv");
    if (!isList(argv)) throw new Error("argv must be a list of texts");
    return { kind: "program", argv: parseArgv(argv, "argv"), ...surroundings };
  }
  return {
    kind: "script",
    script: parseScript(script ?? null),
    shell: shell === undefined ? DEFAULT_SHELL : parseText(shell, "shell"),
    ...surroundings,
  };
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
  if (!cwd.startsWith("/")) throw new Error(`cwd must be an absolute path, it is ${JSON.stringify(clip(cwd))}`);
  return cwd;
}

function parseEnv(value: Json): Record<string, string> {
  if (!isObject(value)) throw new Error(`env must be an object of texts, it is ${kindOf(value)}`);
  const entries = Object.entries(value).map(([name, setting]): [string, string] => {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) throw new Error(`env: ${JSON.stringify(clip(name))} is not a name`);
    return [name, parseArgument(setting, `env.${name}`)];
  });
  const total = entries.reduce((sum, [name, setting]) => sum + name.length + Buffer.byteLength(setting) + 2, 0);
  if (total > TOTAL_BYTES) throw new Error(`env has ${total} bytes in all, ${TOTAL_BYTES} are allowed`);
  return Object.fromEntries(entries);
}

/**
 * The command as one line, for patterns and lists. Two commands with the same line do the same:
 *
 *   systemctl restart nginx             arguments, joined by one space
 *   grep 'a b' file                     quoted as a shell would when it holds a space or a quote, or is empty
 *   env -C /srv LANG=C ls               with a directory or an environment, as the program `env` would be called
 *   script: ls | wc -l                  a script; one for another shell than /bin/sh: `script(/bin/bash): …`
 */
export function describeCommand(command: ParsedCommand): string {
  const settings = Object.entries(command.env ?? {}).map(([name, setting]) => quote(`${name}=${setting}`));
  const surroundings = [...(command.cwd === undefined ? [] : ["-C", quote(command.cwd)]), ...settings];
  const prefix = surroundings.length === 0 ? "" : `env ${surroundings.join(" ")} `;
  if (command.kind === "program") {
    const [program, ...args] = command.argv;
    // Behind `env` it could pass for an option or a setting.
    const first = prefix !== "" && /^-|=/.test(program) ? singleQuote(program) : quote(program);
    return prefix + [first, ...args.map(quote)].join(" ");
  }
  const mark = command.shell === DEFAULT_SHELL ? "script:" : `script(${quote(command.shell)}):`;
  const raw = !CONTROL.test(command.script) && !command.script.startsWith("$'");
  return `${prefix}${mark} ${raw ? command.script : dollarQuote(command.script)}`;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const CONTROL = /[\u0000-\u001f\u007f\u0085\u2028\u2029]/;

function quote(text: string): string {
  if (CONTROL.test(text)) return dollarQuote(text);
  // What ends in a colon could pass for the mark of a script.
  if (text !== "" && !/[\s'"]/.test(text) && !text.endsWith(":")) return text;
  return singleQuote(text);
}

function singleQuote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Everything on one line, as bash writes it. */
function dollarQuote(text: string): string {
  const escaped = text.replace(/['\\]|\p{Cc}|\u2028|\u2029/gu, (c) => {
    if (c === "'" || c === "\\") return `\\${c}`;
    if (c === "\n") return "\\n";
    if (c === "\t") return "\\t";
    return `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
  return `$'${escaped}'`;
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

function clip(text: string): string {
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
