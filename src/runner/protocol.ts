import { isOutput, type OutputPart } from "../message/report.ts";
import type { RunEnd, RunSpec } from "../methods/spawner.ts";
import { readRunEnd } from "./run-end.ts";

/**
 * The messages between daemon and runner: one JSON object a line over a Unix socket. Both begin with `hello`.
 *
 * A runner outlives daemons, so it may be of another version than the daemon. `adopt`, `cancel` and the runner's own
 * messages are therefore never changed: with these a daemon follows the runs of an old runner, until they have ended
 * and it leaves. Programs are started by a runner of the daemon's own version alone. Raise the version with every
 * change of the runner that matters.
 */
export const PROTOCOL_VERSION = 5;

/** Characters of what a bad request is called by. */
const LONGEST_NAME = 200;

/** A file of the runner of this version in the directory of the runs: each version has its own. */
export function runnerFile(what: "sock" | "pid" | "pipes", version = PROTOCOL_VERSION): string {
  return version === 1 ? `runner.${what}` : `runner-${version}.${what}`;
}

/** The version of the runner whose socket has this name; `undefined`: it is no runner's socket. */
export function versionOfSocket(name: string): number | undefined {
  const found = /^runner(?:-(\d+))?\.sock$/.exec(name);
  return found === null ? undefined : Number(found[1] ?? 1);
}

export type ToRunner =
  /** Environment and directory that programs start from. */
  | {
      readonly type: "hello";
      readonly version: number;
      readonly env: Readonly<Record<string, string>>;
      readonly cwd: string;
      /** Mask of the modes of what programs make; absent: that of the runner. */
      readonly umask?: number;
    }
  /** Leave the proof that it has not begun. Answered with `prepared`. */
  | { readonly type: "prepare"; readonly id: string }
  /** `startBy`: uptime of the host, ms, after which it must not start; the request may wait in a socket. */
  | { readonly type: "start"; readonly spec: RunSpec; readonly startBy?: number }
  | { readonly type: "adopt"; readonly id: string }
  | { readonly type: "cancel"; readonly id: string }
  /** Remove its record; it has ended. Answered with `forgotten`. */
  | { readonly type: "forget"; readonly id: string };

export type FromRunner =
  | { readonly type: "hello"; readonly version: number; readonly pid: number }
  /** The program runs, or (pid 0) could not be started; its output follows from the beginning, then `end`. */
  | { readonly type: "started"; readonly id: string; readonly pid: number }
  | { readonly type: "output"; readonly id: string; readonly parts: readonly OutputPart[] }
  | { readonly type: "end"; readonly id: string; readonly end: RunEnd }
  | { readonly type: "prepared" | "forgotten"; readonly id: string; readonly fault?: string }
  /** Not alive here. A start was refused because the id has a record already. */
  | { readonly type: "notHere"; readonly id: string };

export function encodeLine(message: ToRunner | FromRunner): string {
  return `${JSON.stringify(message)}\n`;
}

/**
 * A line from a daemon. The name of a run must be a text: the answer repeats it.
 *
 * @throws Error that says what is wrong with it
 */
export function readToRunner(line: string): ToRunner {
  const { message, type, id } = readMessage(line);
  const { spec, startBy, env, cwd, umask } = message;
  const right =
    type === "hello"
      ? isTexts(env) && typeof cwd === "string" && (umask === undefined || isMask(umask))
      : type === "start"
        ? isSpec(spec) && (startBy === undefined || typeof startBy === "number")
        : (type === "prepare" || type === "adopt" || type === "cancel" || type === "forget") && typeof id === "string";
  if (!right) throw unknownMessage(type);
  return message as unknown as ToRunner;
}

/** The request and the run of a line that `readToRunner` refuses, as far as they can be read. */
export function requestIn(line: string): { readonly type?: string; readonly id?: string } {
  try {
    const { type, id, message } = readMessage(line);
    const named = type === "start" ? (message.spec as { readonly id?: unknown } | null | undefined)?.id : id;
    return {
      ...(typeof type === "string" ? { type: type.slice(0, LONGEST_NAME) } : {}),
      ...(typeof named === "string" && named.length <= LONGEST_NAME ? { id: named } : {}),
    };
  } catch {
    return {};
  }
}

function isSpec(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { id, argv, script, args, input, cwd, env, keep, bounds, secrets, timeout, grace, head, tail } =
    value as Readonly<Record<string, unknown>>;
  return (
    typeof id === "string" &&
    Array.isArray(argv) &&
    argv.length > 0 &&
    argv.every((each) => typeof each === "string") &&
    (script === undefined || typeof script === "string") &&
    [args, keep].every((list) => list === undefined || isTextList(list)) &&
    (input === undefined || isInput(input)) &&
    (cwd === undefined || typeof cwd === "string") &&
    [env, secrets].every((texts) => texts === undefined || isTexts(texts)) &&
    (bounds === undefined || isBounds(bounds)) &&
    [timeout, grace, head, tail].every((each) => typeof each === "number" && each >= 0)
  );
}

/** A bound that is not understood must not count as none: the program would run without it. */
function isBounds(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const {
    uid,
    gid,
    within,
    umask,
    limits = {},
    together = {},
    ...unknown
  } = value as Readonly<Record<string, unknown>>;
  return (
    Object.keys(unknown).length === 0 &&
    [uid, gid].every((id) => id === undefined || isCount(id)) &&
    (within === undefined || typeof within === "string") &&
    (umask === undefined || isMask(umask)) &&
    areLimits(limits, ["cpu", "memory", "processes", "files", "fileSize"]) &&
    areLimits(together, ["memory", "processes", "cpu"])
  );
}

function areLimits(value: unknown, names: readonly string[]): boolean {
  if (typeof value !== "object" || value === null) return false;
  return Object.entries(value).every(([name, limit]) => names.includes(name) && isCount(limit));
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function isTextList(value: unknown): boolean {
  return Array.isArray(value) && value.every((each) => typeof each === "string");
}

function isMask(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 0o777;
}

function isInput(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { text, encoding } = value as Readonly<Record<string, unknown>>;
  return typeof text === "string" && (encoding === "utf8" || encoding === "base64");
}

function isTexts(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.values(value).every((each) => typeof each === "string");
}

function readMessage(line: string) {
  const message = parsed(line);
  if (typeof message !== "object" || message === null) throw new Error("it is not an object");
  const fields = message as Readonly<Record<string, unknown>>;
  return { message: fields, type: fields.type, id: fields.id };
}

/** The system's own words would quote the line, which may hold a secret, in a log. */
function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw new Error("it is no JSON");
  }
}

function unknownMessage(type: unknown): Error {
  return new Error(`${typeof type === "string" ? JSON.stringify(type.slice(0, 40)) : "it"} is not of this protocol`);
}

/** A line from the runner, which may be older than this daemon. @throws Error that says what is wrong with it */
export function readFromRunner(line: string): FromRunner {
  const { message, type, id } = readMessage(line);
  const { version, pid, parts, end, fault } = message;
  const right =
    type === "hello"
      ? typeof version === "number" && typeof pid === "number"
      : typeof id === "string" &&
        ((type === "started" && typeof pid === "number") ||
          (type === "output" && isOutput(parts)) ||
          (type === "end" && readRunEnd(end) !== undefined) ||
          ((type === "forgotten" || type === "prepared") && (fault === undefined || typeof fault === "string")) ||
          type === "notHere");
  if (!right) throw unknownMessage(type);
  return message as unknown as FromRunner;
}

/** Cuts a byte stream into lines, whatever the sizes in which it comes. */
export class LineReader {
  #pieces: Buffer[] = [];

  /** The lines that `chunk` completes. */
  push(chunk: Buffer): string[] {
    const lines: string[] = [];
    let from = 0;
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, from)) {
      this.#pieces.push(chunk.subarray(from, at));
      lines.push(Buffer.concat(this.#pieces).toString("utf8"));
      this.#pieces = [];
      from = at + 1;
    }
    if (from < chunk.length) this.#pieces.push(chunk.subarray(from));
    return lines;
  }
}
