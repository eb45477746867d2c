import { type Document, isAlias, isMap, isPair, isScalar, isSeq, parseAllDocuments } from "yaml";
import { keyFault, numberFault } from "../message/text/json-reader.ts";
import { type Fault, type Located, type LocatedEntry, MAX_DEPTH, type Reading } from "../message/text/located.ts";
import { shortened } from "../message/text/printable.ts";
import { surrogateFault } from "../message/text/text.ts";

/** How many values, and how many characters of text, the aliases of one document may unfold into. */
const MAX_VALUES = 1_000_000;
const MAX_CHARACTERS = 8 * 1024 * 1024;

/**
 * Reads YAML 1.2 with positions, one value a document. `yes`, `no`, `on` and dates are text, as they look; what would
 * silently become something else (0755, a version directive of 1.1, a tag that is not known) is a fault.
 */
export function readYaml(text: string): Reading {
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
      for (const problem of [...document.errors, ...document.warnings])
        faults.push({ at: problem.pos[0], text: problemText(problem) });
      if (document.directives?.yaml.explicit === true && document.directives.yaml.version !== "1.2") {
        faults.push({ at: 0, text: `%YAML ${document.directives.yaml.version}: only YAML 1.2 is read` });
      } else if (document.errors.length === 0) {
        const value = new YamlReader(text, document, faults).read();
        if (value !== undefined) values.push(value);
      }
    }
  } catch (thrown) {
    if (!(thrown instanceof RangeError)) throw thrown;
    faults.push({ at: 0, text: `nested deeper than ${MAX_DEPTH} levels` });
  }
  return { values, faults };
}

function problemText(problem: { readonly code: string; readonly message: string }): string {
  if (problem.code === "RESOURCE_EXHAUSTION") return `nested deeper than ${MAX_DEPTH} levels`;
  if (problem.code === "TAB_AS_INDENT") return "a tab cannot indent YAML; use spaces";
  const text = problem.message.replace(/ at line \d+, column \d+:?[\s\S]*$/, "");
  return shortened(text.replace(/^Unresolved tag: /, "unknown tag "), 200);
}

class YamlReader {
  readonly #text: string;
  readonly #document: Document.Parsed;
  readonly #faults: Fault[];
  readonly #anchors = new Map<string, Located>();
  #values = 0;
  #characters = 0;
  #tooMany = false;

  constructor(text: string, document: Document.Parsed, faults: Fault[]) {
    this.#text = text;
    this.#document = document;
    this.#faults = faults;
  }

  /** `undefined` for a document with nothing but comments. */
  read(): Located | undefined {
    const { contents } = this.#document;
    if (
      contents === null ||
      (isScalar(contents) && contents.value === null && contents.range?.[0] === contents.range?.[1])
    ) {
      return undefined;
    }
    return this.#node(contents, 0, 0);
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
        return this.#fault(start, `*${shortened(node.source)} stands for nothing that comes before it`);
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
    if (isSeq(node)) return { kind: "list", at, items: node.items.map((item) => this.#item(item, at, depth + 1)) };
    if (isMap(node)) return { kind: "map", at, entries: this.#entries(node.items, at, depth) };
    if (isScalar(node)) return { kind: "scalar", at, value: this.#scalar(node.value, node.source, at) };
    return undefined;
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
    const keys = new Set<string>();
    const entries: LocatedEntry[] = [];
    for (const pair of pairs) {
      const keyAt = startOf(pair.key) ?? at;
      const value = this.#node(pair.value, keyAt, depth + 1);
      if (!isScalar(pair.key) || pair.key.value === null) {
        this.#faults.push({ at: keyAt, text: "a key must be a word" });
        continue;
      }
      const key = typeof pair.key.value === "string" ? pair.key.value : (pair.key.source ?? String(pair.key.value));
      const fault = keyFault(key, keys) ?? surrogateFault(key);
      if (fault === undefined) entries.push({ key, at: keyAt, value });
      else this.#faults.push({ at: keyAt, text: fault });
      keys.add(key);
    }
    return entries;
  }

  #scalar(value: unknown, source: string | undefined, at: number): null | boolean | number | string {
    if (value === null || typeof value === "boolean") return value;
    if (typeof value === "string") {
      const fault = surrogateFault(value);
      if (fault !== undefined) this.#faults.push({ at, text: fault });
      return value;
    }
    if (typeof value === "number") {
      const written = source ?? String(value);
      const fault = /^[-+]?0[0-9]/.test(written)
        ? `${shortened(written)} would become ${value}; put it in quotes`
        : numberFault(written, value);
      if (fault !== undefined) this.#faults.push({ at, text: fault });
      return value;
    }
    this.#faults.push({
      at,
      text: `${shortened(source ?? this.#text.slice(at, at + 20))} is of a type that JSON does not have; put it in quotes`,
    });
    return null;
  }

  /** True once the aliases of the document have unfolded into more than is allowed. */
  #count(values: number, characters: number, at: number): boolean {
    this.#values += values;
    this.#characters += characters;
    if (this.#values <= MAX_VALUES && this.#characters <= MAX_CHARACTERS) return false;
    const what = this.#values > MAX_VALUES ? `${MAX_VALUES} values` : `${MAX_CHARACTERS} characters`;
    if (!this.#tooMany) this.#fault(at, `unfolds into more than ${what}`);
    this.#tooMany = true;
    return true;
  }

  #fault(at: number, text: string): Located {
    this.#faults.push({ at, text });
    return { kind: "scalar", at, value: null };
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
