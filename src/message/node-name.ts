import { tokenFault } from "./subject.ts";
import { isTargetWord } from "./target/words.ts";

/** The fault of a node's name, in words; `undefined`: there is none. */
export function nodeNameFault(text: string): string | undefined {
  const fault = tokenFault(text);
  if (fault !== undefined) return fault;
  return isTargetWord(text) ? `${text} is a word of \`steward run\`'s targets; a node needs another name` : undefined;
}
