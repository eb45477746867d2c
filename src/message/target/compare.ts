import { readDuration, readSize } from "../text/units.ts";
import { wildcardMatches } from "../text/wildcard.ts";
import type { Comparison } from "./expression.ts";

/** A fact about a node: a label is text, a list holds several values of one kind. */
export type Fact = string | number | boolean | readonly string[];

/** True if a fact compares so with a value of an expression; of a list, if one of its values does. */
export function compares(fact: Fact, comparison: Pick<Comparison, "operator" | "value" | "wild">): boolean {
  const { operator, value, wild } = comparison;
  if (operator === "!=") return !compares(fact, { operator: "=", value, wild });
  if (typeof fact === "object") return fact.some((one) => compares(one, comparison));
  if (operator === "=") return equals(fact, value, wild);
  const order = typeof fact === "number" ? orderOfNumbers(fact, value) : orderOfVersions(String(fact), value);
  if (order === undefined) return false;
  if (order === 0) return operator === "<=" || operator === ">=";
  return order < 0 === (operator === "<" || operator === "<=");
}

function equals(fact: string | number | boolean, value: string, wild: boolean): boolean {
  if (wild) return wildcardMatches(value, String(fact));
  return typeof fact === "number" ? readNumber(value) === fact : String(fact) === value;
}

/** A number as people write it: 12, 1.5, 90%, 2GB, 30d (milliseconds). */
function readNumber(text: string): number | undefined {
  const plain = /^-?\d+(?:\.\d+)?%?$/.test(text) ? Number.parseFloat(text) : undefined;
  return plain ?? readSize(text) ?? readDuration(text);
}

function orderOfNumbers(fact: number, value: string): number | undefined {
  const wanted = readNumber(value);
  return wanted === undefined ? undefined : Math.sign(fact - wanted);
}

/** A part that makes a version earlier than the same one without it. */
const BEFORE = /^(?:alpha|beta|dev|pre|rc|a|b)$/i;
const PART = /\d+|[^\d.\-_+~:\s]+/g;

/**
 * The order of two versions, numbers or dates, part by part: 9 < 10, 1.9 < 1.10, 12-rc1 < 12 < 12.1. `undefined`: the two
 * cannot be compared, as one of them begins with a digit and the other does not.
 */
export function orderOfVersions(a: string, b: string): number | undefined {
  if (/^\d/.test(a) !== /^\d/.test(b)) return undefined;
  const [left, right] = [a.match(PART) ?? [], b.match(PART) ?? []];
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const order = orderOfParts(left[i], right[i]);
    if (order !== 0) return order;
  }
  return 0;
}

function orderOfParts(a: string | undefined, b: string | undefined): number {
  const [left, right] = [rankOf(a), rankOf(b)];
  if (left !== right || a === undefined || b === undefined) return Math.sign(left - right);
  if (left === RANKS.number) return orderOfDigits(a.replace(/^0+/, ""), b.replace(/^0+/, ""));
  const [low, high] = [a.toLowerCase(), b.toLowerCase()];
  return low === high ? 0 : low < high ? -1 : 1;
}

/** The letters of a version that is not out yet come before the end of the version that is. */
const RANKS = { before: 0, end: 1, number: 2, word: 3 } as const;

function rankOf(part: string | undefined): number {
  if (part === undefined) return RANKS.end;
  if (/^\d/.test(part)) return RANKS.number;
  return BEFORE.test(part) ? RANKS.before : RANKS.word;
}

/** Digits of any length, without zeros before them. */
function orderOfDigits(a: string, b: string): number {
  if (a.length !== b.length) return a.length < b.length ? -1 : 1;
  return a === b ? 0 : a < b ? -1 : 1;
}
