import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { isToken } from "../../../message/subject.ts";
import { namesIn, pathIn } from "../../../platform/names.ts";

/** A log that the sink has stored. */
export interface StoredLog {
  /** The origin. */
  readonly node: string;
  readonly domain: string;
  /** Paths, one a day, oldest first. */
  readonly files: readonly string[];
}

export interface StoredQuery {
  readonly node?: string;
  readonly domain?: string;
  /** Number of lines of each log, the last ones; default 10. */
  readonly lines?: number;
}

export interface StoredLine {
  readonly node: string;
  readonly domain: string;
  readonly line: string;
}

/** One day of one log. */
export const LOG_FILE = /^\d{4}-\d{2}-\d{2}\.log$/;

/** The note of the sink beside a log; see there. */
export const openingName = (log: string): string => `.${log}.opening`;

const MAX_LINES = 10_000;
const BLOCK = 64 * 1024;
/** Most bytes that are read of one log, for lines of any length. */
const MAX_BYTES = 16 * 1024 * 1024;

export async function listLogs(directory: string, query: StoredQuery = {}): Promise<StoredLog[]> {
  const logs: StoredLog[] = [];
  for (const node of await namesIn(directory, "folders")) {
    if (!isToken(node) || (query.node !== undefined && query.node !== node)) continue;
    const own = pathIn(directory, node);
    for (const domain of await namesIn(own, "folders")) {
      if (!isToken(domain) || (query.domain !== undefined && query.domain !== domain)) continue;
      const log = pathIn(own, domain);
      const days = (await namesIn(log, "files")).filter((name) => LOG_FILE.test(name));
      if (days.length > 0) logs.push({ node, domain, files: days.map((name) => pathIn(log, name)) });
    }
  }
  return logs;
}

/** The last lines of each log, oldest first, taken from earlier days too when the newest has too few. */
export async function readLogs(directory: string, query: StoredQuery = {}): Promise<StoredLine[]> {
  const wanted = Math.min(MAX_LINES, Math.max(0, Math.trunc(query.lines ?? 10)));
  const found: StoredLine[] = [];
  for (const { node, domain, files } of await listLogs(directory, query)) {
    let lines: string[] = [];
    for (const file of files.toReversed()) {
      if (lines.length >= wanted) break;
      lines = [...(await lastLines(file, wanted - lines.length)), ...lines];
    }
    found.push(...lines.map((line) => ({ node, domain, line })));
  }
  return found;
}

/** The last lines of a file, read block by block from its end. A line without a newline is still being written, and left out. */
export async function lastLines(path: string, count: number): Promise<string[]> {
  if (count <= 0) return [];
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (handle === undefined) return [];
  try {
    const blocks: Buffer[] = [];
    let position = (await handle.stat()).size;
    let newlines = 0;
    let held = 0;
    // One newline more than lines is needed: the newline before the first line.
    while (position > 0 && newlines <= count && held < MAX_BYTES) {
      const length = Math.min(BLOCK, position);
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, position - length);
      if (bytesRead < length) break;
      position -= length;
      held += length;
      for (const byte of buffer) if (byte === 10) newlines++;
      blocks.unshift(buffer);
    }
    const lines = Buffer.concat(blocks).toString("utf8").split("\n");
    lines.pop();
    // The first line is torn unless the file begins there.
    if (position > 0) lines.shift();
    return lines.slice(-count);
  } finally {
    await handle.close();
  }
}
