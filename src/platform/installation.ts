import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The directory of this program's package.json: a checkout, or where a release was unpacked. */
export const INSTALLATION = directoryOf("package.json", dirname(fileURLToPath(import.meta.url)));

/** A program of this installation that runs as a process of its own; `path` as in `src`, ending in `.js`. */
export function builtProgram(path: string): string {
  return join(INSTALLATION, "dist", path);
}

/** The version in package.json, which is the one source of it. */
export function installedVersion(): string {
  const text = readFileSync(join(INSTALLATION, "package.json"), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

function directoryOf(file: string, from: string): string {
  const above = dirname(from);
  return existsSync(join(from, file)) || above === from ? from : directoryOf(file, above);
}
