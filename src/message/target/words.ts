/** Words that say how a node is, or which one it is. */
const STATE_WORDS = ["all", "self", "online", "offline", "away"] as const;
export type StateWord = (typeof STATE_WORDS)[number];

/** All words of the language of targets: a node of such a name would be taken for something else by `steward run`. */
const TARGET_WORDS: ReadonlySet<string> = new Set([...STATE_WORDS, "any", "none", "and", "or", "not"]);

export function isTargetWord(text: string): boolean {
  return TARGET_WORDS.has(text.toLowerCase());
}

export function stateWord(text: string): StateWord | undefined {
  const word = text.toLowerCase();
  return STATE_WORDS.find((known) => known === word);
}
