import { fork } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Details, type ErrorCode, faultText, StewardError } from "../../message/errors.ts";
import { builtProgram } from "../../platform/installation.ts";
import type { OfflineCheck } from "../offline.ts";

export interface ApartOptions {
  /** The folder for the copy, which is removed however the check ends. */
  readonly scratch: string;
  readonly onRows?: (rows: number) => void;
  /** In place of `check-main.js`. */
  readonly program?: string;
}

/** A message of the checking process; the last one is any but `rows`. */
export type Said =
  | { readonly rows: number }
  | { readonly checked: OfflineCheck | undefined }
  | { readonly code: ErrorCode; readonly details: Details };

const PROGRAM = builtProgram("journal/check/main.js");
/** Signals of a process that crashed, rather than was ended by somebody. */
const STUMBLED: ReadonlySet<string> = new Set(["SIGSEGV", "SIGBUS", "SIGABRT", "SIGILL", "SIGFPE", "SIGTRAP"]);
const WORDS = 4_000;

/**
 * The offline check in a process of its own: LMDB may crash the process that reads a damaged file. Such a crash becomes a
 * `journal-damaged` with its `signal`.
 *
 * @returns `undefined` when there is no journal @throws StewardError `data-directory`, `journal-damaged`
 */
export async function checkApart(path: string, options: ApartOptions): Promise<OfflineCheck | undefined> {
  const { scratch } = options;
  let own: string;
  try {
    own = mkdtempSync(join(scratch, "steward-check-"));
  } catch (error) {
    throw new StewardError("data-directory", { path, fault: faultText(error) }, { cause: error });
  }
  try {
    return await answerOf(path, { ...options, scratch: own });
  } finally {
    rmSync(own, { recursive: true, force: true });
  }
}

function answerOf(
  path: string,
  { scratch, onRows, program = PROGRAM }: ApartOptions,
): Promise<OfflineCheck | undefined> {
  return new Promise((resolve, reject) => {
    // Advanced serialization keeps maps and `undefined`.
    const child = fork(program, [path, scratch], {
      serialization: "advanced",
      stdio: ["ignore", "ignore", "pipe", "ipc"],
      execArgv: [],
    });
    let words = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      words = `${words}${text}`.slice(-WORDS);
    });
    let last: Exclude<Said, { readonly rows: number }> | undefined;
    child.on("message", (said: Said) => {
      if ("rows" in said) onRows?.(said.rows);
      else last = said;
    });
    child.once("error", (error) =>
      reject(new StewardError("data-directory", { path, fault: faultText(error) }, { cause: error })),
    );
    child.once("close", (code, signal) => {
      if (last === undefined) reject(endedOf(path, code, signal, words));
      else if ("checked" in last) resolve(last.checked);
      else reject(new StewardError(last.code, last.details));
    });
  });
}

/** The error for a checking process that ended without an answer. */
function endedOf(path: string, code: number | null, signal: NodeJS.Signals | null, words: string): StewardError {
  const told = words.trim().split("\n", 1)[0] ?? "";
  const because = told === "" ? "" : `: ${told}`;
  if (signal === null || !STUMBLED.has(signal)) {
    const fault = `its check was ended by ${signal ?? `exit code ${code}`}${because}`;
    return new StewardError("data-directory", { path, fault, ...(signal === null ? {} : { signal }) });
  }
  const fault = `the database is damaged beyond reading, whoever opens it is ended by ${signal}${because}`;
  return new StewardError("journal-damaged", { path, fault, signal });
}
