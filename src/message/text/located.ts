import type { Json } from "../message.ts";
import { inQuotes } from "./printable.ts";

/**
 * A YAML or JSON file that was read: a tree of values, each of which knows where in the text it stands, so that every
 * fault can name its line and column.
 */
export type Located =
  | { readonly kind: "map"; readonly at: number; readonly entries: readonly LocatedEntry[] }
  | { readonly kind: "list"; readonly at: number; readonly items: readonly Located[] }
  | {
      readonly kind: "scalar";
      readonly at: number;
      readonly value: null | boolean | number | string;
      /** True: no value was written after the key. */
      readonly empty?: true;
    };

export interface LocatedEntry {
  readonly key: string;
  /** Offset of the key in the text. */
  readonly at: number;
  readonly value: Located;
}

/** A fault at an offset of the text. */
export interface Fault {
  readonly at: number;
  readonly text: string;
  /** Keys and places in lists that lead to it, where the reader knows them. */
  readonly path?: readonly (string | number)[];
}

/** A text that was read: its top-level values, as far as they could be read, and all faults. */
export interface Reading {
  readonly values: readonly Located[];
  readonly faults: readonly Fault[];
}

/** How deep lists and maps may nest. */
export const MAX_DEPTH = 64;

/** The plain value, without positions. */
export function toJson(node: Located): Json {
  if (node.kind === "scalar") return node.value;
  if (node.kind === "list") return node.items.map(toJson);
  return Object.fromEntries(node.entries.map((entry) => [entry.key, toJson(entry.value)]));
}

/** The kind of a value in words, for a sentence that says what it should have been. */
export function describe(node: Located): string {
  if (node.kind === "map") return "a map";
  if (node.kind === "list") return "a list";
  if (node.value === null) return "empty";
  if (typeof node.value === "string") return inQuotes(node.value);
  return `the ${typeof node.value} ${node.value}`;
}

/** Line and column, both from 1, of offsets in a text. */
export function positions(text: string): (offset: number) => { readonly line: number; readonly column: number } {
  const starts = [0];
  for (let i = text.indexOf("\n"); i >= 0; i = text.indexOf("\n", i + 1)) starts.push(i + 1);
  return (offset) => {
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 };
  };
}
