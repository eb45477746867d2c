import { dirname, join, resolve } from "node:path";
import { ConfigDocument } from "./document.ts";
import { readConfigFile } from "./read.ts";

/** The absolute paths that a configuration stands for: relative ones start at the directory of its file. */
export function pathsOf(file: string, data: string) {
  const directory = dirname(resolve(file));
  const absolute = (path: string): string => resolve(directory, path);
  const inData = (name: string): string => join(absolute(data), name);
  return {
    absolute,
    data: absolute(data),
    socket: (written: string | undefined): string =>
      written === undefined ? inData("steward.sock") : absolute(written),
    intakeFolder: inData("inbox"),
    intakeFile: inData("inmsg.txt"),
  };
}

/**
 * The socket that a configuration file names, from `socket:` and `data:` alone: to reach a daemon nothing else of its file
 * needs to be right. `undefined`: the file does not say.
 * @throws StewardError `config-unreadable`
 */
export function socketOf(file: string): string | undefined {
  const { socket, data } = ConfigDocument.read(readConfigFile(file)).document?.values() ?? {};
  if (typeof socket === "string" && socket !== "") return pathsOf(file, "").socket(socket);
  return typeof data === "string" && data !== "" ? pathsOf(file, data).socket(undefined) : undefined;
}
