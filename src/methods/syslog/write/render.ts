import type { LogRecord } from "../record.ts";
import { escapeControls } from "../text.ts";

/** Structured data about the transport, not about the event (registered by IANA with RFC 5424); not stored. */
const TRANSPORT = /^\[(?:timeQuality|origin|meta)[ \]]/;

/**
 * One line, without its newline. A line of syslog becomes `2026-11-22T14:20:55.123Z host app[pid]: text`, with MSGID and
 * structured data before the text, and `-` for an unknown host. A line of a file is stored as it is. A part of a line that
 * was too long ends with a mark: `[part 1, more follows]`, and `[part 2, the last]`.
 */
export function renderLine(record: LogRecord): string {
  const text = `${record.text}${markOf(record)}`;
  // Only a forged record of a file has a newline in its text, which must not make two lines of one.
  if (record.time === undefined) return text.replaceAll("\n", "#012");
  const { app, pid } = record;
  const tag = app === undefined ? "" : pid === undefined ? `${app}:` : `${app}[${pid}]:`;
  const structured = (record.structured ?? []).filter((element) => !TRANSPORT.test(element));
  const parts = [record.time, record.host ?? "-", tag, record.msgid ?? "", structured.join(""), text];
  return escapeControls(parts.filter((part) => part !== "").join(" "));
}

function markOf({ part, more }: LogRecord): string {
  return part === undefined ? "" : ` [part ${part}, ${more === true ? "more follows" : "the last"}]`;
}
