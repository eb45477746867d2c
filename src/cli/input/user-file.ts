import { readFile } from "node:fs/promises";
import { fileFault, StewardError } from "../../message/errors.ts";
import type { Cli } from "../cli.ts";

/** The bytes of a file that the user named. @throws StewardError `file-unreadable` */
export async function readUserFile(cli: Cli, file: string): Promise<Buffer> {
  try {
    return await readFile(cli.path(file));
  } catch (cause) {
    throw new StewardError("file-unreadable", { file, fault: fileFault(cause) }, { cause });
  }
}
