import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The programs that put a command into a control group of its own; both become the command afterwards. */
export interface ScopePrograms {
  /** Asks systemd for the group. */
  readonly run: string;
  /** Takes on the user of the command, once it is in the group. */
  readonly user: string;
}

/** The places of the system that are looked at. */
export interface ScopePlaces {
  /** There where systemd is the first process. */
  readonly systemd: string;
  /** The controllers of the unified hierarchy, version 2. */
  readonly controllers: string;
  readonly folders: readonly string[];
}

const PLACES: ScopePlaces = {
  systemd: "/run/systemd/system",
  controllers: "/sys/fs/cgroup/cgroup.controllers",
  folders: ["/usr/bin", "/bin"],
};

/** The programs for control groups of version 2, by systemd; or why there are none here, in words. */
export function scopePrograms(uid = process.geteuid?.(), places: ScopePlaces = PLACES): ScopePrograms | string {
  if (uid !== 0) return "only a daemon of root may ask systemd for control groups";
  if (!existsSync(places.systemd)) return "systemd does not run this machine";
  const controllers = readText(places.controllers).split(/\s+/);
  if (!["memory", "pids", "cpu"].every((one) => controllers.includes(one)))
    return "this machine has no control groups of version 2 with memory, pids and cpu";
  const [run, user] = ["systemd-run", "setpriv"].map((name) =>
    places.folders.map((at) => join(at, name)).find(isProgram),
  );
  if (run === undefined || user === undefined) return "the programs systemd-run and setpriv are needed";
  return { run, user };
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
