import { printable } from "../../message/text/printable.ts";
import { columnsOf } from "./width.ts";

/**
 * Text from elsewhere on its way to a terminal. Names, reasons and log lines are written by other machines: control
 * characters in them are made visible, so that none of them can move the cursor, retitle the window or forge a line.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what this looks for
const CONTROL = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character begins a colour
const SGR = /\u001b\[[0-9;]*m/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character begins a colour
const SGR_OR_NOT = /(\u001b\[[0-9;]*m)/;

/** One line, control characters shown as `\x1b`. */
export function visible(text: string): string {
  return text.replace(CONTROL, escaped);
}

/** JSON that says the same and holds no control character; `indent`: on several lines. */
export function jsonText(value: unknown, indent?: number): string {
  return printable(JSON.stringify(value, null, indent));
}

/** Output of a program on one line: colours pass, other control characters are shown as `\x1b`. */
export function visibleButColours(text: string): string {
  // Split with a group: every second piece is a colour.
  return text
    .split(SGR_OR_NOT)
    .map((piece, i) => (i % 2 === 1 ? piece : visible(piece)))
    .join("");
}

/** `1 row`, `2 rows`. */
export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

/** The text without colours. */
export function bare(text: string): string {
  return text.replace(SGR, "");
}

/** Columns that the text takes, colours not counted. */
export function width(text: string): number {
  return columnsOf(bare(text));
}

function escaped(character: string): string {
  const code = character.charCodeAt(0);
  if (code === 10) return "\\n";
  if (code === 13) return "\\r";
  return code < 256 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
}
