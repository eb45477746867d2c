import { tokenFault } from "../subject.ts";
import { inQuotes } from "../text/printable.ts";
import { readDuration } from "../text/units.ts";
import { type Operator, shownToken, TargetFault, type Token, tokensOf } from "./tokens.ts";
import { isTargetWord, type StateWord, stateWord } from "./words.ts";

/**
 * The language of targets, as text and as a tree:
 *
 *   target      = expression { "," expression }
 *   expression  = all { "or" all }
 *   all         = one { "and" one }
 *   one         = "not" one | "(" expression { "," expression } ")" | "@" group | state word | name | pattern of names | comparison
 *   comparison  = key ( "=" | "!=" | "<" | "<=" | ">" | ">=" ) value
 *
 * A value or a pattern without quotes may hold `*` for any run of characters.
 */
export type Expression =
  | { readonly kind: "or" | "and"; readonly parts: readonly Expression[] }
  | { readonly kind: "not"; readonly of: Expression }
  | { readonly kind: "name" | "pattern" | "group"; readonly text: string; readonly at: number }
  | { readonly kind: "state"; readonly word: StateWord }
  | Comparison;

export interface Comparison {
  readonly kind: "comparison";
  readonly key: string;
  readonly operator: Operator;
  readonly value: string;
  /** True: `*` in the value stands for any run of characters. */
  readonly wild: boolean;
  readonly at: number;
}

/** Parentheses and `not` within each other. */
const DEEPEST = 100;
const KEY = /^[A-Za-z0-9_/*][A-Za-z0-9_./*@:+-]{0,199}$/;
/** The nodes of a job, or those of one of its counts: a group that the daemon knows. */
const JOB = /^job:[0-9A-Za-z]{1,26}(?::[a-z]+)?$/;
const PATTERN = /^[A-Za-z0-9_*-]+$/;
/** Keys whose values are durations. */
const DURATIONS: ReadonlySet<string> = new Set(["uptime"]);

/** The parts of a list of targets, one or more. @throws TargetFault with the place of the fault and what was expected */
export function parseTarget(text: string): readonly Expression[] {
  return new Reader(tokensOf(text)).target();
}

/** One expression; a list is the union of its parts. @throws TargetFault */
export function parseExpression(text: string): Expression {
  return anyOf(parseTarget(text));
}

function anyOf(parts: readonly Expression[]): Expression {
  const [first] = parts;
  return first !== undefined && parts.length === 1 ? first : { kind: "or", parts };
}

class Reader {
  readonly #tokens: readonly Token[];
  #next = 0;
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  target(): Expression[] {
    const parts = this.#list();
    const rest = this.#peek();
    if (rest.kind === "end") return parts;
    throw this.#fault(rest, "and, or, a comma or the end");
  }

  #list(): Expression[] {
    const parts = [this.#or()];
    while (this.#peek().kind === ",") {
      this.#take();
      parts.push(this.#or());
    }
    return parts;
  }

  #or(): Expression {
    return this.#joined("or", () => this.#joined("and", () => this.#one()));
  }

  #joined(kind: "or" | "and", part: () => Expression): Expression {
    const parts = [part()];
    while (isWord(this.#peek(), kind)) {
      this.#take();
      parts.push(part());
    }
    const [first] = parts;
    return first !== undefined && parts.length === 1 ? first : { kind, parts };
  }

  #one(): Expression {
    const token = this.#peek();
    if (token.kind === "(") return this.#within(token, () => this.#parenthesis());
    if (isWord(token, "not"))
      return this.#within(token, () => {
        this.#take();
        return { kind: "not", of: this.#one() };
      });
    if (token.kind !== "word") throw this.#fault(token, "a node, a group, a comparison, not, or (");
    this.#take();
    const after = this.#peek();
    return after.kind === "operator" ? this.#comparison(token, after.text) : single(token);
  }

  #parenthesis(): Expression {
    const open = this.#take();
    const inside = anyOf(this.#list());
    const close = this.#peek();
    if (close.kind !== ")") throw this.#fault(close, `and, or, a comma, or the ) of the ( at character ${open.at + 1}`);
    this.#take();
    return inside;
  }

  #within(token: Token, read: () => Expression): Expression {
    if (++this.#depth > DEEPEST) throw new TargetFault(token.at, `more than ${DEEPEST} levels of parentheses and not`);
    const inside = read();
    this.#depth--;
    return inside;
  }

  #comparison({ text: key, at }: Token, operator: Operator): Expression {
    if (!KEY.test(key)) throw new TargetFault(at, `${inQuotes(key, 40)} is no label, fact or state`);
    if (isTargetWord(key)) throw new TargetFault(at, `${key} is a word of its own, and is not compared`);
    this.#take();
    const value = this.#peek();
    if (value.kind !== "word" && value.kind !== "quoted")
      throw this.#fault(value, `a value after ${key}${operator}; one with special characters stands in quotes`);
    this.#take();
    if (DURATIONS.has(key) && readDuration(value.text) === undefined)
      throw new TargetFault(value.at, `${key} is compared with a duration such as 30d, not with ${shownToken(value)}`);
    const equality = operator === "=" || operator === "!=";
    const wild = value.kind === "word" && value.text.includes("*");
    if (wild && !equality) throw new TargetFault(value.at, `a pattern is compared with = or !=, not with ${operator}`);
    return { kind: "comparison", key, operator, value: value.text, wild, at };
  }

  #peek(): Token {
    return this.#tokens[this.#next] ?? { kind: "end", text: "", at: 0 };
  }

  #take(): Token {
    const token = this.#peek();
    this.#next++;
    return token;
  }

  #fault(token: Token, expected: string): TargetFault {
    return new TargetFault(token.at, `expected ${expected}, got ${shownToken(token)}`);
  }
}

function isWord(token: Token, word: string): boolean {
  return token.kind === "word" && token.text.toLowerCase() === word;
}

/** A word that nothing is compared with. */
function single({ text, at }: Token): Expression {
  const word = stateWord(text);
  if (word !== undefined) return { kind: "state", word };
  if (isTargetWord(text)) throw new TargetFault(at, `expected a node, a group or a comparison, got ${inQuotes(text)}`);
  if (text.startsWith("@")) {
    const fault = tokenFault(text.slice(1));
    if (fault !== undefined) throw new TargetFault(at, `${inQuotes(text, 40)} is no group: ${fault}`);
    return { kind: "group", text: text.slice(1), at };
  }
  if (JOB.test(text)) return { kind: "group", text, at };
  if (text.includes("*") && PATTERN.test(text)) return { kind: "pattern", text, at };
  const fault = tokenFault(text);
  if (fault === undefined) return { kind: "name", text, at };
  const hint = text.includes(".") ? "; a label or a fact needs =, <, > or the like behind it" : "";
  throw new TargetFault(at, `${inQuotes(text, 40)} is no node: ${fault}${hint}`);
}

/** The tree as text that reads back as the same tree. */
export function formatExpression(expression: Expression): string {
  switch (expression.kind) {
    case "or":
    case "and":
      return `(${expression.parts.map(formatExpression).join(` ${expression.kind} `)})`;
    case "not":
      return `not ${formatExpression(expression.of)}`;
    case "group":
      return isJobGroup(expression.text) ? expression.text : `@${expression.text}`;
    case "state":
      return expression.word;
    case "comparison": {
      const { key, operator, value, wild } = expression;
      return `${key}${operator}${wild ? value : `"${value.replace(/["\\]/g, "\\$&")}"`}`;
    }
    default:
      return expression.text;
  }
}

/** True for a group that stands for nodes of a job. */
export function isJobGroup(name: string): boolean {
  return JOB.test(name);
}

/** Calls `visit` with each leaf of the tree. */
export function eachLeaf(expression: Expression, visit: (leaf: Leaf) => void): void {
  if ("of" in expression) eachLeaf(expression.of, visit);
  else if ("parts" in expression) for (const part of expression.parts) eachLeaf(part, visit);
  else visit(expression);
}

export type Leaf = Exclude<Expression, { readonly kind: "or" | "and" | "not" }>;
