import { type Document, isAlias, isMap, isPair, isScalar, isSeq, parseAllDocuments, type YAMLError } from "yaml";
import { keyFault, numberFault } from "./json-reader.ts";
import { type Fault, type Located, type LocatedEntry, MAX_DEPTH, positions, type Reading } from "./located.ts";
import { shortened } from "./printable.ts";
import { surrogateFault } from "./text.ts";

/** Bounds of what the aliases of one document may unfold into. */
export interface YamlBounds {
  readonly values: number;
  /** Characters of texts and keys. */
  readonly characters: number;
}

const MESSAGE_FILE: YamlBounds = { values: 1_000_000, characters: 8 * 1024 * 1024 };

/**
 * Reads YAML 1.2 with positions, one value a document; a document with nothing but comments has none. `yes`, `no`, `on`
 * and dates are text, as they look. A fault is whatever would silently become something else (0755, half of a surrogate
 * pair, a version directive of 1.1, a tag that is not known), and each fault names the keys that lead to it. Never throws.
 */
export function readYaml(text: string, bounds: YamlBounds = MESSAGE_FILE): Reading {
  const faults: Fault[] = [];
  const values: Located[] = [];
  try {
    // The parser's own check of keys compares each with each: too slow for a map of many keys, so it is done here.
    const documents = parseAllDocuments(text, {
      version: "1.2",
      uniqueKeys: false,
      prettyErrors: false,
      logLevel: "silent",
    });
    for (const document of documents) {
      const problems = ownProblems(document);
      for (const problem of problems) faults.push({ at: problem.pos[0], text: problemText(problem) });
      if (document.directives?.yaml.explicit === true && document.directives.yaml.version !== "1.2") {
        faults.push({
          at: 0,
          text: `%YAML ${document.directives.yaml.version}: only YAML 1.2 is read; remove the line`,
        });
      } else if (problems.length === 0) {
        const value = new YamlReader(text, document, faults, bounds).read();
        if (value !== undefined) values.push(value);
      }
    }
  } catch (thrown) {
    if (!(thrown instanceof RangeError)) throw thrown;
    faults.push({ at: 0, text: `nested deeper than ${MAX_DEPTH} levels` });
  }
  return { values, faults };
}

/** Where a text cannot be read, each word behind it would be named as one more fault: the first one is enough. */
function ownProblems(document: Document.Parsed): readonly YAMLError[] {
  const problems = [...document.errors, ...document.warnings];
  const exhausted = problems.find((problem) => problem.code === "RESOURCE_EXHAUSTION");
  if (exhausted !== undefined) return [exhausted];
  return problems.filter((problem, index) => index === 0 || problem.code !== "UNEXPECTED_TOKEN");
}

function problemText(problem: YAMLError): string {
  const text = shortened(problem.message, 200);
  switch (problem.code) {
    case "RESOURCE_EXHAUSTION":
      return `nested deeper than ${MAX_DEPTH} levels`;
    case "TAB_AS_INDENT":
      return "a tab cannot indent YAML; use spaces";
    case "BAD_ALIAS":
      return `${text}; a text that begins with * or & needs quotes, as in "*"`;
    case "TAG_RESOLVE_FAILED":
      return `${text.replace(/^Unresolved tag: /, "unknown tag ")}; a text that begins with ! needs quotes`;
    case "BAD_SCALAR_START":
    case "UNEXPECTED_TOKEN":
      return `${text}; a text with special characters needs quotes`;
    case "BLOCK_AS_IMPLICIT_KEY":
      return `${text}; a text that contains ": " needs quotes`;
    default:
      return text;
  }
}

class YamlReader {
  readonly #text: string;
  readonly #document: Document.Parsed;
  readonly #faults: Fault[];
  readonly #bounds: YamlBounds;
  readonly #anchors = new Map<string, Located>();
  /** Keys and places in lists that lead to what is read just now. */
  readonly #path: (string | number)[] = [];
  #values = 0;
  #characters = 0;
  #tooMany = false;

  constructor(text: string, document: Document.Parsed, faults: Fault[], bounds: YamlBounds) {
    this.#text = text;
    this.#document = document;
    this.#faults = faults;
    this.#bounds = bounds;
  }

  /** `undefined` for a document with nothing but comments, and for one of which aliases unfold into too much. */
  read(): Located | undefined {
    const { contents } = this.#document;
    if (
      contents === null ||
      (isScalar(contents) && contents.value === null && contents.range?.[0] === contents.range?.[1])
    ) {
      return undefined;
    }
    const value = this.#node(contents, 0, 0);
    return this.#tooMany ? undefined : value;
  }

  /** `at`: where to point when the node has no text of its own. */
  #node(node: unknown, at: number, depth: number): Located {
    const start = startOf(node) ?? at;
    const nothing: Located = { kind: "scalar", at: start, value: null };
    if (depth > MAX_DEPTH) return this.#fault(start, `nested deeper than ${MAX_DEPTH} levels`);
    if (this.#count(1, 0, start)) return nothing;
    if (isAlias(node)) {
      const target = this.#anchors.get(node.source);
      // An anchor is known once its value is complete, so an alias inside its own value is refused here.
      if (target === undefined)
        return this.#fault(
          start,
          `*${shortened(node.source)} stands for nothing that comes before it; quote it if it is text`,
        );
      const { size, characters, height } = measure(target);
      if (depth + height > MAX_DEPTH) return this.#fault(start, `nested deeper than ${MAX_DEPTH} levels`);
      return this.#count(size, characters, start) ? nothing : target;
    }
    const value = this.#content(node, start, depth) ?? nothing;
    const anchor = isScalar(node) || isMap(node) || isSeq(node) ? node.anchor : undefined;
    if (anchor !== undefined) this.#anchors.set(anchor, value);
    return value;
  }

  #content(node: unknown, at: number, depth: number): Located | undefined {
    if (isSeq(node)) {
      const items = node.items.map((item, index) => this.#within(index, () => this.#item(item, at, depth + 1)));
      return { kind: "list", at, items };
    }
    if (isMap(node)) return { kind: "map", at, entries: this.#entries(node.items, at, depth) };
    if (!isScalar(node)) return undefined;
    if (node.value === null && !node.source) return { kind: "scalar", at, value: null, empty: true };
    return { kind: "scalar", at, value: this.#scalar(node.value, node.source, at) };
  }

  #within<T>(step: string | number, read: () => T): T {
    this.#path.push(step);
    const value = read();
    this.#path.pop();
    return value;
  }

  /** In a flow list `[a: 1]` is a pair on its own; it means a map of one entry. */
  #item(item: unknown, at: number, depth: number): Located {
    return isPair(item) ? { kind: "map", at, entries: this.#entries([item], at, depth) } : this.#node(item, at, depth);
  }

  #entries(
    pairs: readonly { readonly key: unknown; readonly value: unknown }[],
    at: number,
    depth: number,
  ): LocatedEntry[] {
    const keys = new Map<string, number>();
    const entries: LocatedEntry[] = [];
    for (const pair of pairs) {
      const keyAt = startOf(pair.key) ?? at;
      if (!isScalar(pair.key) || pair.key.value === null) {
        this.#fault(keyAt, "a key must be a word");
        continue;
      }
      const key = typeof pair.key.value === "string" ? pair.key.value : (pair.key.source ?? String(pair.key.value));
      this.#within(key, () => {
        const value = this.#node(pair.value, keyAt, depth + 1);
        const first = keys.get(key);
        const fault = keyFault(key, keys) ?? surrogateFault(key);
        if (fault === undefined) entries.push({ key, at: keyAt, value });
        else this.#fault(keyAt, first === undefined ? fault : `${fault}; first in line ${this.#lineOf(first)}`);
        if (first === undefined) keys.set(key, keyAt);
      });
    }
    return entries;
  }

  #scalar(value: unknown, source: string | undefined, at: number): null | boolean | number | string {
    if (value === null || typeof value === "boolean") return value;
    if (typeof value === "string") {
      const fault = surrogateFault(value);
      if (fault !== undefined) this.#fault(at, fault);
      return value;
    }
    if (typeof value === "number") {
      const written = source ?? String(value);
      const fault = /^[-+]?0[0-9_]/.test(written)
        ? `${shortened(written)} would become ${value}; write ${value}, or put it in quotes`
        : numberFault(written, value);
      if (fault !== undefined) this.#fault(at, fault);
      return value;
    }
    const written = shortened(source ?? this.#text.slice(at, at + 20));
    this.#fault(at, `${written} is of a type that JSON does not have; put it in quotes`);
    return null;
  }

  /** True once the aliases of the document have unfolded into more than is allowed. */
  #count(values: number, characters: number, at: number): boolean {
    this.#values += values;
    this.#characters += characters;
    const most = this.#bounds;
    if (this.#values <= most.values && this.#characters <= most.characters) return false;
    const what = this.#values > most.values ? `${most.values} values` : `${most.characters} characters`;
    if (!this.#tooMany) this.#fault(at, `unfolds into more than ${what}; are aliases (*name) nested?`);
    this.#tooMany = true;
    return true;
  }

  #fault(at: number, text: string): Located {
    this.#faults.push({ at, text, path: [...this.#path] });
    return { kind: "scalar", at, value: null };
  }

  #lineOf(offset: number): number {
    return positions(this.#text)(offset).line;
  }
}

function startOf(node: unknown): number | undefined {
  return isScalar(node) || isMap(node) || isSeq(node) || isAlias(node) ? node.range?.[0] : undefined;
}

const childrenOf = (node: Located): readonly Located[] =>
  node.kind === "list" ? node.items : node.kind === "map" ? node.entries.map((entry) => entry.value) : [];

interface Measure {
  /** Values in the tree. */
  readonly size: number;
  /** Characters of its texts and keys: each place that an alias stands for is written out when the message travels. */
  readonly characters: number;
  readonly height: number;
}

/** Trees share what aliases point at, so measures are remembered: a bomb of aliases would take for ever to walk. */
const measures = new WeakMap<Located, Measure>();
function measure(node: Located): Measure {
  const known = measures.get(node);
  if (known !== undefined) return known;
  let size = 1;
  let characters = charactersOf(node);
  let height = 0;
  for (const child of childrenOf(node).map(measure)) {
    size += child.size;
    characters += child.characters;
    height = Math.max(height, child.height + 1);
  }
  const measured = { size, characters, height };
  measures.set(node, measured);
  return measured;
}

function charactersOf(node: Located): number {
  if (node.kind === "map") return node.entries.reduce((sum, { key }) => sum + key.length, 0);
  return node.kind === "scalar" && typeof node.value === "string" ? node.value.length : 0;
}
