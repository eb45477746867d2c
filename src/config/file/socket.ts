import { pathsOf } from "./paths.ts";
import { readConfigFile } from "./read.ts";

/**
 * The socket that a configuration file names, from `socket:` and `data:` alone: to reach a daemon nothing else of its file
 * needs to be right. `undefined`: the file does not say.
 * @throws StewardError `config-unreadable`
 */
export async function socketOf(file: string): Promise<string | undefined> {
  const text = readConfigFile(file);
  const { socket, data } = plainLines(text) ?? (await wholeFile(text));
  if (typeof socket === "string" && socket !== "") return pathsOf(file, "").socket(socket);
  return typeof data === "string" && data !== "" ? pathsOf(file, data).socket(undefined) : undefined;
}

async function wholeFile(text: string): Promise<Readonly<Record<string, unknown>>> {
  const { ConfigDocument } = await import("./document.ts");
  return ConfigDocument.read(text).document?.values() ?? {};
}

const SETTING = /^([A-Za-z][\w.-]*):(?:[ \t]+(.*))?$/;
const PLAIN_PATH = /^((?:\.{0,2}\/|[A-Za-z_])[\w./-]*)(?:[ \t]+#.*|[ \t]*)$/;
const NO_TEXT = /^(?:null|true|false)$/i;

/**
 * Both settings where they stand in lines that mean the same to every reader of YAML, which is so in nearly every file: each
 * command looks for its daemon, and YAML whole costs more than the rest of a short one. `undefined`: YAML has to say.
 */
export function plainLines(text: string): { readonly socket?: string; readonly data?: string } | undefined {
  const found: Record<string, string> = {};
  const keys = new Set<string>();
  // A value that is asked for goes on in lines that are indented deeper.
  let mayGoOn = false;
  for (const line of text.split(/\r?\n/)) {
    if (/\r/.test(line)) return undefined;
    const isComment = /^[ \t]*(?:#|$)/.test(line);
    if (isComment) continue;
    if (/^(?:[ \t]|-(?:[ \t]|$))/.test(line)) {
      if (mayGoOn || keys.size === 0) return undefined;
      continue;
    }
    const [, key = "", value = ""] = SETTING.exec(line) ?? [];
    if (key === "" || keys.has(key)) return undefined;
    keys.add(key);
    mayGoOn = key === "socket" || key === "data";
    if (!mayGoOn) continue;
    const path = PLAIN_PATH.exec(value)?.[1];
    if (path === undefined || NO_TEXT.test(path)) return undefined;
    found[key] = path;
  }
  return found;
}
