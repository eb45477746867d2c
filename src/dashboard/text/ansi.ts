/**
 * Output of programs as pieces of plain text with a class each. Colours and weights of SGR sequences become classes; every
 * other control character, and every other sequence, is shown as a picture of itself and obeyed by nobody.
 */
export interface Style {
  /** 0 to 15 of the usual palette. */
  readonly fg?: number;
  readonly bg?: number;
  readonly bold?: boolean;
  readonly dim?: boolean;
  readonly italic?: boolean;
  readonly underline?: boolean;
  readonly inverse?: boolean;
}

export interface Piece {
  readonly text: string;
  readonly style: Style;
  /** Control characters that were made visible. */
  readonly control?: boolean;
}

export const PLAIN: Style = {};

// biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character begins a colour
const SGR = /\u001b\[([0-9;:]{0,64})m/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]+/g;

/** The pieces of one line, and the style in which the next line begins. */
export function piecesOf(
  line: string,
  begin: Style = PLAIN,
): { readonly pieces: readonly Piece[]; readonly end: Style } {
  const pieces: Piece[] = [];
  let style = begin;
  let from = 0;
  for (const match of line.matchAll(SGR)) {
    plain(line.slice(from, match.index), style, pieces);
    style = styled(style, match[1] ?? "");
    from = match.index + match[0].length;
  }
  plain(line.slice(from), style, pieces);
  return { pieces, end: style };
}

/** The style after a line, without its pieces. */
export function styleAfter(line: string, begin: Style): Style {
  if (!line.includes("\u001b[")) return begin;
  let style = begin;
  for (const match of line.matchAll(SGR)) style = styled(style, match[1] ?? "");
  return style;
}

/** The line without colours, for search and for the clipboard. */
export function bareText(line: string): string {
  return line.replace(SGR, "");
}

export function classOf({ fg, bg, bold, dim, italic, underline, inverse }: Style): string {
  const [front, back] = inverse === true ? [bg ?? "back", fg ?? "front"] : [fg, bg];
  return [
    front === undefined ? "" : `fg-${front}`,
    back === undefined ? "" : `bg-${back}`,
    bold === true ? "bold" : "",
    dim === true ? "dim" : "",
    italic === true ? "italic" : "",
    underline === true ? "underline" : "",
  ]
    .filter((name) => name !== "")
    .join(" ");
}

/** Control characters as their pictures: ␛ for escape; others as \u202e. */
export function pictured(text: string): string {
  return text.replace(CONTROL, (run) =>
    [...run]
      .map((character) => {
        const code = character.charCodeAt(0);
        if (code < 32) return String.fromCharCode(0x2400 + code);
        return code === 127 ? "\u2421" : `\\u${code.toString(16).padStart(4, "0")}`;
      })
      .join(""),
  );
}

function plain(text: string, style: Style, pieces: Piece[]): void {
  let from = 0;
  for (const match of text.matchAll(CONTROL)) {
    if (match.index > from) pieces.push({ text: text.slice(from, match.index), style });
    pieces.push({ text: pictured(match[0]), style, control: true });
    from = match.index + match[0].length;
  }
  if (from < text.length) pieces.push({ text: text.slice(from), style });
}

function styled(before: Style, parameters: string): Style {
  const codes = parameters === "" ? [0] : parameters.split(/[;:]/).map(Number);
  let style = before;
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i] ?? 0;
    if (code === 38 || code === 48) {
      const isIndex = codes[i + 1] === 5;
      const colour = isIndex
        ? indexed(codes[i + 2] ?? 0)
        : nearest(codes[i + 2] ?? 0, codes[i + 3] ?? 0, codes[i + 4] ?? 0);
      i += isIndex ? 2 : 4;
      style = code === 38 ? { ...style, fg: colour } : { ...style, bg: colour };
    } else style = changed(style, code);
  }
  return style;
}

function changed(style: Style, code: number): Style {
  const { fg: _fg, ...withoutFg } = style;
  const { bg: _bg, ...withoutBg } = style;
  if (code === 0) return PLAIN;
  if (code === 1) return { ...style, bold: true };
  if (code === 2) return { ...style, dim: true };
  if (code === 3) return { ...style, italic: true };
  if (code === 4) return { ...style, underline: true };
  if (code === 7) return { ...style, inverse: true };
  if (code === 22) return { ...style, bold: false, dim: false };
  if (code === 23) return { ...style, italic: false };
  if (code === 24) return { ...style, underline: false };
  if (code === 27) return { ...style, inverse: false };
  if (code >= 30 && code <= 37) return { ...style, fg: code - 30 };
  if (code >= 90 && code <= 97) return { ...style, fg: code - 82 };
  if (code >= 40 && code <= 47) return { ...style, bg: code - 40 };
  if (code >= 100 && code <= 107) return { ...style, bg: code - 92 };
  if (code === 39) return withoutFg;
  if (code === 49) return withoutBg;
  return style;
}

/** A colour of the palette of 256, as the nearest one of the 16 that the page has in a light and a dark form. */
function indexed(index: number): number {
  if (index < 16) return Math.max(0, index);
  if (index >= 232) {
    const grey = (index - 232) * 10 + 8;
    return nearest(grey, grey, grey);
  }
  const cube = index - 16;
  const level = (value: number): number => (value === 0 ? 0 : value * 40 + 55);
  return nearest(level(Math.floor(cube / 36)), level(Math.floor(cube / 6) % 6), level(cube % 6));
}

function nearest(red: number, green: number, blue: number): number {
  const most = Math.max(red, green, blue);
  if (most < 48) return 0;
  const half = most / 2;
  const colour = (red > half ? 1 : 0) + (green > half ? 2 : 0) + (blue > half ? 4 : 0);
  if (colour === 7) return most > 200 ? 15 : most > 140 ? 7 : 8;
  return most > 190 ? colour + 8 : colour;
}
