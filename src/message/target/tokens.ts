import { inQuotes } from "../text/printable.ts";

/** The tokens of a target, each with its place: the number of characters before it. */
export type Token =
  | { readonly kind: "word" | "quoted"; readonly text: string; readonly at: number }
  | { readonly kind: "operator"; readonly text: Operator; readonly at: number }
  | { readonly kind: "(" | ")" | "," | "end"; readonly text: string; readonly at: number };

export type Operator = "=" | "!=" | "<" | "<=" | ">" | ">=";

/** A fault of a target, with its place. */
export class TargetFault extends Error {
  /** The number of characters before the fault. */
  readonly at: number;

  constructor(at: number, text: string) {
    super(`at character ${at + 1}: ${text}`);
    this.name = "TargetFault";
    this.at = at;
  }
}

const SPACE = /\s/;
const WORD = /[^\s()<>=!,"'&|]+/y;
/** The longest target, characters: a list of ten thousand names fits. */
const LONGEST_TARGET = 1_000_000;
/** Habits of other languages, and the word that is meant. */
const MEANT: Readonly<Record<string, string>> = { "&": "and", "|": "or", "!": "not" };

/** @throws TargetFault */
export function tokensOf(text: string): Token[] {
  if (text.length > LONGEST_TARGET)
    throw new TargetFault(LONGEST_TARGET, `it has ${text.length} characters, ${LONGEST_TARGET} are allowed`);
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    const character = text.charAt(at);
    if (SPACE.test(character)) {
      at++;
      continue;
    }
    const token = tokenAt(text, at, character);
    tokens.push(token.token);
    at = token.next;
  }
  tokens.push({ kind: "end", text: "", at: text.length });
  return tokens;
}

function tokenAt(text: string, at: number, character: string): { readonly token: Token; readonly next: number } {
  if (character === "(" || character === ")" || character === ",")
    return { token: { kind: character, text: character, at }, next: at + 1 };
  const two = text.slice(at, at + 2);
  if (two === "!=" || two === "<=" || two === ">=") return { token: { kind: "operator", text: two, at }, next: at + 2 };
  // Two equals signs, as programming languages have them, mean the same as one.
  if (two === "==") return { token: { kind: "operator", text: "=", at }, next: at + 2 };
  if (character === "=" || character === "<" || character === ">")
    return { token: { kind: "operator", text: character, at }, next: at + 1 };
  const meant = MEANT[character];
  if (meant !== undefined) throw new TargetFault(at, `${character} is not known here; write ${meant}`);
  if (character === '"' || character === "'") return quotedAt(text, at, character);
  WORD.lastIndex = at;
  const [word = character] = WORD.exec(text) ?? [];
  return { token: { kind: "word", text: word, at }, next: at + word.length };
}

/** A text in quotes; a backslash takes the character behind it as it is. */
function quotedAt(text: string, at: number, quote: string): { readonly token: Token; readonly next: number } {
  let value = "";
  for (let next = at + 1; next < text.length; next++) {
    const character = text.charAt(next);
    if (character === quote) return { token: { kind: "quoted", text: value, at }, next: next + 1 };
    if (character === "\\" && next + 1 < text.length) value += text.charAt(++next);
    else value += character;
  }
  throw new TargetFault(at, `the text that begins here has no closing ${quote}`);
}

/** A token as a fault quotes it. */
export function shownToken({ kind, text }: Token): string {
  return kind === "end" ? "the end" : inQuotes(text, 40);
}
