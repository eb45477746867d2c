import type { Json } from "../../message/message.ts";

/**
 * One line of a log, as it travels. A line that came by syslog always has a `time` (its own, or that of its reception);
 * a line of a followed file never has one and is stored as it is.
 */
export type LogRecord = {
  /** ISO 8601 in UTC, with milliseconds. */
  readonly time?: string;
  readonly host?: string;
  readonly app?: string;
  readonly pid?: string;
  readonly severity?: string;
  readonly facility?: string;
  /** RFC 5424 MSGID. */
  readonly msgid?: string;
  /** RFC 5424 structured data: each element verbatim, brackets and escapes included. */
  readonly structured?: readonly string[];
  /** Number, from 1, of a part of a line that is longer than a message or `limits.lineBytes` allows; `2.1`: of a part of a part. */
  readonly part?: string;
  /** Another part of the same line follows. */
  readonly more?: true;
  readonly text: string;
};

export type LogBatch = { readonly lines: readonly LogRecord[] };

/** Most lines and bytes of one event. */
export const MAX_BATCH_LINES = 500;
export const MAX_BATCH_BYTES = 64 * 1024;

export const SEVERITIES = ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"] as const;
export const FACILITIES = [
  ...["kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp"],
  ...["ntp", "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"],
] as const;

// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the purpose
const CONTROL = /[\u0000-\u001f]/;

/** Estimate of a record's bytes in an event; exact for text with control characters, which JSON inflates six-fold. */
export function weightOf(record: LogRecord): number {
  const { text } = record;
  const bytes = CONTROL.test(text) ? Buffer.byteLength(JSON.stringify(text)) : Buffer.byteLength(text);
  let rest = 0;
  for (const element of record.structured ?? []) rest += element.length;
  return bytes + rest + (record.host?.length ?? 0) + (record.app?.length ?? 0) + (record.msgid?.length ?? 0);
}

const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;
const PART = /^\d{1,12}(?:\.\d{1,12}){0,3}$/;
const WORDS = ["host", "app", "pid", "severity", "facility", "msgid"] as const;

/** @throws Error that names the first fault */
export function parseBatch(data: Json): LogBatch {
  if (typeof data !== "object" || data === null || !("lines" in data) || !Array.isArray(data.lines)) {
    throw new Error('the data must be {"lines": [{"text": "..."}]}');
  }
  const lines: readonly unknown[] = data.lines;
  if (lines.length > 20 * MAX_BATCH_LINES) {
    throw new Error(`${lines.length} lines in one event, ${20 * MAX_BATCH_LINES} are allowed`);
  }
  for (const [index, line] of lines.entries()) {
    const fault = lineFault(line);
    if (fault !== undefined) throw new Error(`lines[${index}]: ${fault}`);
  }
  return { lines: lines as readonly LogRecord[] };
}

function lineFault(line: unknown): string | undefined {
  if (typeof line !== "object" || line === null || Array.isArray(line)) return "it must be an object";
  const fields = line as Record<string, unknown>;
  if (typeof fields.text !== "string") return "`text` must be a string";
  if (fields.time !== undefined && !(typeof fields.time === "string" && TIME.test(fields.time))) {
    return "`time` must look like 2026-11-22T14:20:55.123Z";
  }
  for (const word of WORDS) {
    if (fields[word] !== undefined && typeof fields[word] !== "string") return `\`${word}\` must be a string`;
  }
  const { structured, part, more } = fields;
  if (part !== undefined && !(typeof part === "string" && PART.test(part))) return "`part` must look like 2 or 2.1";
  if (more !== undefined && more !== true) return "`more` must be true";
  if (structured !== undefined && !(Array.isArray(structured) && structured.every((e) => typeof e === "string"))) {
    return "`structured` must be a list of strings";
  }
  return undefined;
}

/** Numbers the parts of a line that are handed over one by one. */
export class Parts {
  /** Number of parts of the unfinished line so far; 0: none is unfinished. */
  #made: number;

  constructor(made = 0) {
    this.#made = made;
  }

  get made(): number {
    return this.#made;
  }

  /** The record as the next part; without `more`, as the last part or a complete line. */
  next<T extends object>(record: T, more: boolean): T & Pick<LogRecord, "part" | "more"> {
    const no = this.#made + 1;
    this.#made = more ? no : 0;
    if (no === 1 && !more) return record;
    return { ...record, part: `${no}`, ...(more ? { more } : {}) };
  }
}
