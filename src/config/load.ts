import { readFileSync, statSync } from "node:fs";
import { faultText, StewardError } from "../message/errors.ts";
import { textOf } from "../message/text.ts";
import { checkConfig } from "./check.ts";
import type { Config } from "./config.ts";
import { LARGEST_FILE } from "./document.ts";
import type { Environment } from "./environment.ts";
import { formatFault } from "./fault.ts";

/**
 * Reads steward.yaml.
 * @throws StewardError `config-unreadable`, or `config-invalid` with all faults, one a line
 */
export function loadConfig(file: string, options: { readonly env?: Environment } = {}): Config {
  const checked = checkConfig(readConfigFile(file), file, options.env);
  if ("config" in checked) return checked.config;
  const faults = checked.faults.map(formatFault).join("\n");
  throw new StewardError("config-invalid", { file, count: checked.faults.length, faults });
}

/** The text of a configuration file, for `checkConfig`. @throws StewardError `config-unreadable` */
export function readConfigFile(file: string): string {
  const unreadable = (fault: string, cause?: unknown) =>
    new StewardError("config-unreadable", { file, fault }, { cause });
  let bytes: Buffer;
  try {
    // Looked at first: reading a named pipe would wait for ever.
    const stat = statSync(file);
    if (stat.isDirectory()) throw unreadable("it is a directory");
    if (!stat.isFile()) throw unreadable("it is not a regular file");
    if (stat.size > LARGEST_FILE) throw unreadable("it is larger than 1MB");
    bytes = readFileSync(file);
  } catch (thrown) {
    if (thrown instanceof StewardError) throw thrown;
    const code = (thrown as NodeJS.ErrnoException).code;
    const known = { ENOENT: "there is no such file", ENOTDIR: "there is no such file", EACCES: "permission denied" }[
      code ?? ""
    ];
    throw unreadable(known ?? faultText(thrown), thrown);
  }
  const read = textOf(bytes);
  if ("fault" in read) throw unreadable(read.fault);
  return read.text.replace(/^\uFEFF/, "");
}
