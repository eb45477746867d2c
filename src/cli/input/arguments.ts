import { StewardError } from "../../message/errors.ts";
import { textOf } from "../../message/text/text.ts";

/** The character that stands in an argument for bytes that Node.js could not read. */
const REPLACEMENT = "\uFFFD";

/**
 * Refuses arguments that are not UTF-8: Node.js puts U+FFFD in the place of such bytes. `raw`: the arguments of the process
 * as the system has them, each ended by NUL; `undefined`: the system does not tell them, and every U+FFFD is refused.
 * @throws StewardError `text-invalid`
 */
export function checkArguments(argv: readonly string[], raw: () => Uint8Array | undefined): void {
  if (!argv.some((word) => word.includes(REPLACEMENT))) return;
  const words = wordsOf(raw(), argv.length);
  argv.forEach((word, i) => {
    if (!word.includes(REPLACEMENT)) return;
    const read =
      words === undefined
        ? { fault: "it holds U+FFFD, which stands for bytes that are not UTF-8" }
        : textOf(words[i] ?? Buffer.alloc(0));
    if ("fault" in read) throw new StewardError("text-invalid", { where: `argument ${i + 1}`, fault: read.fault });
  });
}

/** The last `count` words: before them stand the program and its own options. */
function wordsOf(raw: Uint8Array | undefined, count: number): readonly Uint8Array[] | undefined {
  if (raw === undefined) return undefined;
  const words: Uint8Array[] = [];
  let start = 0;
  for (let end = raw.indexOf(0); end >= 0; end = raw.indexOf(0, start)) {
    words.push(raw.subarray(start, end));
    start = end + 1;
  }
  return words.slice(-count);
}
