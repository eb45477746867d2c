import { isUtf8 } from "node:buffer";
import { StewardError } from "../../message/errors.ts";
import type { Json } from "../../message/message.ts";
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
    const input = await inputOf(cli, words);
    const isLine = text.length <= LINE && !/^(?:-|#!)/.test(text);
    return isLine ? withInput(["sh", "-c", text], input) : { script: text, ...input };
  }
  if (script === false) return withInput(argv, await inputOf(cli, words));
  const bytes = readsScript ? await readBytes(cli.io.stdin) : await readScript(cli, String(script));
  const text = scriptText(bytes, readsScript ? "standard input" : String(script));
  if (text.trim() === "") throw usage("the script is empty");
  return { script: text, ...(argv.length === 0 ? {} : { args: argv }), ...(await inputOf(cli, words)) };
}

/** Bytes of a text that is sent as a text in any case. */
const SHORT = 1024;

function withInput(argv: readonly string[], input: { readonly input?: Json }): Json {
  return input.input === undefined ? argv : { argv, ...input };
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
  return checkedText(bytes, what);
}

function usage(fault: string): StewardError {
  return new StewardError("usage", { fault, command: "run" });
}
