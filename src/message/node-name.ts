import { tokenFault } from "./subject.ts";

/** The words of the target language: a node of such a name would be taken for something else by `steward run`. */
const TARGET_WORDS: ReadonlySet<string> = new Set([
  "all",
  "any",
  "none",
  "and",
  "or",
  "not",
  "self",
  "online",
  "offline",
]);

/** The fault of a node's name, in words; `undefined`: there is none. */
export function nodeNameFault(text: string): string | undefined {
  const fault = tokenFault(text);
  if (fault !== undefined) return fault;
  return TARGET_WORDS.has(text.toLowerCase())
    ? `${text} is a word of \`steward run\`'s targets; a node needs another name`
    : undefined;
}
