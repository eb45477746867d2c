import { isUtf8 } from "node:buffer";
import { StewardError } from "../../message/errors.ts";
import type { Json } from "../../message/message.ts";
import { hasReference } from "../../message/text/secret-reference.ts";
import type { Cli } from "../cli.ts";
import { checkedText } from "../io.ts";
import { readBytes } from "./standard-input.ts";
import { readUserFile } from "./user-file.ts";

/** The words and options of `steward run` that name the command. */
export interface CommandWords {
  /** The words after the target. */
  readonly argv: readonly string[];
  /** `true`: a script without the name of a file. */
  readonly script?: string | boolean;
  /** Standard input is for the command. */
  readonly stdin?: boolean;
  /** Variables of the command, each NAME=VALUE. */
  readonly env?: readonly string[];
  readonly cwd?: string;
}

/** Characters up to which a line for the shell travels as an argument of `sh -c`. */
const LINE = 100_000;

/**
 * The data of the command: a program, a line for the shell, or a script; with standard input where that was asked for.
 *
 * @throws StewardError `usage`, `file-unreadable`
 */
export async function commandData(cli: Cli, words: CommandWords): Promise<Json> {
  const { argv, script = false } = words;
  const readsScript = script === "-" || (script === true && argv.length === 0);
  if (readsScript && words.stdin === true)
    throw usage("standard input is the script already, so --stdin has nothing to pass on; name a file: --script FILE");
  if (!readsScript && words.stdin !== true && (await cli.io.stdin.waits())) {
    throw usage(
      "there is input on standard input, and the command would not get it: add --stdin to pass it on, or < /dev/null to leave it out",
    );
  }
  if (script === false && argv.length === 0)
    throw usage("there is no command to run; write it after `--`: steward run TARGET -- uptime");
  if (script === true && argv.length > 0) {
    const text = argv.join(" ");
    if (text.trim() === "") throw usage("the script is empty");
    // Other users of the node see the arguments of a program: a line with a secret is none.
    const isLine = text.length <= LINE && !/^(?:-|#!)/.test(text) && !hasReference(text);
    return isLine ? await program(["sh", "-c", text]) : { script: text, ...(await around()) };
  }
  if (script === false) return await program(argv);
  const bytes = readsScript ? await readBytes(cli.io.stdin) : await readScript(cli, String(script));
  const text = scriptText(bytes, readsScript ? "standard input" : String(script));
  if (text.trim() === "") throw usage("the script is empty");
  return { script: text, ...(argv.length === 0 ? {} : { args: argv }), ...(await around()) };

  async function program(words: readonly string[]): Promise<Json> {
    const more = await around();
    return Object.keys(more).length === 0 ? words : { argv: words, ...more };
  }

  async function around(): Promise<{ readonly [key: string]: Json }> {
    return { ...surroundings(words), ...(await inputOf(cli, words)) };
  }
}

/** Bytes of a text that is sent as a text in any case. */
const SHORT = 1024;

function surroundings({ env = [], cwd }: CommandWords): { readonly [key: string]: Json } {
  const variables = env.map((setting) => {
    const [, name, value] = /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/s.exec(setting) ?? [];
    if (name === undefined || value === undefined)
      throw usage(
        `--env ${JSON.stringify(setting)} is not NAME=VALUE; for a secret of the node: --env NAME=secret:NAME`,
      );
    return [name, value] as const;
  });
  if (cwd !== undefined && !cwd.startsWith("/")) throw usage(`--cwd ${cwd}: write the directory on the node in full`);
  return {
    ...(cwd === undefined ? {} : { cwd }),
    ...(variables.length === 0 ? {} : { env: Object.fromEntries(variables) }),
  };
}

/** Standard input as text, which lists and logs can show, where it is UTF-8 and as text no longer than as base64. */
async function inputOf(cli: Cli, { stdin }: CommandWords): Promise<{ readonly input?: Json }> {
  if (stdin !== true) return {};
  const bytes = await readBytes(cli.io.stdin);
  const text = isUtf8(bytes) ? bytes.toString("utf8") : undefined;
  const base64 = bytes.toString("base64");
  const isShort = text !== undefined && Buffer.byteLength(JSON.stringify(text)) <= Math.max(base64.length, SHORT);
  return { input: isShort ? text : { base64 } };
}

function readScript(cli: Cli, file: string): Promise<Buffer> {
  return readUserFile(cli, file).catch((error: Error) => {
    if ((error.cause as NodeJS.ErrnoException | undefined)?.code !== "ENOENT") throw error;
    const named = JSON.stringify(file);
    throw usage(`there is no script ${named}; a line for the shell needs -- before it: --script -- ${named}`);
  });
}

function scriptText(bytes: Buffer, what: string): string {
  if (bytes.includes(0)) throw usage(`${what} holds a NUL byte at ${bytes.indexOf(0)}: it is a program, not a script`);
  // The mark of byte order that some editors write would hide the `#!` behind it.
  return checkedText(bytes, what).replace(/^\ufeff/, "");
}

function usage(fault: string): StewardError {
  return new StewardError("usage", { fault, command: "run" });
}
