import { inQuotes } from "../text/printable.ts";
import { isTargetWord } from "./words.ts";

/** Labels say what a node is for, in words of its operators: `class=tanker`. */
export type LabelSet = Readonly<Record<string, string>>;

const KEY = /^[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9_])?$/;
const VALUE = /^[^\s\p{C}\p{Z}"']{1,63}$/u;
export const MOST_LABELS = 64;

/** The fault of a label, in words; `undefined`: there is none. */
export function labelFault(key: string, value: string): string | undefined {
  return labelKeyFault(key) ?? labelValueFault(key, value);
}

export function labelKeyFault(key: string): string | undefined {
  if (isTargetWord(key)) return `${key} is a word of the language of targets; a label needs another name`;
  if (KEY.test(key)) return undefined;
  if (key.length > 63) return `the name of a label has ${key.length} characters, 63 are allowed`;
  return `${inQuotes(key)} is no name of a label: letters, digits, '_', '-' and '.' between them`;
}

function labelValueFault(key: string, value: string): string | undefined {
  if (VALUE.test(value)) return undefined;
  if (value === "") return `label ${key} has no value`;
  if (value.length > 63) return `the value of label ${key} has ${value.length} characters, 63 are allowed`;
  return `${inQuotes(value)} is no value of label ${key}: printable characters without spaces and quotes`;
}

/** The fault of a set of labels from elsewhere. */
export function labelsFault(labels: unknown): string | undefined {
  if (typeof labels !== "object" || labels === null || Array.isArray(labels)) return "expected names and values";
  const entries = Object.entries(labels);
  if (entries.length > MOST_LABELS) return `it has ${entries.length} labels, ${MOST_LABELS} are allowed`;
  for (const [key, value] of entries) {
    const fault = typeof value === "string" ? labelFault(key, value) : `label ${inQuotes(key)} is no text`;
    if (fault !== undefined) return fault;
  }
  return undefined;
}
