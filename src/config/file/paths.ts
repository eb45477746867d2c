import { dirname, join, resolve } from "node:path";

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
