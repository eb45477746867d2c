import { isUtf8 } from "node:buffer";
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import type { SecretsConfig } from "../config/config.ts";
import { faultText, StewardError } from "../message/errors.ts";
import { openIn } from "../platform/names.ts";

/** Bytes of a secret: shorter ones could not be told from other output, longer ones are no secrets. */
const LEAST = 4;
const MOST = 64 * 1024;

/** The node, and the environment of its daemon. */
interface Home {
  readonly node: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * The text of a secret of this node, read anew each time, so that a changed file counts from the next command on. One line
 * break at its end is left out.
 *
 * @throws Error that says what is wrong with it, and never its text
 */
export function readSecret(
  name: string,
  { directory, files, environment }: SecretsConfig,
  { node, env }: Home,
): string {
  const variable = Object.hasOwn(environment, name) ? environment[name] : undefined;
  const path = Object.hasOwn(files, name) ? files[name] : undefined;
  if (variable !== undefined) return checked(name, Buffer.from(env[variable] ?? ""), `the variable ${variable}`);
  const place = path ?? `${name} in ${directory}`;
  if (path === undefined && directory === null) throw unknown(name, node);
  try {
    const flags = constants.O_RDONLY | constants.O_NONBLOCK;
    // A file that the configuration itself names may be a link; a name that came from a command leads no further.
    const fd = path === undefined ? openIn(directory ?? "", name, flags) : openSync(path, flags);
    return checked(name, contentOf(fd, place), place);
  } catch (error) {
    if (path === undefined && (error as NodeJS.ErrnoException).code === "ENOENT") throw unknown(name, node);
    if (error instanceof StewardError || error instanceof Unfit) throw error;
    throw new Unfit(`secret:${name} cannot be read from ${place}: ${faultText(error)}`);
  }
}

class Unfit extends Error {}

function unknown(name: string, node: string): Unfit {
  return new Unfit(`secret:${name} is not known on ${node}: name it under \`secrets:\` in its steward.yaml`);
}

/** Closes the file. */
function contentOf(fd: number, place: string): Buffer {
  try {
    const { mode, uid, size } = fstatSync(fd);
    const own = process.geteuid?.();
    if ((mode & 0o077) !== 0) throw new Unfit(`other users may read ${place}; chmod 600 it`);
    if (own !== undefined && uid !== own && uid !== 0)
      throw new Unfit(`${place} belongs to another user than the daemon`);
    if (size > MOST) throw new Unfit(`${place} has ${size} bytes, a secret has at most ${MOST}`);
    const content = Buffer.alloc(MOST + 1);
    return content.subarray(0, readSync(fd, content));
  } finally {
    closeSync(fd);
  }
}

function checked(name: string, bytes: Buffer, place: string): string {
  const text = bytes.toString("utf8").replace(/\r?\n$/, "");
  const length = Buffer.byteLength(text);
  if (length === 0) throw new Unfit(`secret:${name} is empty: ${place} has nothing in it`);
  if (length < LEAST || length > MOST)
    throw new Unfit(`secret:${name} has ${length} bytes; from ${LEAST} to ${MOST} are allowed`);
  if (!isUtf8(bytes) || text.includes("\0") || text.includes("\uFFFD"))
    throw new Unfit(`secret:${name} is no text: ${place} holds bytes that are not UTF-8, or a NUL`);
  return text;
}
