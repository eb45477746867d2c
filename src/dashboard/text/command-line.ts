/** The command line that does what the page shows or does: to be copied, and pasted into a shell. */

const BARE = /^[A-Za-z0-9_@%+=:,./-]+$/;
/** Control characters other than a line break, which a shell takes only in `$'…'`. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const CONTROL = /[\u0000-\u0009\u000b-\u001f\u007f]/g;

/** A word as a shell takes it, whatever is in it. */
export function shellWord(text: string): string {
  if (BARE.test(text)) return text;
  if (text.search(CONTROL) === -1) return `'${text.replaceAll("'", `'\\''`)}'`;
  const escaped = text.replace(/['\\]/g, (character) => `\\${character}`);
  return `$'${escaped.replace(CONTROL, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`)}'`;
}

export function commandLine(...words: readonly (string | false | undefined)[]): string {
  return ["steward", ...words.filter((word) => typeof word === "string").map(shellWord)].join(" ");
}

/** The words of a line as a shell would split them: quotes and backslashes; no expansion of any kind. */
export function splitWords(line: string): { readonly words: readonly string[]; readonly fault?: string } {
  const words: string[] = [];
  let word: string | undefined;
  let quote = "";
  for (let i = 0; i < line.length; i++) {
    const character = line.charAt(i);
    if (quote === "'" || (quote === '"' && character !== "\\")) {
      if (character === quote) quote = "";
      else word = (word ?? "") + character;
    } else if (character === "\\") {
      const next = line.charAt(++i);
      if (next === "") return { words, fault: "a backslash is the last character" };
      const stays = quote === '"' && !'"\\$`'.includes(next);
      word = (word ?? "") + (stays ? `\\${next}` : next);
    } else if (character === "'" || character === '"') {
      quote = character;
      word ??= "";
    } else if (/\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? "") + character;
  }
  if (quote !== "") return { words, fault: `the quote ${quote} is not closed` };
  if (word !== undefined) words.push(word);
  return { words };
}
