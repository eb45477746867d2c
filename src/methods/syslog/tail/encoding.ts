/** The encoding of a log's text, by the byte order mark at its beginning. */
export interface Encoding {
  readonly name: "utf-8" | "utf-16le" | "utf-16be";
  /** Bytes of the mark, which is no text. */
  readonly mark: number;
}

/** Bytes of a file's beginning that decide its encoding. */
export const MARK_REACH = 3;

export function encodingOf(beginning: Buffer): Encoding {
  const [a, b, c] = beginning;
  if (a === 0xef && b === 0xbb && c === 0xbf) return { name: "utf-8", mark: 3 };
  if (a === 0xff && b === 0xfe) return { name: "utf-16le", mark: 2 };
  if (a === 0xfe && b === 0xff) return { name: "utf-16be", mark: 2 };
  return { name: "utf-8", mark: 0 };
}
