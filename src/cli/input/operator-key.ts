import { homedir } from "node:os";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { StewardError } from "../../message/errors.ts";
import { isToken } from "../../message/subject.ts";
import type { CliIo } from "../io.ts";

const FOLDER = "steward";

/** The file of a person's key: a path, or the name under which `steward operator key` keeps it in the person's own folder. */
export function keyFileOf(named: string, { env, cwd }: Pick<CliIo, "env" | "cwd">): string {
  if (named.includes("/") || named.endsWith(".nk")) return isAbsolute(named) ? named : resolve(cwd, named);
  if (!isToken(named))
    throw new StewardError("usage", {
      fault: `${named} is neither a path nor the name of an operator`,
      command: "operator key",
    });
  const configured = env.XDG_CONFIG_HOME;
  const base = configured === undefined || configured === "" ? join(env.HOME ?? homedir(), ".config") : configured;
  return join(base, FOLDER, `${named}.nk`);
}

/** The file, beside a key, of the daemons for which it signed. */
export function knownDaemonsBeside(keyFile: string): string {
  return join(dirname(keyFile), "known-daemons");
}
