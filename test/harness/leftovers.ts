import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { eventuallySeen } from "./eventually.ts";
import type { Surroundings } from "./fleet/fleet.ts";

/** In the environment of every process that a fleet starts, and so of all that those start. */
export const MARK = "STEWARD_TEST_FLEET";

/** How long a runner may take to notice that nobody needs it. */
const LEAVES_WITHIN = 5_000;

/** What a fleet left behind, one line each: processes, and files where none should be. Ends those processes. */
export async function checkNothingLeft({ mark, directory }: Surroundings): Promise<string[]> {
  const none = () => markedProcesses(mark).length === 0;
  const processes = await eventuallySeen("no process", none, LEAVES_WITHIN).then(
    () => [],
    () => markedProcesses(mark),
  );
  const faults = processes.map((pid) => `process ${pid} is left: ${commandLine(pid)}`);
  for (const pid of processes) end(pid);
  for (const place of ["home", "tmp"]) {
    const files = await readdir(join(directory, place));
    if (files.length > 0) faults.push(`files are left in ${place}: ${files.join(", ")}`);
  }
  return faults;
}

/** Regular files that a process has open for writing outside of a directory. */
export function writesOutside(pid: number, directory: string): string[] {
  return list(`/proc/${pid}/fd`).flatMap((fd) => {
    const target = link(`/proc/${pid}/fd/${fd}`);
    if (target === undefined || !target.startsWith("/") || target.startsWith("/dev/")) return [];
    const flags = /^flags:\s*(\d+)$/m.exec(text(`/proc/${pid}/fdinfo/${fd}`))?.[1] ?? "0";
    const writes = (Number.parseInt(flags, 8) & 3) !== 0;
    return writes && !target.startsWith(`${directory}/`) ? [target] : [];
  });
}

/** Living processes whose environment carries the mark. */
export function markedProcesses(mark: string): number[] {
  return list("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => text(`/proc/${pid}/environ`).split("\0").includes(`${MARK}=${mark}`))
    .filter((pid) => !/\) [ZX] /.test(text(`/proc/${pid}/stat`)));
}

export function commandLine(pid: number): string {
  return text(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim();
}

/** Kills a process that was there when somebody looked. */
export function end(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended by itself meanwhile.
  }
}

function text(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function list(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function link(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
