import { readFileSync, statSync } from "node:fs";
import { fileFault, StewardError } from "../../message/errors.ts";
import { textOf } from "../../message/text/text.ts";

export const LARGEST_FILE = 1024 * 1024;

/** The text of a configuration file, for `checkConfig`. @throws StewardError `config-unreadable` */
export function readConfigFile(file: string): string {
  const unreadable = (fault: string, cause?: unknown) =>
    new StewardError("config-unreadable", { file, fault }, { cause });
  let bytes: Buffer;
  try {
    // Only regular files are read: a named pipe would wait for ever.
    const stat = statSync(file);
    if (stat.isDirectory()) throw unreadable("it is a directory");
    if (!stat.isFile()) throw unreadable("it is not a regular file");
    if (stat.size > LARGEST_FILE) throw unreadable("it is larger than 1MB");
    bytes = readFileSync(file);
  } catch (thrown) {
    if (thrown instanceof StewardError) throw thrown;
    throw unreadable(fileFault(thrown), thrown);
  }
  const read = textOf(bytes);
  if ("fault" in read) throw unreadable(read.fault);
  return read.text.replace(/^\uFEFF/, "");
}
