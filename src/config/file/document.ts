import { type Located, positions } from "../../message/text/located.ts";
import { readYaml } from "../../message/text/yaml-reader.ts";
import type { Path } from "../schema/schema-tree.ts";
import { formatPath } from "./fault.ts";
import { LARGEST_FILE } from "./read.ts";

export interface Position {
  readonly line: number;
  readonly column: number;
}

export interface DocumentFault extends Position {
  readonly path: string;
  readonly message: string;
}

const BOUNDS = { values: 50_000, characters: LARGEST_FILE };

/** The settings of a configuration file, each with its place in the text; aliases are expanded, within bounds. */
export class ConfigDocument {
  readonly #root: Located & { readonly kind: "map" };
  readonly #at: (offset: number) => Position;

  /** Never throws: whatever is wrong with the text is a fault. `document` is missing where it has no settings at all. */
  static read(text: string): { readonly document?: ConfigDocument; readonly faults: readonly DocumentFault[] } {
    if (Buffer.byteLength(text) > LARGEST_FILE) return broken("the file is larger than 1MB");
    const { values, faults } = readYaml(text, BOUNDS);
    const at = positions(text);
    const located = faults.map((fault) => ({
      ...at(fault.at),
      path: formatPath(fault.path ?? []),
      message: fault.text,
    }));
    const [root, second] = values;
    if (second !== undefined)
      return broken("the file holds several documents; remove the --- between them", at(second.at));
    if (root?.kind === "map") return { document: new ConfigDocument(root, at), faults: located };
    if (located.length > 0) return { faults: located };
    if (root === undefined || (root.kind === "scalar" && root.value === null))
      return broken("the file is empty; `steward init` writes one to begin with");
    const what = root.kind === "list" ? "a list" : "text";
    return broken(`expected a mapping of settings such as "node: ship1", got ${what}`);
  }

  private constructor(root: Located & { readonly kind: "map" }, at: (offset: number) => Position) {
    this.#root = root;
    this.#at = at;
  }

  keys(): string[] {
    return this.#root.entries.map(({ key }) => key);
  }

  /** True: the key stands there, and no value after it. */
  isEmpty(key: string): boolean {
    const node = this.#root.entries.find((entry) => entry.key === key)?.value;
    return node?.kind === "scalar" && node.empty === true;
  }

  /** The settings without positions, by their keys at the top. */
  values(): Record<string, unknown> {
    return plain(this.#root) as Record<string, unknown>;
  }

  /**
   * Where a value stands, or its key when the value begins in a later line; for one that is missing, the key of the
   * mapping that should hold it.
   */
  positionOf(path: Path, what: "key" | "value"): Position {
    let here: Located = this.#root;
    let key = here.at;
    for (const step of path) {
      const child = childOf(here, step);
      if (child === undefined) return this.#at(key);
      here = child.value;
      key = child.at;
    }
    const ofKey = this.#at(key);
    const ofValue = this.#at(here.at);
    return what === "value" && ofValue.line === ofKey.line ? ofValue : ofKey;
  }
}

function childOf(node: Located, step: string | number): { readonly at: number; readonly value: Located } | undefined {
  if (node.kind === "map") return node.entries.find(({ key }) => key === step);
  const value = node.kind === "list" && typeof step === "number" ? node.items[step] : undefined;
  return value === undefined ? undefined : { at: value.at, value };
}

/** Mappings without a prototype, so that a key such as `constructor` is a key like any other. */
function plain(node: Located): unknown {
  if (node.kind === "scalar") return node.value;
  if (node.kind === "list") return node.items.map(plain);
  const value: Record<string, unknown> = Object.create(null);
  for (const entry of node.entries) value[entry.key] = plain(entry.value);
  return value;
}

function broken(message: string, at: Position = { line: 1, column: 1 }): { faults: readonly DocumentFault[] } {
  return { faults: [{ ...at, path: "", message }] };
}
