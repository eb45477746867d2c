import { accessSync, constants, existsSync, statSync } from "node:fs";
import { StewardError } from "../../message/errors.ts";
import type { RunEnd } from "../../methods/spawner.ts";

/** Says in words why a program could not be started; the system's own codes do not tell a program from a directory. */
export function startFault(error: unknown, program: string, cwd: string): RunEnd {
  if (error instanceof StewardError) return { kind: "notStarted", code: "EACCES", message: error.message };
  const code = (error as NodeJS.ErrnoException).code ?? "UNKNOWN";
  if (code === "ENOENT" || code === "ENOTDIR" || code === "EACCES") {
    const fault = directoryFault(cwd);
    if (fault !== undefined) return { kind: "notStarted", ...fault };
  }
  return { kind: "notStarted", code, message: programFault(code, program, error) };
}

function directoryFault(cwd: string): { code: string; message: string } | undefined {
  try {
    if (!statSync(cwd).isDirectory()) return { code: "ENOTDIR", message: `not a directory: ${cwd}` };
    accessSync(cwd, constants.X_OK);
    return undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EACCES") {
      return { code: "EACCES", message: `directory is not accessible: ${cwd}` };
    }
    return { code: "ENOTDIR", message: `no such directory: ${cwd}` };
  }
}

function programFault(code: string, program: string, error: unknown): string {
  switch (code) {
    case "ENOENT":
      return program.startsWith("/") && existsSync(program)
        ? `${program} exists, but the interpreter that it names does not`
        : `program not found: ${program}`;
    case "EACCES":
      return `not executable: ${program}`;
    case "EPERM":
      return `this system does not let the daemon start ${program} as that user`;
    case "E2BIG":
      return `arguments and environment are too long for this system: ${program}`;
    default:
      return `${program} could not be started: ${error instanceof Error ? error.message : String(error)}`;
  }
}
