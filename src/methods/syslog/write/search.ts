import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { timeOfLine } from "./line-time.ts";
import { listLogs } from "./stored.ts";

/**
 * A search in stored logs, the newest lines first. A request reads so many bytes and no more, whatever there is: an answer
 * that is not `complete` says how far back it has looked, and the next request goes on from there.
 */
export interface LogSearch {
  readonly node?: string;
  readonly domain?: string;
  /** A part of the line, in upper or lower case. */
  readonly text?: string;
  readonly since?: number;
  readonly until?: number;
  /** Most lines; the newest. */
  readonly limit?: number;
}

export interface FoundLine {
  readonly node: string;
  readonly domain: string;
  /** The time that the line names; null: none. */
  readonly at: number | null;
  readonly line: string;
}

export interface LogFindings {
  /** The newest last. */
  readonly lines: readonly FoundLine[];
  readonly complete: boolean;
  readonly bytesRead: number;
  /** How far back all logs were read, where that is not all the way; null: as far as was asked. */
  readonly readBackAt: number | null;
}

const BLOCK = 256 * 1024;
const MOST_BYTES = 64 * 1024 * 1024;
const MOST_LINES = 5_000;
const DAY = 86_400_000;
/** Lines of one log are nearly in the order of their times: a line that is older than the asked time by more ends its search. */
const DISORDER = 600_000;
/** Most characters of a line that an answer has. */
const LONGEST = 64 * 1024;

export async function searchLogs(directory: string, search: LogSearch): Promise<LogFindings> {
  const { since = Number.NEGATIVE_INFINITY, until = Number.POSITIVE_INFINITY } = search;
  const limit = Math.min(MOST_LINES, Math.max(1, Math.trunc(search.limit ?? 500)));
  const logs = await listLogs(directory, search);
  const budget = { bytes: MOST_BYTES };
  const found: FoundLine[] = [];
  let readBackAt: number | null = null;
  const share = Math.ceil(MOST_BYTES / Math.max(1, logs.length));
  for (const { node, domain, files } of logs) {
    const own = { node, domain, limit, since, until, text: search.text?.toLowerCase() ?? "", share };
    const { lines, stoppedAt } = await searchLog(files, own, budget);
    for (const line of lines) found.push(line);
    if (stoppedAt !== undefined) readBackAt = Math.max(readBackAt ?? Number.NEGATIVE_INFINITY, stoppedAt);
  }
  // A line without a time stands where its log had it: the sort leaves equal ones in their order.
  const timed = found.map((line) => ({ line, at: line.at ?? since }));
  timed.sort((a, b) => (a.at === b.at ? 0 : a.at - b.at));
  const lines = timed.slice(-limit).map(({ line }) => line);
  return { lines, complete: readBackAt === null, bytesRead: MOST_BYTES - budget.bytes, readBackAt };
}

interface OneLog {
  readonly node: string;
  readonly domain: string;
  readonly limit: number;
  readonly since: number;
  readonly until: number;
  readonly text: string;
  /** Bytes of this log that may be read. */
  readonly share: number;
}

/** Reads the days of a log from their ends. `stoppedAt`: the time before which nothing was looked at. */
async function searchLog(
  files: readonly string[],
  log: OneLog,
  budget: { bytes: number },
): Promise<{ lines: FoundLine[]; stoppedAt?: number }> {
  const { since, until, limit, node, domain } = log;
  let lines: FoundLine[] = [];
  let left = log.share;
  let oldest: number | undefined;
  for (const file of files.toReversed()) {
    const day = Date.parse(file.slice(-14, -4));
    if (day >= until || lines.length >= limit) continue;
    // The day of a file is that of the event, which may differ by a day from that of its lines.
    if (day + 2 * DAY < since) break;
    for await (const block of blocksOf(file, until)) {
      left -= block.bytes;
      budget.bytes -= block.bytes;
      const kept: FoundLine[] = [];
      let newest: number | undefined;
      for (const line of block.lines) {
        const at = timeOfLine(line);
        if (at !== undefined) {
          newest = Math.max(newest ?? at, at);
          oldest = Math.min(oldest ?? at, at);
          if (at < since || at >= until) continue;
        }
        if (log.text !== "" && !line.toLowerCase().includes(log.text)) continue;
        kept.push({ node, domain, at: at ?? null, line: line.slice(0, LONGEST) });
      }
      lines = [...kept, ...lines];
      if (lines.length >= limit || (newest !== undefined && newest < since - DISORDER)) break;
      if (left <= 0) return { lines: lines.slice(-limit), stoppedAt: oldest ?? day };
    }
  }
  if (lines.length > limit) {
    lines = lines.slice(-limit);
    return { lines, stoppedAt: lines[0]?.at ?? oldest ?? since };
  }
  return { lines };
}

interface Block {
  readonly lines: readonly string[];
  readonly bytes: number;
}

/**
 * The whole lines of a file, block by block from its end; the text after the last newline is still being written. Lines that
 * are surely later than `until` are passed over unread, so that a search that goes on does not begin at the end again.
 */
async function* blocksOf(path: string, until: number): AsyncGenerator<Block> {
  const handle = await opened(path);
  if (handle === undefined) return;
  try {
    let position = await endBefore(handle, (await handle.stat()).size, until);
    let rest: Buffer<ArrayBufferLike> = Buffer.alloc(0);
    let isEnd = true;
    while (position > 0) {
      const length = Math.min(BLOCK, position);
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, position - length);
      if (bytesRead < length) return;
      position -= length;
      const whole = Buffer.concat([buffer, rest]);
      const first = position === 0 ? 0 : whole.indexOf(10) + 1;
      // A line that is longer than the block: its beginning comes with the blocks before.
      if (position > 0 && first === 0) {
        rest = whole.length > MOST_BYTES / 4 ? Buffer.alloc(0) : whole;
        yield { lines: [], bytes: length };
        continue;
      }
      rest = whole.subarray(0, first);
      const lines = whole.subarray(first).toString("utf8").split("\n");
      if (isEnd || lines.at(-1) === "") lines.pop();
      isEnd = false;
      yield { lines, bytes: length };
    }
  } finally {
    await handle.close();
  }
}

/** The end of a line after which all are later than `until`, found by looks at a few places. */
async function endBefore(handle: FileHandle, size: number, until: number): Promise<number> {
  if (!Number.isFinite(until)) return size;
  let [low, high] = [0, size];
  while (high - low > BLOCK) {
    const middle = Math.floor((low + high) / 2);
    const lines = (await textAt(handle, middle)).split("\n").slice(1);
    const at = lines.map(timeOfLine).find((time) => time !== undefined);
    if (at === undefined) break;
    if (at >= until + DISORDER) high = middle;
    else low = middle;
  }
  while (high < size) {
    const text = await handle.read(Buffer.alloc(SAMPLE), 0, SAMPLE, high);
    const newline = text.buffer.subarray(0, text.bytesRead).indexOf(10);
    if (newline >= 0) return high + newline + 1;
    if (text.bytesRead === 0) break;
    high += text.bytesRead;
  }
  return size;
}

async function textAt(handle: FileHandle, position: number): Promise<string> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(SAMPLE), 0, SAMPLE, position);
  return buffer.toString("utf8", 0, bytesRead);
}

async function opened(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** How many bytes of logs there are of each hour, of the last so many hours until `until`. */
export async function volumeOf(
  directory: string,
  search: Pick<LogSearch, "node" | "domain">,
  { until, hours }: { readonly until: number; readonly hours: number },
): Promise<{ readonly at: number; readonly bytes: number }[]> {
  const end = Math.ceil(until / HOUR) * HOUR;
  const begin = end - hours * HOUR;
  const totals = new Array<number>(hours).fill(0);
  const logs = (await listLogs(directory, search)).slice(0, MOST_LOGS);
  for (const { files } of logs) {
    for (const file of files.toReversed()) {
      const day = Date.parse(file.slice(-14, -4));
      if (day + 2 * DAY < begin) break;
      await addVolume(file, begin, totals);
    }
  }
  return totals.map((bytes, i) => ({ at: begin + i * HOUR, bytes: Math.round(bytes) }));
}

const HOUR = 3_600_000;
const MOST_LOGS = 200;
/** Places of a file that are looked at for the time of the line there; between two of them time is taken to run evenly. */
const SAMPLES = 48;
const SAMPLE = 4_096;

async function addVolume(file: string, begin: number, totals: number[]): Promise<void> {
  const handle = await opened(file);
  if (handle === undefined) return;
  try {
    const { size } = await handle.stat();
    const samples = Math.max(1, Math.min(SAMPLES, Math.ceil(size / SAMPLE)));
    const buffer = Buffer.alloc(SAMPLE);
    let before: number | undefined;
    for (let i = 0; i <= samples; i++) {
      const position = Math.max(0, Math.min(Math.floor((size * i) / samples), size - SAMPLE));
      const { bytesRead } = await handle.read(buffer, 0, SAMPLE, position);
      const lines = buffer.subarray(0, bytesRead).toString("utf8").split("\n");
      const shown = i === samples ? lines.toReversed() : lines;
      const at = shown.map(timeOfLine).find((time) => time !== undefined) ?? before;
      if (at !== undefined && i > 0) spread(size / samples, Math.min(before ?? at, at), at, begin, totals);
      before = at;
    }
  } finally {
    await handle.close();
  }
}

/** Bytes that were written between two times, given to the hours between them. */
function spread(bytes: number, from: number, until: number, begin: number, totals: number[]): void {
  const first = Math.floor((from - begin) / HOUR);
  const last = Math.floor((until - begin) / HOUR);
  const length = Math.max(1, until - from);
  for (let hour = Math.max(0, first); hour <= Math.min(last, totals.length - 1); hour++) {
    const start = Math.max(from, begin + hour * HOUR);
    const end = Math.min(until, begin + (hour + 1) * HOUR);
    const share = first === last ? 1 : Math.max(0, end - start) / length;
    totals[hour] = (totals[hour] ?? 0) + bytes * share;
  }
}
