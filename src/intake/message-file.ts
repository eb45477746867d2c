import type { TargetedDraft } from "../message/draft.ts";
import { StewardError } from "../message/errors.ts";
import { readJson } from "../message/text/json-reader.ts";
import { type Fault, positions, type Reading } from "../message/text/located.ts";
import { readYaml } from "../message/text/yaml-reader.ts";
import { itemBytes } from "../message/wire/bounds.ts";
import { readMessage } from "./message-form.ts";

export interface MessageFileOptions {
  /** How the file is called in faults: its name, or `-` for the standard input. `*.json` is never read as YAML. */
  readonly name: string;
  /** Largest file, bytes. */
  readonly maxBytes?: number;
  /** Largest file that is YAML, bytes; smaller, because reading it holds up the process: a megabyte for seconds. */
  readonly maxYamlBytes?: number;
  /** Messages, counted once for each receiver. */
  readonly maxMessages?: number;
}

export const MAX_FILE_BYTES = 8 * 1024 * 1024;
const MAX_YAML_BYTES = 256 * 1024;
const MAX_MESSAGES = 10_000;
/** Bytes of all messages together: one with a long list of receivers is that many messages. */
const MAX_SENT_BYTES = 64 * 1024 * 1024;
const SHOWN_FAULTS = 20;

/**
 * The messages of a file, in the order in which they stand there: YAML (one or more documents) or JSON (one or more
 * values, so also a line for each message), each a message or a list of messages.
 * @throws StewardError `message-invalid` that names all faults with line and column; then nothing of it is to be sent.
 */
export function parseMessages(text: string, options: MessageFileOptions): TargetedDraft[] {
  const { name, maxBytes = MAX_FILE_BYTES, maxYamlBytes = MAX_YAML_BYTES, maxMessages = MAX_MESSAGES } = options;
  const bytes = Buffer.byteLength(text);
  if (bytes > maxBytes) throw tooLarge(name, bytes, maxBytes);
  const content = text.startsWith("\uFEFF") ? ` ${text.slice(1)}` : text;

  const reading = read(content, name, Math.min(maxYamlBytes, maxBytes));
  const faults: Fault[] = [...reading.faults];
  const drafts: TargetedDraft[] = [];
  let bytesSent = 0;
  for (const node of reading.values.flatMap((value) => (value.kind === "list" ? value.items : [value]))) {
    const made = readMessage(node, (fault) => faults.push(fault));
    drafts.push(...made);
    // Not where something is wrong already: only what is within its bounds may be written out.
    if (faults.length === 0) bytesSent += made.length * itemBytes(made[0]?.data ?? null);
    if (bytesSent > MAX_SENT_BYTES) {
      faults.push({ at: node.at, text: `more than ${MAX_SENT_BYTES} bytes to send in one file; split it` });
      break;
    }
    if (drafts.length > maxMessages) {
      faults.push({ at: node.at, text: `more than ${maxMessages} messages in one file; split it` });
      break;
    }
  }
  if (drafts.length === 0 && faults.length === 0) faults.push({ at: 0, text: "there is no message in it" });
  if (faults.length > 0) throw invalid(name, content, faults);
  return drafts;
}

export function tooLarge(name: string, bytes: number, limit: number): StewardError {
  return new StewardError("message-invalid", {
    where: name,
    fault: `it has ${bytes} bytes, ${limit} are allowed; split it`,
  });
}

/** JSON is tried first where the text begins like it: it is many times faster to read, and bounded more generously. */
export function read(text: string, name: string, maxYamlBytes: number): Reading {
  const isJson = /\.json$/i.test(name);
  const json = isJson || /^\s*[{[]/.test(text) ? readJson(text) : undefined;
  if (json !== undefined && (isJson || json.faults.length === 0)) return json;
  const bytes = Buffer.byteLength(text);
  if (bytes > maxYamlBytes) {
    return (
      json ?? {
        values: [],
        faults: [{ at: 0, text: `it has ${bytes} bytes, YAML may have ${maxYamlBytes}; split it, or write JSON` }],
      }
    );
  }
  const yaml = readYaml(text);
  // `{"` begins JSON far more often than YAML, so what is wrong is told in the terms of JSON.
  const meantAsJson = /^\s*(\[\s*)?\{\s*"/.test(text);
  return json !== undefined && meantAsJson && yaml.faults.length > 0 ? json : yaml;
}

export function invalid(name: string, text: string, faults: readonly Fault[]): StewardError {
  const position = positions(text);
  const located = [...faults].sort((a, b) => a.at - b.at).map((fault) => ({ ...position(fault.at), text: fault.text }));
  const [first] = located;
  if (located.length === 1 && first !== undefined) {
    return new StewardError("message-invalid", {
      where: `${name}:${first.line}:${first.column}`,
      fault: first.text,
      line: first.line,
      column: first.column,
    });
  }
  const lines = located.slice(0, SHOWN_FAULTS).map((fault) => `  ${name}:${fault.line}:${fault.column}: ${fault.text}`);
  if (located.length > SHOWN_FAULTS) lines.push(`  and ${located.length - SHOWN_FAULTS} more`);
  return new StewardError("message-invalid", {
    where: name,
    fault: `${located.length} faults\n${lines.join("\n")}`,
    line: first?.line ?? 1,
    column: first?.column ?? 1,
  });
}
