import {
  closeSync,
  fsync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { readdir, readFile, rmdir, unlink } from "node:fs/promises";
import { join } from "node:path";
import type { RunEnd, RunSpec } from "../methods/spawner.ts";
import { pathIn } from "../platform/names.ts";
import type { ProcessIdentity } from "./process-group.ts";
import { readRunEnd } from "./run-end.ts";

/**
 * One directory a run: `prepared` is the proof that it has not begun; `spec.json` is the mark that stands before the start (an id that has it is never started again),
 * `started.json` says which process it became, `end.json` how it ended, with all output that is kept. The first two need
 * to survive the death of a process, not of the host, where no program outlives them; the end is synced.
 */
export interface Started extends ProcessIdentity {
  readonly at: number;
}

export type RunRecord =
  /** No record is there, which proves nothing. */
  | { readonly kind: "none" }
  | { readonly kind: "prepared" }
  | {
      readonly kind: "begun";
      readonly grace: number;
      readonly started: Started | undefined;
    }
  | { readonly kind: "ended"; readonly end: RunEnd; readonly started: Started | undefined };

const FORMAT = 1;
const INPUT = "input";
const PREPARED = "prepared";
const RUN_ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/;

/** Ids become names of directories: no separator, no dot, nothing that looks like an option. */
export function isRunId(id: unknown): id is string {
  return typeof id === "string" && RUN_ID.test(id);
}

/**
 * Leaves the proof that a run has not begun. Neither it nor its removal is synced, so it counts in one boot of the host alone,
 * and names that one.
 */
export function prepareRun(directory: string, id: string): void {
  const own = pathIn(directory, id);
  mkdirSync(own, { recursive: true, mode: 0o700 });
  writeFileSync(join(own, PREPARED), bootId() ?? "", { mode: 0o600 });
}

/** False when the id has its mark already. When it throws, the mark is not set. */
export function markRun(directory: string, spec: RunSpec): boolean {
  const own = pathIn(directory, spec.id);
  mkdirSync(own, { recursive: true, mode: 0o700 });
  const { script, input, secrets, ...rest } = spec;
  try {
    writeFileSync(join(own, "spec.json"), JSON.stringify({ format: FORMAT, ...rest }), { flag: "wx", mode: 0o600 });
    rmSync(join(own, PREPARED), { force: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    rmSync(own, { recursive: true, force: true });
    throw error;
  }
  try {
    if (script !== undefined) writeFileSync(scriptFile(directory, spec.id), script, { mode: 0o700 });
    if (input !== undefined)
      writeFileSync(inputFile(directory, spec.id), Buffer.from(input.text, input.encoding), { mode: 0o600 });
  } catch (error) {
    rmSync(own, { recursive: true, force: true });
    throw error;
  }
  return true;
}

export function scriptFile(directory: string, id: string): string {
  return join(pathIn(directory, id), "script");
}

export function inputFile(directory: string, id: string): string {
  return join(pathIn(directory, id), INPUT);
}

export function recordStarted(directory: string, id: string, started: Started): void {
  writeFileSync(join(pathIn(directory, id), "started.json"), JSON.stringify({ format: FORMAT, ...started }), {
    mode: 0o600,
  });
}

/**
 * Durable when it resolves, and whole for every reader before. File and folder are synced side by side: a name that a crash
 * leaves without its content counts as no record. Only the syncs leave the thread: the rest costs less than the way to
 * another one and back.
 */
export async function recordEnd(directory: string, id: string, end: RunEnd): Promise<void> {
  const own = pathIn(directory, id);
  const temporary = join(own, "end.json.tmp");
  const file = openSync(temporary, "w", 0o600);
  try {
    writeFileSync(file, JSON.stringify({ format: FORMAT, end }));
    renameSync(temporary, join(own, "end.json"));
    const folder = openSync(own, "r");
    try {
      await bothSynced(file, folder);
    } finally {
      closeSync(folder);
    }
  } finally {
    closeSync(file);
  }
}

/** Neither descriptor may be closed before both syncs have ended. */
async function bothSynced(file: number, folder: number): Promise<void> {
  const results = await Promise.allSettled([sync(file), sync(folder)]);
  for (const result of results) if (result.status === "rejected") throw result.reason;
}

function sync(fd: number): Promise<void> {
  return new Promise((resolve, reject) => {
    fsync(fd, (error) => (error === null ? resolve() : reject(error)));
  });
}

export async function readRecord(directory: string, id: string): Promise<RunRecord> {
  const own = pathIn(directory, id);
  const started = startedOf(await readJson(join(own, "started.json")));
  const end = readRunEnd(((await readJson(join(own, "end.json"))) as { end?: unknown } | undefined)?.end);
  if (end !== undefined) return { kind: "ended", end, started };
  const spec = await readFile(join(own, "spec.json"), "utf8").catch(absent);
  if (spec === undefined) {
    const boot = bootId();
    const prepared = await readFile(join(own, PREPARED), "utf8").catch(absent);
    return { kind: boot !== null && prepared === boot ? "prepared" : "none" };
  }
  const mark = (parse(spec) ?? {}) as { grace?: unknown };
  const grace = Number.isFinite(mark.grace) ? Math.max(0, mark.grace as number) : 0;
  return { kind: "begun", grace, started };
}

/** Signals are sent by what it says: a group's number is never 0, 1 or negative, which would mean others. */
function startedOf(value: unknown): Started | undefined {
  if (value === undefined) return undefined;
  const { pid, startTime, boot, at } = value as Readonly<Record<string, unknown>>;
  if (!Number.isSafeInteger(pid) || (pid as number) <= 1 || !Number.isFinite(at)) return undefined;
  return isNameOrNull(startTime) && isNameOrNull(boot) ? (value as Started) : undefined;
}

function isNameOrNull(value: unknown): boolean {
  return value === null || typeof value === "string";
}

export async function removeRecord(directory: string, id: string): Promise<void> {
  const own = pathIn(directory, id);
  const names = (await readdir(own).catch(absent)) ?? [];
  await Promise.all(names.map((name) => unlink(pathIn(own, name)).catch(absent)));
  await rmdir(own).catch(absent);
}

/** For the runner: to hand the removal of a few small files to other threads costs more than the removal. */
export function removeRecordNow(directory: string, id: string): void {
  rmSync(pathIn(directory, id), { recursive: true, force: true });
}

/** Ids of which something is recorded. */
export function recordedIds(directory: string): string[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && isRunId(entry.name))
      .map((entry) => entry.name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/** The kernel's name of this boot; process ids of another boot mean nothing. */
export function bootId(): string | null {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return null;
  }
}

async function readJson(path: string): Promise<unknown> {
  const text = await readFile(path, "utf8").catch(absent);
  return text === undefined ? undefined : parse(text);
}

/** A record that a crash left half written counts as not written. */
function parse(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code === "ENOENT") return undefined;
  throw error;
}
