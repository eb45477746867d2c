/** Text from elsewhere within a sentence of ours: nothing of it may steer a terminal or forge a line. */

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const STEERING = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** Control characters are shown as `\u001b`; line breaks and tabs stay. */
export function printable(text: string): string {
  return text.replace(STEERING, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Printable text on one line. */
export function printableLine(text: string): string {
  return printable(text.replaceAll("\n", "\\n").replaceAll("\t", "\\t"));
}

/** A text from outside in quotes: JSON alone leaves some control characters as they are. */
export function inQuotes(text: string, limit?: number): string {
  return printable(JSON.stringify(shortened(text, limit)));
}

/** At most `limit` characters of a text from outside, so that a fault stays one readable line. */
export function shortened(text: string, limit = 60): string {
  return text.length <= limit ? text : `${text.slice(0, limit)}…`;
}
