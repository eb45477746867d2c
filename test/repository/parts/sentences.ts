import { type Comment, read } from "./sources.ts";

/** A sentence of a comment, on one line; `at`: the offset of its comment in the source. */
export interface Sentence {
  readonly at: number;
  readonly text: string;
}

/** Words that stand for a thing without naming it: a sentence that begins with one sends its reader looking for the thing. */
const OPENERS = new Set(
  [
    "what whatever who whoever whom whose which of whether",
    "that those these it its they their them he she his her",
    "nothing nobody as else",
  ].flatMap((words) => words.split(" ")),
);

/** Whether a sentence begins with something other than a noun. */
export function isRiddle(sentence: string): boolean {
  const [first = "", second = ""] = sentence.split(/[^A-Za-z']+/, 2);
  if (/^[^A-Za-z]/.test(sentence)) return false;
  return OPENERS.has(first.toLowerCase()) || (first.toLowerCase() === "the" && second.toLowerCase() === "same");
}

/** The sentences of all comments of a source, in order. Drawings, code and the texts of tags are none. */
export function sentencesOf(text: string): Sentence[] {
  return joined(read(text).comments, text).flatMap(({ at, text: comment }) =>
    paragraphsOf(comment)
      .flatMap((paragraph) => paragraph.split(/(?<=[.!?]["')\]]?)\s+(?=["'([]?[A-Z`])/))
      .map((sentence) => ({ at, text: sentence.trim() }))
      .filter((sentence) => sentence.text !== "" && !sentence.text.startsWith("biome-ignore")),
  );
}

/** Comments of whole lines that follow each other are one. */
function joined(comments: readonly Comment[], text: string): Comment[] {
  const whole: { at: number; text: string; end: number }[] = [];
  for (const comment of comments) {
    const last = whole.at(-1);
    const ownLine = /(^|\n)[ \t]*$/.test(text.slice(Math.max(0, comment.at - 200), comment.at));
    const follows =
      last?.text.startsWith("//") === true && ownLine && /^\n[ \t]*$/.test(text.slice(last.end, comment.at));
    const end = comment.at + comment.text.length;
    if (follows && comment.text.startsWith("//")) {
      last.text += `\n${comment.text}`;
      last.end = end;
    } else whole.push({ ...comment, end });
  }
  return whole;
}

function paragraphsOf(comment: string): string[] {
  const paragraphs: string[] = [];
  let open = "";
  const close = (): void => {
    paragraphs.push(open);
    open = "";
  };
  const lines = comment
    .replace(/^\/\*+|\*+\/$/g, "")
    .split("\n")
    .map((line) => line.replace(/^[ \t]*(?:\/\/|\*)?/, ""));
  let inTag = false;
  for (const line of lines) {
    const words = line.trim();
    if (words === "") inTag = false;
    if (/@(?:throws|param|returns)\b/.test(words)) {
      open += ` ${words.slice(0, words.search(/@(?:throws|param|returns)\b/))}`;
      close();
      inTag = true;
    } else if (words === "" || /^ {3,}/.test(line)) close();
    else if (/^[-*] /.test(words)) {
      close();
      open = words.slice(2);
    } else if (!inTag) open += ` ${words}`;
  }
  close();
  return paragraphs.map((paragraph) => paragraph.replace(/`[^`]*`/g, (code) => code.replace(/[.!?]/g, " ")).trim());
}
