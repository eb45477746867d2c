import { type Fault, type Located, type LocatedEntry, MAX_DEPTH, type Reading } from "./located.ts";
import { inQuotes, shortened } from "./printable.ts";
import { surrogateFault } from "./text.ts";

/**
 * Reads JSON with positions (`anyKey`: also with the key __proto__): one value, or several one after the other (JSON
 * lines). Linear in the size of the text. A key that is given twice, a number that cannot be kept exactly or is not
 * finite, and half of a surrogate pair are refused, which `JSON.parse` lets pass in silence. A fault of syntax ends the
 * reading, because the rest cannot be trusted.
 */
export function readJson(text: string, { anyKey = false }: { readonly anyKey?: boolean } = {}): Reading {
  const reader = new JsonReader(text, anyKey);
  const values: Located[] = [];
  try {
    while (!reader.atEnd()) values.push(reader.value(0));
  } catch (thrown) {
    if (!(thrown instanceof SyntaxFault)) throw thrown;
    reader.faults.push({ at: thrown.at, text: thrown.message });
  }
  return { values, faults: reader.faults };
}

class SyntaxFault extends Error {
  readonly at: number;
  constructor(at: number, text: string) {
    super(text);
    this.at = at;
  }
}

const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;
const WORD = /[A-Za-z_][A-Za-z0-9_]*/y;
const WORDS: ReadonlyMap<string, boolean | null> = new Map([
  ["true", true],
  ["false", false],
  ["null", null],
]);

class JsonReader {
  readonly faults: Fault[] = [];
  readonly #text: string;
  readonly #anyKey: boolean;
  #offset = 0;

  constructor(text: string, anyKey: boolean) {
    this.#text = text;
    this.#anyKey = anyKey;
  }

  atEnd(): boolean {
    this.#skipSpace();
    return this.#offset >= this.#text.length;
  }

  value(depth: number): Located {
    if (depth > MAX_DEPTH) throw this.#fault(`nested deeper than ${MAX_DEPTH} levels`);
    this.#skipSpace();
    const at = this.#offset;
    const first = this.#text[at];
    if (first === "{") return this.#map(at, depth);
    if (first === "[") return this.#list(at, depth);
    if (first === '"') return { kind: "scalar", at, value: this.#string() };
    const number = this.#match(NUMBER);
    if (number !== undefined) return { kind: "scalar", at, value: this.#number(number, at) };
    const word = this.#match(WORD);
    const value = word === undefined ? undefined : WORDS.get(word);
    if (value !== undefined) return { kind: "scalar", at, value };
    this.#offset = at;
    throw this.#fault(
      word === undefined ? `a value is expected, not ${this.#here()}` : `${shortened(word)} needs quotes`,
    );
  }

  #map(at: number, depth: number): Located {
    const entries: LocatedEntry[] = [];
    const keys = new Set<string>();
    this.#offset++;
    if (this.#take("}")) return { kind: "map", at, entries };
    do {
      this.#skipSpace();
      const keyAt = this.#offset;
      if (this.#text[keyAt] !== '"') throw this.#fault(`a key in quotes is expected, not ${this.#here()}`);
      const key = this.#string();
      if (!this.#take(":")) throw this.#fault(`":" is expected after the key, not ${this.#here()}`);
      const value = this.value(depth + 1);
      const fault = this.#anyKey && !keys.has(key) ? undefined : keyFault(key, keys);
      if (fault === undefined) entries.push({ key, at: keyAt, value });
      else this.faults.push({ at: keyAt, text: fault });
      keys.add(key);
    } while (this.#take(","));
    if (!this.#take("}")) throw this.#fault(`"," or "}" is expected, not ${this.#here()}`);
    return { kind: "map", at, entries };
  }

  #list(at: number, depth: number): Located {
    const items: Located[] = [];
    this.#offset++;
    if (this.#take("]")) return { kind: "list", at, items };
    do items.push(this.value(depth + 1));
    while (this.#take(","));
    if (!this.#take("]")) throw this.#fault(`"," or "]" is expected, not ${this.#here()}`);
    return { kind: "list", at, items };
  }

  #string(): string {
    const at = this.#offset;
    // Without a regular expression for the usual case: one over megabytes of text would exhaust its own stack.
    let end = at + 1;
    let escaped = false;
    for (; end < this.#text.length; end++) {
      const code = this.#text.charCodeAt(end);
      if (code === 0x22 || code < 0x20) break;
      if (code === 0x5c) {
        escaped = true;
        end++;
      }
    }
    if (this.#text[end] !== '"') {
      if (end < this.#text.length) this.#offset = end;
      throw this.#fault(
        end < this.#text.length ? "a line break or control character inside a string" : "this string is not closed",
      );
    }
    this.#offset = end + 1;
    if (!escaped) return this.#text.slice(at + 1, end);
    let text: string;
    try {
      text = JSON.parse(this.#text.slice(at, end + 1)) as string;
    } catch {
      this.#offset = at;
      throw this.#fault("a backslash inside this string begins no known escape");
    }
    const fault = surrogateFault(text);
    if (fault !== undefined) this.faults.push({ at, text: fault });
    return text;
  }

  #number(text: string, at: number): number {
    const value = Number(text);
    const fault = numberFault(text, value);
    if (fault !== undefined) this.faults.push({ at, text: fault });
    return value;
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#offset;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#offset += found.length;
    return found;
  }

  #take(character: string): boolean {
    this.#skipSpace();
    if (this.#text[this.#offset] !== character) return false;
    this.#offset++;
    return true;
  }

  #skipSpace(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#offset);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.#offset++;
    }
  }

  #here(): string {
    const character = this.#text.codePointAt(this.#offset);
    return character === undefined ? "the end of the text" : inQuotes(String.fromCodePoint(character));
  }

  #fault(text: string): SyntaxFault {
    return new SyntaxFault(Math.min(this.#offset, this.#text.length), text);
  }
}

/** The fault of a key of a map, given the keys before it. */
export function keyFault(key: string, before: { has(key: string): boolean }): string | undefined {
  if (before.has(key)) return `${inQuotes(key)} is given twice`;
  if (key === "__proto__") return '"__proto__" cannot be a key';
  return undefined;
}

/** The loss when a written number becomes a value. */
export function numberFault(text: string, value: number): string | undefined {
  if (!Number.isFinite(value)) return `${shortened(text)} is not a finite number`;
  const exact =
    String(value) === text || !/^[-+]?[0-9]+$/.test(text) || BigInt(text.replace("+", "")) === BigInt(value);
  return exact ? undefined : `${shortened(text)} is too large to be kept exactly; put it in quotes`;
}
