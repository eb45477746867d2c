import { resolve } from "node:path";
import { printableLine } from "../message/text/printable.ts";
import { compile } from "./compile.ts";
import type { Config } from "./config.ts";
import { type Located, positionOf, readDocument } from "./file/document.ts";
import type { Environment } from "./file/environment.ts";
import { type ConfigFault, formatPath } from "./file/fault.ts";
import { checkRules } from "./rules.ts";
import { schema } from "./schema/schema.ts";
import { checkSchema } from "./schema/schema-faults.ts";
import { elementOf, mappingOf, type Path, schemaAt } from "./schema/schema-tree.ts";

/** More faults than that help nobody. */
const MOST_FAULTS = 100;

export type Checked = { readonly config: Config } | { readonly faults: readonly ConfigFault[] };

/**
 * Checks the text of a configuration file and compiles it. Gives all faults at once, in the order of their lines. Never
 * throws. `file` is what the faults are reported under and where relative paths start; it is not read.
 */
export function checkConfig(text: string, file: string, env: Environment = process.env): Checked {
  const faults: ConfigFault[] = [];
  const { root, faults: misread } = readDocument(text);
  for (const { line, column, path, message } of misread)
    faults.push({ file, line, column, path, message: printableLine(message) });
  if (root === undefined) return { faults: ordered(faults) };

  const add = (path: Path, message: string, what: "key" | "value"): void => {
    faults.push({ file, ...positionOf(root, path, what), path: formatPath(path), message: printableLine(message) });
  };
  const written = withoutEmptySections(root);
  const result = checkSchema(written, add);
  checkRules(written, { file: resolve(file), env }, (path, message) => add(path, message, "key"));
  if (faults.length > 0 || result === undefined) return { faults: ordered(faults) };
  const lineOf = (path: Path): number => positionOf(root, path, "value").line;
  return { config: compile(result, file, [...root.children.keys()].map(String), env, lineOf) };
}

/**
 * A top-level section or list whose entries are all commented out is one that was not written. Not so deeper down: there
 * an empty `allow:` or `tls:` must not come to mean that everything is allowed, or nothing encrypted.
 */
function withoutEmptySections(root: Located): unknown {
  if (typeof root.value !== "object" || root.value === null || Array.isArray(root.value)) return root.value;
  const value: Record<string, unknown> = Object.assign(Object.create(null), root.value);
  for (const [key, { node }] of root.children) {
    const place = schemaAt(schema, [key]);
    const section = place !== undefined && (mappingOf(place) ?? elementOf(place)) !== undefined;
    if (node.empty && section) delete value[key];
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
