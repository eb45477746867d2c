import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";

/** Processes that are named one by one. */
const MOST_NAMED = 100;
/** Numbers that are looked at one by one; for more of them the list of all processes is cheaper. */
const FEW = 48;
/** The file that names the process number given last is the kernel's own, and not one that a container was given. */
const KNOWS_LAST = deviceOf("/proc/loadavg") === deviceOf("/proc/self/stat");

/** A process, so that a later look can tell it from another one of its number. `null` where there is no /proc. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks between boot and start of the process. */
  readonly startTime: string | null;
  readonly boot: string | null;
}

/** Sends a signal to the whole group; false when there is none. */
export function signalGroup(pgid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-pgid, signal);
    return true;
  } catch (error) {
    // EPERM: it is there, and belongs to somebody else.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/**
 * True while a process of the group still runs. The kernel counts the dead until their end is taken note of, and in a
 * container it may never be: so the living are looked for, which costs milliseconds.
 */
export function isGroupAlive(pgid: number): boolean {
  if (!signalGroup(pgid, 0)) return false;
  const pids = processIds();
  if (pids.length === 0) return true;
  return pids.some((pid) => {
    const stat = statOf(pid);
    return stat !== undefined && stat.pgid === pgid && stat.state !== "Z" && stat.state !== "X";
  });
}

/** Asks the group to end; a stopped one is woken, else it would never see the request. */
export function terminateGroup(pgid: number): void {
  signalGroup(pgid, "SIGTERM");
  signalGroup(pgid, "SIGCONT");
}

export function startTimeOf(pid: number): string | null {
  return statOf(pid)?.startTime ?? null;
}

/**
 * True when the group that `identity` led still exists and is the same: its leader is, or a process in it carries the
 * run's id in its environment.
 */
export function isSameGroup(identity: ProcessIdentity, boot: string | null, runId: string): boolean {
  if (identity.startTime === null || boot === null || identity.boot !== boot) return false;
  const leader = statOf(identity.pid);
  if (leader !== undefined) return leader.startTime === identity.startTime;
  return processIds().some((pid) => statOf(pid)?.pgid === identity.pid && carriesRun(pid, runId));
}

/** The groups in which somebody carries the run's id in its environment; not the one of this process. */
export function groupsOfRun(runId: string): number[] {
  const own = statOf(process.pid)?.pgid;
  const groups = processIds().flatMap((pid) => (carriesRun(pid, runId) ? [statOf(pid)?.pgid ?? 0] : []));
  return [...new Set(groups)].filter((pgid) => pgid > 1 && pgid !== own);
}

/** Processes that carry the run's id in their environment and live, of those whose number is above `above`; the first few. */
export function processesOfRun(runId: string, above: number): number[] {
  if (above > 0 && fewSince(above)?.some((pid) => carriesRun(pid, runId)) === false) return [];
  return processIds()
    .filter((pid) => pid > above && pid !== process.pid && carriesRun(pid, runId))
    .filter((pid) => !/[ZX]/.test(statOf(pid)?.state ?? "X"))
    .slice(0, MOST_NAMED);
}

/**
 * Numbers above this one that are in use, of threads too; `undefined`: there may be many, or the kernel began again with
 * small ones.
 */
function fewSince(above: number): number[] | undefined {
  const last = lastNumber();
  if (last === undefined || last < above || last - above > FEW) return undefined;
  return Array.from({ length: last - above }, (_, i) => above + 1 + i).filter((pid) => existsSync(`/proc/${pid}`));
}

/** The number that the kernel gave last to a process or thread. */
function lastNumber(): number | undefined {
  if (!KNOWS_LAST) return undefined;
  try {
    const last = Number(readFileSync("/proc/loadavg", "utf8").trim().split(" ").at(-1));
    return Number.isSafeInteger(last) ? last : undefined;
  } catch {
    return undefined;
  }
}

function deviceOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.dev;
}

function processIds(): number[] {
  try {
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}

function carriesRun(pid: number, runId: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").includes(`STEWARD_RUN=${runId}`);
  } catch {
    return false;
  }
}

function statOf(pid: number): { state: string; pgid: number; startTime: string } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field is the program's name in brackets and may hold anything, brackets and spaces too.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return { state: fields[0] ?? "", pgid: Number(fields[2]), startTime: fields[19] ?? "" };
  } catch {
    return undefined;
  }
}
