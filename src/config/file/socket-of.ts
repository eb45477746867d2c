import { readDocument } from "./document.ts";
import { pathsOf } from "./paths.ts";
import { readConfigFile } from "./read.ts";

/**
 * The socket that a configuration file names, from `socket:` and `data:` alone: to reach a daemon nothing else of its file
 * needs to be right. `undefined`: the file does not say.
 * @throws StewardError `config-unreadable`
 */
export function socketOf(file: string): string | undefined {
  const { root } = readDocument(readConfigFile(file));
  const [socket, data] = ["socket", "data"].map((key) => root?.children.get(key)?.node.value);
  if (typeof socket === "string" && socket !== "") return pathsOf(file, "").socket(socket);
  return typeof data === "string" && data !== "" ? pathsOf(file, data).socket(undefined) : undefined;
}
