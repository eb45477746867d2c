import { StewardError } from "./errors.ts";
import type { FinalState } from "./lifecycle.ts";
import { isFinalState, STATES, type State } from "./lifecycle.ts";
import type { Json } from "./message.ts";

/** A piece of a command's output. Text as it is when it is valid UTF-8, else base64. */
export interface OutputPart {
  readonly stream: "stdout" | "stderr";
  /** Bytes of this stream before this part. */
  readonly offset: number;
  readonly text: string;
  readonly encoding?: "base64";
}

/** How much a stream carried in all, and how much of it was kept (head and tail). Bytes. */
export interface StreamTotal {
  readonly bytes: number;
  readonly kept: number;
}

/** How a command ended, by the clock of the node that ran it. */
export interface Outcome {
  readonly state: FinalState;
  readonly at: number;
  readonly startedAt?: number;
  /** Exit code of the program. */
  readonly code?: number;
  /** Signal that ended it, such as `SIGKILL`. */
  readonly signal?: string;
  readonly reason?: string;
  /** Output that no earlier report has carried. */
  readonly output?: readonly OutputPart[];
  readonly totals?: { readonly stdout: StreamTotal; readonly stderr: StreamTotal };
  /** The result of a method other than `shellcommand`. */
  readonly result?: Json;
}

/** The data of an event that reports on a command (`inReplyTo`): progress while it runs, its outcome at the end. */
export type Report = Outcome | Progress;

export interface Progress {
  readonly state: "running";
  readonly at: number;
  readonly startedAt: number;
  readonly output?: readonly OutputPart[];
}

/**
 * The data of an event that came from another node, as a report; it is folded into a record that lasts. State, times
 * and output must be right. Other fields that a method got wrong are left out: an outcome without its exit code is
 * worth more than none.
 *
 * @throws StewardError `data-invalid`
 */
export function readReport(data: unknown): Report {
  if (!isRecord(data)) throw invalid("it is not an object");
  const { state, output, code, signal, reason, totals, result } = data;
  const at = timeOf(data.at);
  const startedAt = timeOf(data.startedAt);
  if (at === undefined) throw invalid("`at` is not a time");
  if (startedAt === undefined && data.startedAt !== undefined) throw invalid("`startedAt` is not a time");
  if (output !== undefined && !isOutput(output)) throw invalid("`output` is not a list of pieces of output");
  if (state === "running") {
    if (startedAt === undefined) throw invalid("`startedAt` is missing");
    return output === undefined ? { state, at, startedAt } : { state, at, startedAt, output: output.map(partOf) };
  }
  if (typeof state !== "string" || !Object.hasOwn(STATES, state) || !isFinalState(state as State))
    throw invalid("`state` is neither running nor final");
  const outcome: { -readonly [K in keyof Outcome]: Outcome[K] } = { state: state as FinalState, at };
  if (startedAt !== undefined) outcome.startedAt = startedAt;
  if (Number.isSafeInteger(code)) outcome.code = code as number;
  if (typeof signal === "string") outcome.signal = signal;
  if (typeof reason === "string") outcome.reason = reason;
  if (output !== undefined) outcome.output = output.map(partOf);
  if (isTotals(totals)) outcome.totals = { stdout: totalOf(totals.stdout), stderr: totalOf(totals.stderr) };
  if (result !== undefined) outcome.result = result as Json;
  return outcome;
}

/** An outcome without its output, which is kept elsewhere. */
export function withoutOutput(outcome: Outcome): Outcome {
  if (outcome.output === undefined) return outcome;
  const { output: _elsewhere, ...rest } = outcome;
  return rest;
}

export function isOutput(value: unknown): value is readonly OutputPart[] {
  return Array.isArray(value) && value.every(isOutputPart);
}

export function isTotals(value: unknown): value is { readonly stdout: StreamTotal; readonly stderr: StreamTotal } {
  return isRecord(value) && isTotal(value.stdout) && isTotal(value.stderr);
}

function isOutputPart(value: unknown): value is OutputPart {
  if (!isRecord(value) || !isCount(value.offset) || typeof value.text !== "string") return false;
  if (value.stream !== "stdout" && value.stream !== "stderr") return false;
  return value.encoding === undefined || value.encoding === "base64";
}

function isTotal(value: unknown): value is StreamTotal {
  return isRecord(value) && isCount(value.bytes) && isCount(value.kept);
}

/** The fields of this version: those that a later one may have added are not kept. */
function partOf({ stream, offset, text, encoding }: OutputPart): OutputPart {
  return { stream, offset, text, ...(encoding === undefined ? {} : { encoding }) };
}

function totalOf({ bytes, kept }: StreamTotal): StreamTotal {
  return { bytes, kept };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** Whole milliseconds since 1970. */
function timeOf(value: unknown): number | undefined {
  return typeof value === "number" && value >= 0 && value <= 8.64e15 ? Math.round(value) : undefined;
}

function invalid(fault: string): StewardError {
  return new StewardError("data-invalid", { method: "a report", fault });
}
