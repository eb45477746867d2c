import { constants } from "node:fs";
import { type FileHandle, open, readFile, rm, writeFile } from "node:fs/promises";
import type { Json } from "../../../message/message.ts";
import { holdFolder, pathIn } from "../../../platform/names.ts";
import type { EventContext, EventHandler, EventInput } from "../../define.ts";
import { waitForRoom } from "../../wait-for-room.ts";
import { parseBatch } from "../record.ts";
import { forgetLogs } from "./forget.ts";
import { inTurn } from "./in-turn.ts";
import { renderLine } from "./render.ts";
import { splitBatch } from "./split.ts";
import { LOG_FILE, openingName } from "./stored.ts";

interface Checkpoint {
  readonly file: string;
  readonly size: number;
  readonly ino: string;
  /** Openings that were written for this batch, to be removed with the next one. */
  readonly opened: readonly { readonly file: string; readonly first: string }[];
}

interface OpenLog {
  readonly name: string;
  readonly handle: FileHandle;
  readonly ino: string;
  readonly created: boolean;
  /** The first event of this batch in the file, if the file's size before it was written down in an opening. */
  readonly noted: string | undefined;
}

/**
 * Stores received lines in `<directory>/<origin>/<domain>/<YYYY-MM-DD>.log`. The day is the day of the event's creation, UTC,
 * by the origin's clock (not the day of the line: a device with a wrong clock must not scatter its lines).
 *
 * Lines are stored exactly once, though a batch may come twice: before a file is appended to, it is cut back to its size
 * before the batch. The checkpoint has this size for the last file of the batch before. For any other file the size is
 * written down durably before its first byte, together with the first event that goes there (the opening,
 * `.<file>.opening`).
 */
export const sink: EventHandler = {
  check: (data) => void parseBatch(data),

  async handle(batch, context) {
    const directory = pathIn(pathIn(context.directory, context.origin), context.domain);
    return await waitForRoom(context, directory, () => inTurn(directory, () => inFolder(batch, context)));
  },

  forget: forgetLogs,

  split: splitBatch,

  lines: (event) => linesOf(event),
};

function linesOf(event: EventInput): string[] {
  return parseBatch(event.data).lines.map(renderLine);
}

/** The folder is held open while it is written to: no link that appears in its place leads elsewhere. */
async function inFolder(batch: readonly EventInput[], context: EventContext): Promise<Json | undefined> {
  const folder = holdFolder(context.directory, [context.origin, context.domain]);
  try {
    return await store(batch, folder.path, context);
  } finally {
    folder.close();
  }
}

async function store(
  batch: readonly EventInput[],
  directory: string,
  context: EventContext,
): Promise<Json | undefined> {
  const before = parseCheckpoint(context.checkpoint);
  for (const { file, first } of before?.opened ?? []) {
    // An earlier attempt at this batch may have written another opening since.
    if ((await readOpening(directory, file))?.first === first) await rm(openingPath(directory, file), { force: true });
  }

  const logs = new Map<string, OpenLog>();
  let last: OpenLog | undefined;
  try {
    for (const { name, first, text } of byDay(batch)) {
      last = logs.get(name) ?? (await openAt(directory, name, first, before));
      logs.set(name, last);
      await last.handle.appendFile(text);
    }
    if (last === undefined) return context.checkpoint;
    for (const { handle } of logs.values()) await handle.datasync();
    if ([...logs.values()].some((log) => log.created)) await syncDirectory(directory);
    const opened = [...logs.values()].flatMap(({ name, noted }) =>
      noted === undefined ? [] : [{ file: name, first: noted }],
    );
    return { file: last.name, size: (await last.handle.stat()).size, ino: last.ino, opened };
  } finally {
    for (const { handle } of logs.values()) await handle.close();
  }
}

/** Runs of consecutive events of one day, each with its text and its first event. */
function byDay(batch: readonly EventInput[]): { name: string; first: string; text: string }[] {
  const runs: { name: string; first: string; parts: string[] }[] = [];
  for (const event of batch) {
    const name = `${day(event.createdAt)}.log`;
    const lines = linesOf(event).map((line) => `${line}\n`);
    const run = runs.at(-1);
    if (run?.name === name) run.parts.push(...lines);
    else runs.push({ name, first: event.id, parts: lines });
  }
  return runs.map(({ name, first, parts }) => ({ name, first, text: parts.join("") }));
}

/** The date of a time, UTC; a time outside the calendar counts as 1970-01-01. */
function day(time: number): string {
  const date = new Date(time);
  const text = Number.isNaN(date.getTime()) ? "" : date.toISOString();
  return /^\d{4}-/.test(text) ? text.slice(0, 10) : "1970-01-01";
}

/** Opens a file for appending, and cuts off lines of an earlier attempt at this batch. */
async function openAt(
  directory: string,
  name: string,
  first: string,
  before: Checkpoint | undefined,
): Promise<OpenLog> {
  const path = pathIn(directory, name);
  const { handle, created } = await openOrCreate(path);
  try {
    const stat = await handle.stat({ bigint: true });
    const ino = `${stat.ino}`;
    const size = Number(stat.size);
    const note = await readOpening(directory, name);
    if (note?.first === first && note.ino === ino && note.size <= size) {
      await handle.truncate(note.size);
      return { name, handle, ino, created, noted: first };
    }
    if (before?.file === name && before.ino === ino && before.size <= size) {
      if (before.size < size) await handle.truncate(before.size);
      return { name, handle, ino, created, noted: undefined };
    }
    if (created) await syncDirectory(directory);
    await writeOpening(directory, name, { first, ino, size });
    return { name, handle, ino, created, noted: first };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function openOrCreate(path: string): Promise<{ handle: FileHandle; created: boolean }> {
  const append = constants.O_WRONLY | constants.O_APPEND | constants.O_NOFOLLOW;
  try {
    return { handle: await open(path, append), created: false };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return { handle: await open(path, append | constants.O_CREAT, 0o600), created: true };
  }
}

type Opening = { readonly first: string; readonly ino: string; readonly size: number };

const openingPath = (directory: string, name: string): string => pathIn(directory, openingName(name));

async function writeOpening(directory: string, name: string, opening: Opening): Promise<void> {
  const path = openingPath(directory, name);
  const flag = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;
  await writeFile(path, JSON.stringify(opening), { mode: 0o600, flush: true, flag });
  await syncDirectory(directory);
}

/** `undefined` also for a torn opening, after which no byte of the batch was written. */
async function readOpening(directory: string, name: string): Promise<Opening | undefined> {
  try {
    return JSON.parse(await readFile(openingPath(directory, name), "utf8")) as Opening;
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function parseCheckpoint(checkpoint: Json | undefined): Checkpoint | undefined {
  if (typeof checkpoint !== "object" || checkpoint === null || Array.isArray(checkpoint)) return undefined;
  const { file, size, ino, opened } = checkpoint as { readonly [key: string]: Json };
  if (typeof file !== "string" || typeof size !== "number" || typeof ino !== "string") return undefined;
  return { file, size, ino, opened: Array.isArray(opened) ? opened.filter(isOpened) : [] };
}

function isOpened(value: Json): value is { readonly file: string; readonly first: string } {
  if (typeof value !== "object" || value === null || !("file" in value)) return false;
  const { file, first } = value;
  return typeof file === "string" && LOG_FILE.test(file) && typeof first === "string";
}
