import { resolve } from "node:path";
import { printableLine } from "../message/text/printable.ts";
import { compile } from "./compile.ts";
import type { Config } from "./config.ts";
import { ConfigDocument } from "./file/document.ts";
import type { Environment } from "./file/environment.ts";
import { type ConfigFault, formatPath } from "./file/fault.ts";
import { checkRules } from "./rules.ts";
import { checkSchema } from "./schema/schema-faults.ts";
import { elementOf, mappingOf, type Path, schemaAt } from "./schema/schema-tree.ts";
import { schema } from "./schema/settings.ts";

/** More faults than that help nobody. */
const MOST_FAULTS = 100;

export type Checked = { readonly config: Config } | { readonly faults: readonly ConfigFault[] };

/**
 * Checks the text of a configuration file and compiles it. Gives all faults at once, in the order of their lines. Never
 * throws. `file` is what the faults are reported under and where relative paths start; it is not read.
 */
export function checkConfig(text: string, file: string, env: Environment = process.env): Checked {
  const faults: ConfigFault[] = [];
  const { document, faults: misread } = ConfigDocument.read(text);
  for (const { line, column, path, message } of misread)
    faults.push({ file, line, column, path, message: printableLine(message) });
  if (document === undefined) return { faults: ordered(faults) };

  const add = (path: Path, message: string, what: "key" | "value"): void => {
    faults.push({ file, ...document.positionOf(path, what), path: formatPath(path), message: printableLine(message) });
  };
  const written = withoutEmptySections(document);
  const result = checkSchema(written, add);
  checkRules(written, { file: resolve(file), env }, (path, message) => add(path, message, "key"));
  if (faults.length > 0 || result === undefined) return { faults: ordered(faults) };
  const lineOf = (path: Path): number => document.positionOf(path, "value").line;
  return { config: compile(result, file, document.keys(), env, lineOf) };
}

/**
 * A top-level section or list whose entries are all commented out is one that was not written. Not so deeper down: there
 * an empty `allow:` or `tls:` must not come to mean that everything is allowed, or nothing encrypted.
 */
function withoutEmptySections(document: ConfigDocument): Record<string, unknown> {
  const value = document.values();
  for (const key of document.keys()) {
    const place = schemaAt(schema, [key]);
    const section = place !== undefined && (mappingOf(place) ?? elementOf(place)) !== undefined;
    if (section && document.isEmpty(key)) delete value[key];
  }
  return value;
}

function ordered(faults: readonly ConfigFault[]): ConfigFault[] {
  const unique = new Map(
    faults.map((fault) => [`${fault.line}:${fault.column} ${fault.path}: ${fault.message}`, fault]),
  );
  const sorted = [...unique.values()].sort((a, b) => a.line - b.line || a.column - b.column);
  const shown = sorted.slice(0, MOST_FAULTS);
  const last = shown.at(-1);
  if (last !== undefined && sorted.length > MOST_FAULTS) {
    shown.push({ ...last, path: "", message: `and ${sorted.length - MOST_FAULTS} more faults from here on` });
  }
  return shown;
}
