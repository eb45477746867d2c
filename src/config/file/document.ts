import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type YAMLError,
} from "yaml";
import { faultText } from "../../message/errors.ts";
import { numberFault } from "../../message/text/json-reader.ts";
import { shortened } from "../../message/text/printable.ts";
import { surrogateFault } from "../../message/text/text.ts";
import type { Path } from "../schema/schema-tree.ts";
import { formatPath, show } from "./fault.ts";

/** A YAML file as plain values, with the place of each in the text. Aliases are expanded, within bounds. */
export interface Located {
  readonly value: unknown;
  readonly at: Position;
  /** True: no value was written after the key. */
  readonly empty: boolean;
  readonly children: ReadonlyMap<string | number, { readonly key: Position; readonly node: Located }>;
}

export interface Position {
  readonly line: number;
  readonly column: number;
}

export interface DocumentFault extends Position {
  readonly path: string;
  readonly message: string;
}

/** `root` is `undefined` where the text cannot be read to its end. */
export interface Reading {
  readonly root: Located | undefined;
  readonly faults: readonly DocumentFault[];
}

export const LARGEST_FILE = 1024 * 1024;
const DEEPEST = 32;
const MOST_NODES = 50_000;

/** Never throws: whatever is wrong with the text is a fault. */
export function readDocument(text: string): Reading {
  if (Buffer.byteLength(text) > LARGEST_FILE) return broken("the file is larger than 1MB");
  try {
    const lines = new LineCounter();
    const document = parseDocument(text, {
      lineCounter: lines,
      prettyErrors: false,
      stringKeys: true,
      uniqueKeys: false,
      resolveKnownTags: false,
      merge: false,
    });
    const position = (offset: number): Position => {
      const { line, col } = lines.linePos(offset);
      return { line: Math.max(1, line), column: Math.max(1, col) };
    };
    if (document.directives?.yaml.version !== "1.2") return broken("%YAML: only version 1.2 is read; remove the line");
    const errors = [...document.errors, ...document.warnings];
    const exhausted = errors.find((error) => error.code === "RESOURCE_EXHAUSTION");
    // Where a text cannot be read, each word behind it would be named as one more fault.
    const [first] = errors;
    const own = errors.filter((error) => error === first || error.code !== "UNEXPECTED_TOKEN");
    const syntax = exhausted === undefined ? own : [exhausted];
    if (syntax.length > 0) {
      const faults = syntax.map((error) => ({ ...position(error.pos[0]), path: "", message: syntaxFault(error) }));
      return { root: undefined, faults };
    }
    const { contents } = document;
    if (contents === null || (isScalar(contents) && contents.value === null))
      return broken("the file is empty; `steward init` writes one to begin with");
    if (!isMap(contents) && !isAlias(contents)) {
      return broken(`expected a mapping of settings such as "node: ship1", got ${isSeq(contents) ? "a list" : "text"}`);
    }
    return locate(document, position);
  } catch (thrown) {
    return broken(`the file cannot be read as YAML: ${faultText(thrown)}`);
  }
}

/** A fault of a value that would silently become another: an octal number of YAML 1.1, half of a surrogate pair. */
function scalarFault(value: unknown, source: string | undefined): string | undefined {
  if (typeof value === "string") return surrogateFault(value);
  if (typeof value !== "number" || source === undefined) return undefined;
  if (/^[-+]?0[0-9_]/.test(source))
    return `${shortened(source)} would become ${value}; write ${value}, or put it in quotes`;
  return numberFault(source, value);
}

function broken(message: string): Reading {
  return { root: undefined, faults: [{ line: 1, column: 1, path: "", message }] };
}

function syntaxFault(error: YAMLError): string {
  const message = shortened(error.message, 200);
  switch (error.code) {
    case "TAB_AS_INDENT":
      return "a tab cannot indent YAML; use spaces";
    case "BAD_ALIAS":
      return `${message}; a text that begins with * or & needs quotes, as in "*"`;
    case "MULTIPLE_DOCS":
      return "the file holds several documents; remove the --- between them";
    case "TAG_RESOLVE_FAILED":
      return `${message}; a text that begins with ! needs quotes`;
    case "BAD_SCALAR_START":
    case "UNEXPECTED_TOKEN":
      return `${message}; a text with special characters needs quotes`;
    case "BLOCK_AS_IMPLICIT_KEY":
      return `${message}; a text that contains ": " needs quotes`;
    case "RESOURCE_EXHAUSTION":
      return "nested too deeply";
    default:
      return message;
  }
}

/** Ends the walk of a document that is too deep or too large. */
class Excess extends Error {}

function locate(document: Document.Parsed, position: (offset: number) => Position): Reading {
  const faults: DocumentFault[] = [];
  const anchors = new Map<string, Node>();
  let nodes = 0;
  let last: Position = { line: 1, column: 1 };

  const walk = (node: Node | null, path: Path, expanded: boolean): Located => {
    if (++nodes > MOST_NODES) throw new Excess("the file grows too large; are aliases (*name) nested?");
    if (path.length > DEEPEST) throw new Excess("nested too deeply");
    const at = node?.range ? position(node.range[0]) : last;
    if (!expanded) last = at;
    const leaf = (value: unknown, empty = false): Located => ({ value, at, empty, children: new Map() });
    if (node === null) return leaf(null, true);
    if (isAlias(node)) {
      const target = anchors.get(node.source);
      if (target !== undefined) return { ...walk(target, path, true), at };
      faults.push({
        ...at,
        path: formatPath(path),
        message: `*${node.source} stands for nothing above it; quote it if it is text`,
      });
      return leaf(null);
    }
    if (node.anchor !== undefined && !expanded) anchors.set(node.anchor, node);
    if (isScalar(node)) {
      const fault = expanded ? undefined : scalarFault(node.value, node.source);
      if (fault !== undefined) faults.push({ ...at, path: formatPath(path), message: fault });
      return leaf(node.value, node.value === null && !node.source);
    }
    if (isSeq<Node | null>(node)) {
      const children = new Map(
        node.items.map((item, i) => {
          const child = walk(item, [...path, i], expanded);
          return [i, { key: child.at, node: child }] as const;
        }),
      );
      return { value: [...children.values()].map((child) => child.node.value), at, empty: false, children };
    }
    if (isMap<Node, Node | null>(node)) {
      const children = new Map<string, { key: Position; node: Located }>();
      // Without a prototype, so that a key such as __proto__ is a key like any other.
      const value: Record<string, unknown> = Object.create(null);
      for (const pair of node.items) {
        const key = isScalar(pair.key) ? String(pair.key.value) : "";
        const keyAt = pair.key.range ? position(pair.key.range[0]) : at;
        const first = children.get(key);
        if (first !== undefined) {
          if (!expanded)
            faults.push({
              ...keyAt,
              path: formatPath([...path, key]),
              message: `${show(key)} is written twice; first in line ${first.key.line}`,
            });
          continue;
        }
        const child = walk(pair.value, [...path, key], expanded);
        children.set(key, { key: keyAt, node: child });
        value[key] = child.value;
      }
      return { value, at, empty: false, children };
    }
    return leaf(null);
  };

  try {
    const root = walk(document.contents, [], false);
    return { root, faults };
  } catch (thrown) {
    if (!(thrown instanceof Excess)) throw thrown;
    return { root: undefined, faults: [...faults, { ...last, path: "", message: thrown.message }] };
  }
}

/**
 * Where a value stands, or its key when the value begins in a later line; for one that is missing, the key of the
 * mapping that should hold it.
 */
export function positionOf(root: Located, path: Path, what: "key" | "value"): Position {
  let here = root;
  let key = root.at;
  for (const step of path) {
    const child = here.children.get(step);
    if (child === undefined) return key;
    here = child.node;
    key = child.key;
  }
  return what === "value" && here.at.line === key.line ? here.at : key;
}
