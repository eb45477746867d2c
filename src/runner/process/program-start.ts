import type { SpawnOptions } from "node:child_process";
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fchownSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { withSecrets } from "../../message/text/secret-reference.ts";
import type { RunBounds, RunSpec } from "../../methods/spawner.ts";
import { type CommandGroups, commandGroups } from "../../platform/command-groups.ts";
import { limitProgram } from "../../platform/limit-program.ts";
import { holdBelow } from "../../platform/names.ts";
import { cleanEnvironment } from "../command-environment.ts";
import { CommandGroup } from "../command-group.ts";
import { inputFile, scriptFile } from "../run-records.ts";

/** Environment, directory and mask that the asking daemon gives to its commands. */
export interface StartedWith {
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly umask: number | undefined;
}

/** How a program is started within its bounds. The descriptors are to be closed once it has its own. */
export interface ProgramStart {
  readonly file: string;
  readonly args: readonly string[];
  readonly options: Pick<SpawnOptions, "cwd" | "env" | "uid" | "gid">;
  readonly umask: number | undefined;
  /** Standard input; absent: empty. */
  readonly input: number | undefined;
  /** The script, where the program reads it from its fourth descriptor. */
  readonly script: number | undefined;
  /** The control group that it enters first; to be ended with the program, also where that could not be started. */
  readonly group: CommandGroup | undefined;
  close(): void;
}

/** The descriptor of a script that the program could not, or should not, open by a path. */
const SCRIPT = "/dev/fd/3";
/** Seconds between SIGXCPU and SIGKILL. */
const CPU_GRACE = 5;
/** The search path where an environment has none, as in the system's own search. */
const SEARCH = "/bin:/usr/bin";

/**
 * Gets a program ready to be started. User, group, directory and mask are set in the forked process; limits by `prlimit`,
 * which runs as that user already and becomes the program. Where all processes together have limits, a small shell enters a
 * control group first, and `setpriv` takes on the user in it. Secrets are put in here and are in no file with a name.
 *
 * @throws Error with a `code`, as `spawn` does
 */
export function programStart(
  directory: string,
  spec: RunSpec,
  asked: StartedWith,
  groups: () => CommandGroups | string = commandGroups,
): ProgramStart {
  const { bounds = {} } = spec;
  const held: (() => void)[] = [];
  const hold = (fd: number): number => {
    held.push(() => closeSync(fd));
    return fd;
  };
  const close = (): void => {
    for (const release of held.splice(0)) release();
  };
  try {
    const secrets = new Map(Object.entries(spec.secrets ?? {}));
    const filled = (text: string): string => (spec.secrets === undefined ? text : withSecrets(text, secrets));
    const cwd = spec.cwd ?? asked.cwd;
    let standing = cwd;
    if (bounds.within !== undefined) {
      const folder = holdBelow(bounds.within, cwd);
      held.push(folder.close);
      standing = folder.path;
    }
    const input = spec.input && hold(openUnnamed(inputFile(directory, spec.id), inputWith(spec, filled), bounds));
    let script: number | undefined;
    const argv = spec.argv.map(filled);
    if (spec.script !== undefined) {
      const path = scriptFile(directory, spec.id);
      if (bounds.uid === undefined && spec.secrets === undefined) argv.push(path);
      else {
        script = hold(openUnnamed(path, spec.secrets && filled(spec.script), bounds));
        argv.push(SCRIPT);
      }
      argv.push(...(spec.args ?? []).map(filled));
    }
    const own = Object.entries(spec.env ?? {}).map(([name, value]) => [name, filled(value)]);
    const env: Record<string, string> = {
      ...cleanEnvironment(asked.env, spec.keep ?? []),
      ...Object.fromEntries(own),
      STEWARD_RUN: spec.id,
    };
    const { uid, gid, umask = asked.umask } = bounds;
    const limited = withLimits(argv, bounds.limits, env.PATH ?? SEARCH, cwd);
    if (bounds.together !== undefined) {
      // The shell that enters the group starts in any case: a program that is missing is found here.
      insistOnProgram(argv[0] ?? "", env.PATH ?? SEARCH, cwd);
      const { group, words } = inGroup(limited, spec.id, bounds, groups());
      const [file = "", ...args] = words;
      return { file, args, options: { cwd: standing, env }, umask, input, script, group, close };
    }
    const [file = "", ...args] = limited;
    const identity = { ...(uid === undefined ? {} : { uid }), ...(gid === undefined ? {} : { gid }) };
    return { file, args, options: { cwd: standing, env, ...identity }, umask, input, script, group: undefined, close };
  } catch (error) {
    close();
    throw error;
  }
}

/** `undefined`: as it was recorded. */
function inputWith({ input, secrets }: RunSpec, filled: (text: string) => string): string | undefined {
  return secrets === undefined || input?.encoding !== "utf8" ? undefined : filled(input.text);
}

/**
 * Opens a file of the run, with `content` in its place if that is given, and takes its name away. The file belongs to the
 * user of the program, who may open the descriptor again.
 */
function openUnnamed(path: string, content: string | undefined, { uid, gid }: RunBounds): number {
  if (content !== undefined) {
    rmSync(path, { force: true });
    writeFileSync(path, content, { mode: 0o600, flag: "wx" });
  }
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    if (uid !== undefined || gid !== undefined)
      fchownSync(fd, uid ?? process.getuid?.() ?? 0, gid ?? process.getgid?.() ?? 0);
  } finally {
    rmSync(path, { force: true });
  }
  return fd;
}

function withLimits(
  argv: readonly string[],
  limits: RunBounds["limits"],
  path: string,
  cwd: string,
): readonly string[] {
  const options = limitOptions(limits ?? {});
  if (options.length === 0) return argv;
  const program = limitProgram();
  if (program === undefined) throw fault("ENOSYS", "prlimit is missing here, which sets the limits of this command");
  // The limiting program starts in any case: a program that is missing is found here.
  insistOnProgram(argv[0] ?? "", path, cwd);
  return [program, ...options, "--", ...argv];
}

/** @throws Error: a command without the group that is to bound it is not started */
function inGroup(
  argv: readonly string[],
  id: string,
  { uid, gid, together = {} }: RunBounds,
  groups: CommandGroups | string,
): { readonly group: CommandGroup; readonly words: readonly string[] } {
  if (typeof groups === "string") throw fault("ENOSYS", `no control group can be made: ${groups}`);
  const user = [
    ...(uid === undefined ? [] : [`--reuid=${uid}`]),
    ...(gid === undefined ? [] : [`--regid=${gid}`, "--clear-groups"]),
  ];
  if (user.length > 0 && groups.user === undefined)
    throw fault("ENOSYS", "setpriv is missing here, which takes on the user of this command: install util-linux");
  const program = user.length === 0 || groups.user === undefined ? [] : [groups.user, ...user, "--"];
  const group = groupFor(groups, id, together);
  return { group, words: group.entered([...program, ...argv]) };
}

function groupFor(groups: CommandGroups, id: string, together: NonNullable<RunBounds["together"]>): CommandGroup {
  try {
    return CommandGroup.make(groups, id, together);
  } catch (error) {
    throw fault("ENOSYS", `no control group can be made: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function limitOptions(limits: NonNullable<RunBounds["limits"]>): string[] {
  const { cpu, memory, processes, files, fileSize } = limits;
  const present = cpu === undefined && Object.keys(limits).length === 0 ? new Map<string, number>() : presentLimits();
  const lower = (name: string, limit: number): number => Math.min(limit, present.get(name) ?? limit);
  const option = (flag: string, name: string, limit: number | undefined): string[] =>
    limit === undefined ? [] : [`--${flag}=${lower(name, limit)}:${lower(name, limit)}`];
  const seconds = cpu === undefined ? undefined : Math.ceil(cpu / 1000);
  return [
    ...(seconds === undefined
      ? []
      : [`--cpu=${lower("Max cpu time", seconds)}:${lower("Max cpu time", seconds + CPU_GRACE)}`]),
    ...option("as", "Max address space", memory),
    ...option("nproc", "Max processes", processes),
    ...option("nofile", "Max open files", files),
    ...option("fsize", "Max file size", fileSize),
  ];
}

/** The hard limits of this process; those without a number are left out. */
function presentLimits(): Map<string, number> {
  const rows = readFileSync("/proc/self/limits", "utf8").matchAll(/^(Max [a-z ]+?) {2,}(?:\d+|unlimited) +(\d+) /gm);
  return new Map([...rows].map(([, name = "", hard]) => [name, Number(hard)]));
}

function insistOnProgram(program: string, path: string, cwd: string): void {
  const found = search(program, path, cwd);
  if (found !== undefined) throw fault(found, `${found}: ${program}`);
}

/** Why the system would not find a program; `undefined`: it would. */
function search(program: string, path: string, cwd: string): "ENOENT" | "EACCES" | undefined {
  const places = program.includes("/")
    ? [resolve(cwd, program)]
    : path.split(":").map((folder) => join(resolve(cwd, folder), program));
  const present = places.filter((place) => existsSync(place));
  if (present.length === 0) return "ENOENT";
  return present.some(isExecutable) ? undefined : "EACCES";
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function fault(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
