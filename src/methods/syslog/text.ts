import { isUtf8 } from "node:buffer";

export interface Decoded {
  readonly text: string;
  /** Number of U+FFFD that stand for bytes that are not UTF-8. */
  readonly replaced: number;
}

const REPLACEMENT = Buffer.from("\ufffd");

export function decode(bytes: Buffer): Decoded {
  const text = bytes.toString("utf8");
  if (isUtf8(bytes)) return { text, replaced: 0 };
  let genuine = 0;
  for (let at = bytes.indexOf(REPLACEMENT); at !== -1; at = bytes.indexOf(REPLACEMENT, at + 3)) genuine++;
  return { text, replaced: text.split("\ufffd").length - 1 - genuine };
}

/** The index at which to cut `bytes` so that at most `limit` are kept and no UTF-8 character is torn. */
export function cutAt(bytes: Buffer, limit: number): number {
  if (bytes.length <= limit) return bytes.length;
  let at = limit;
  while (at > limit - 4 && at > 0 && ((bytes[at] ?? 0) & 0xc0) === 0x80) at--;
  // Bytes without the beginning of a character within reach are not UTF-8, so any cut will do.
  return at === 0 || ((bytes[at] ?? 0) & 0xc0) === 0x80 ? limit : at;
}

/** The message without the line ending (LF, CR LF, NUL) that some senders put into a datagram or a counted message. */
export function trimEnd(message: Buffer): Buffer {
  let end = message.length;
  while (end > 0 && (message[end - 1] === 10 || message[end - 1] === 13 || message[end - 1] === 0)) end--;
  return message.subarray(0, end);
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the purpose
const CONTROL = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/g;

/** The text on one line: control characters become `#` and three octal digits (newline: `#012`), as in syslog daemons. Tabs stay. */
export function escapeControls(text: string): string {
  return text.replace(CONTROL, (c) => `#${c.charCodeAt(0).toString(8).padStart(3, "0")}`);
}
