import { inQuotes } from "../text/printable.ts";
import type { Fact } from "./compare.ts";

/** Facts say how a node is, as the node itself has found: `os.version`, `disk./.full`. */
export type FactSet = Readonly<Record<string, Fact>>;

const KEY = /^[A-Za-z0-9_][A-Za-z0-9_./@:+-]{0,127}$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/;
const LONGEST = 256;
const MOST_IN_LIST = 32;
export const MOST_FACTS = 256;
/** The most bytes of all facts of a node, as JSON. */
export const MOST_FACT_BYTES = 32 * 1024;

export function isFactKey(key: string): boolean {
  return KEY.test(key);
}

export function isFact(value: unknown): value is Fact {
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value === "boolean") return true;
  if (Array.isArray(value)) return value.length <= MOST_IN_LIST && value.every(isFactText);
  return isFactText(value);
}

function isFactText(value: unknown): value is string {
  return typeof value === "string" && value.length <= LONGEST && !CONTROL.test(value);
}

export function sameFact(a: Fact | undefined, b: Fact | undefined): boolean {
  return a === b || (typeof a === "object" && typeof b === "object" && JSON.stringify(a) === JSON.stringify(b));
}

/**
 * The facts in what a program printed: a JSON object, or lines of `key=value`. Objects within each other become keys with
 * dots between their parts.
 *
 * @throws Error that says what is wrong with it
 */
export function readFacts(name: string, output: string): FactSet {
  const text = output.trim();
  const facts: Record<string, Fact> = {};
  const add = (key: string, value: unknown): void => {
    if (!isFactKey(key)) throw new Error(`${inQuotes(key)} is no name of a fact`);
    if (!isFact(value)) throw new Error(`the value of ${key} is no fact: ${inQuotes(JSON.stringify(value) ?? "")}`);
    facts[key] = value;
    if (Object.keys(facts).length > MOST_FACTS) throw new Error(`it prints more than ${MOST_FACTS} facts`);
  };
  if (text.startsWith("{")) flatten(name, JSON.parse(text) as object, add);
  else
    for (const line of text === "" ? [] : text.split(/\r?\n/)) {
      const cut = line.indexOf("=");
      if (cut < 1) throw new Error(`expected key=value, got ${inQuotes(line)}`);
      add(`${name}.${line.slice(0, cut).trim()}`, line.slice(cut + 1).trim());
    }
  return facts;
}

/** Objects within each other that are read; a fact of more parts is a fault. */
const DEEPEST = 4;

function flatten(prefix: string, value: object, add: (key: string, value: unknown) => void, depth = 1): void {
  for (const [key, inside] of Object.entries(value)) {
    const name = `${prefix}.${key}`;
    // A value that the program does not know is a fact that is not there.
    if (inside === null) continue;
    if (typeof inside !== "object" || Array.isArray(inside)) add(name, inside);
    else if (depth < DEEPEST) flatten(name, inside as object, add, depth + 1);
    else throw new Error(`${name} has more than ${DEEPEST} levels`);
  }
}
