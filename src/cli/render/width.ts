/** How many columns text takes on a terminal: wide characters two, combining ones none. */

const ASCII = /^[\x20-\x7e]*$/;
const WIDE =
  /^(?:[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\ua960-\ua97c\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6]|\p{Script=Han}|\p{Script=Hangul}|\p{Script=Yi}|\p{Emoji_Presentation})/u;
const EMOJI_STYLE = /\ufe0f/;
const UNSEEN = /^[\p{Mn}\p{Me}\p{Cf}]*$/u;

const segmenter = new Intl.Segmenter("en", { granularity: "grapheme" });

/** Columns of plain text. */
export function columnsOf(text: string): number {
  if (ASCII.test(text)) return text.length;
  let columns = 0;
  for (const { segment } of segmenter.segment(text)) columns += columnsOfOne(segment);
  return columns;
}

/** Cuts plain text to so many columns, with an ellipsis; no character is cut in two. */
export function cutTo(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text;
  const room = columns <= 1 ? columns : columns - 1;
  let kept = "";
  let taken = 0;
  for (const { segment } of segmenter.segment(text)) {
    taken += columnsOfOne(segment);
    if (taken > room) break;
    kept += segment;
  }
  return columns <= 1 ? kept : `${kept}…`;
}

function columnsOfOne(grapheme: string): number {
  if (UNSEEN.test(grapheme)) return 0;
  return WIDE.test(grapheme) || EMOJI_STYLE.test(grapheme) ? 2 : 1;
}
