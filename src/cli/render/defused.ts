import { StringDecoder } from "node:string_decoder";
import { visibleButColours } from "./text.ts";

/** The beginning of a colour whose end has not come yet. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character begins a colour
const BEGUN = /\u001b(?:\[[0-9;]{0,32})?$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character begins a colour
const COLOUR = /\u001b\[[0-9;]*m/;
const USUAL = "\u001b[0m";

/**
 * A program's output on its way to a terminal that must not obey it: titles, the clipboard, cursor and screen stay as they
 * are, for control characters are shown instead. Newlines, tabs, carriage returns (progress bars) and colours pass; a colour
 * that is left on is switched off at the end.
 */
export class Defused {
  #decoder = new StringDecoder("utf8");
  #held = "";
  #coloured = false;

  /** The text that may be printed now; the beginning of a character or of a colour is held back. */
  write(chunk: Buffer): string {
    const text = this.#held + this.#decoder.write(chunk);
    this.#held = BEGUN.exec(text)?.[0] ?? "";
    return this.#shown(text.slice(0, text.length - this.#held.length));
  }

  /** The text that was held back; there is no more to come. */
  end(): string {
    const rest = this.#held + this.#decoder.end();
    this.#decoder = new StringDecoder("utf8");
    this.#held = "";
    const shown = this.#shown(rest) + (this.#coloured ? USUAL : "");
    this.#coloured = false;
    return shown;
  }

  #shown(text: string): string {
    this.#coloured ||= COLOUR.test(text);
    return text
      .split(/([\n\r]+)/)
      .map((piece, i) => (i % 2 === 1 ? piece : visibleButColours(piece)))
      .join("");
  }
}
