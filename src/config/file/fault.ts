import { inQuotes } from "../../message/text/printable.ts";
import type { Path } from "../schema/schema-tree.ts";

/** One thing that is wrong with a configuration file. Lines and columns count from 1. */
export interface ConfigFault {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** `subscribe[0].concurrency`; empty for the file as a whole. */
  readonly path: string;
  /** The fault, and the remedy. */
  readonly message: string;
}

/** `steward.yaml:12:5 subscribe[0].concurrency: expected a whole number from 1 to 1024, got "many"` */
export function formatFault(fault: ConfigFault): string {
  const place = `${fault.file}:${fault.line}:${fault.column}`;
  return fault.path === "" ? `${place}: ${fault.message}` : `${place} ${fault.path}: ${fault.message}`;
}

export function formatPath(path: Path): string {
  let text = "";
  for (const step of path) {
    if (typeof step === "number") text += `[${step}]`;
    else if (/^[\w-]{1,64}$/.test(step)) text += text === "" ? step : `.${step}`;
    else text += `[${show(step)}]`;
  }
  return text;
}

/** A value as it stands in a fault: one short line. */
export function show(value: unknown): string {
  if (value === null || value === undefined) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a mapping";
  if (typeof value !== "string") return String(value);
  return inQuotes(value);
}
