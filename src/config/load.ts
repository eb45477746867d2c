import { StewardError } from "../message/errors.ts";
import { checkConfig } from "./check.ts";
import type { Config } from "./config.ts";
import type { Environment } from "./file/environment.ts";
import { formatFault } from "./file/fault.ts";
import { readConfigFile } from "./file/read.ts";

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
