import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from "node:fs";
import type { Clock } from "../message/clock.ts";
import type { RunBounds, RunReached } from "../methods/spawner.ts";
import {
  CONTROLLERS,
  type CommandGroups,
  GROUPS_SLICE,
  GROUPS_UNIT,
  type GroupMaker,
} from "../platform/command-groups.ts";
import { pathIn } from "../platform/names.ts";

/**
 * The control group of one command, which bounds all of its processes together.
 *
 *   made → joined → ended → removed
 *
 * made:    its limits are written before a process is in it.
 * joined:  a small shell enters it and becomes the command; a shell that cannot enter ends without starting it.
 * ended:   all processes in it are killed; what the kernel counted is read before.
 * removed: the group is gone. One that is left behind, since its runner died, is removed by the next runner.
 */
const PREFIX = "steward-";
/** How often, and how many ms apart, the removal of a group is tried whose processes are only just killed. */
const REMOVALS = { attempts: 50, pause: 100 };
/** Groups are left alone for so long after they were made, ms: their command may be about to enter. */
const YOUNG = 60_000;
const MAKER_TIMEOUT = 20_000;
const SHELL = "/bin/sh";
const ENTER =
  'echo 0 > "$0/cgroup.procs" || { echo "the control group of this command could not be entered: it was not started" >&2; exit 126; }; exec "$@"';
/** The period of the processor's share, microseconds. */
const PERIOD = 100_000;
/** The part of the service that keeps the unit alive while no command is in a group. */
const KEEPER = "keeper";

export class CommandGroup {
  readonly #folder: string;
  readonly #limits: NonNullable<RunBounds["together"]>;

  private constructor(folder: string, limits: NonNullable<RunBounds["together"]> = {}) {
    this.#folder = folder;
    this.#limits = limits;
  }

  /** Makes the group, with its limits. @throws Error that says why there is none; then none is left */
  static make(groups: CommandGroups, id: string, limits: NonNullable<RunBounds["together"]>): CommandGroup {
    const { memory, processes, cpu } = limits;
    if (groups.maker !== undefined) makeUnit(groups.folder, groups.maker);
    const folder = pathIn(groups.folder, PREFIX + id);
    mkdirSync(folder);
    const set = (name: string, value: string): void => writeFileSync(pathIn(folder, name), value);
    try {
      if (memory !== undefined) {
        set("memory.max", String(memory));
        setWhereThere(folder, "memory.swap.max", "0");
        // A command whose processes are killed one by one would go on with an unknown half of itself.
        setWhereThere(folder, "memory.oom.group", "1");
      }
      if (processes !== undefined) set("pids.max", String(processes));
      if (cpu !== undefined) set("cpu.max", `${Math.round((cpu * PERIOD) / 100)} ${PERIOD}`);
    } catch (error) {
      rmdirSync(folder);
      throw error;
    }
    return new CommandGroup(folder, limits);
  }

  /** The group that a runner which died has left to this run; `undefined`: there is none. */
  static of(groups: CommandGroups | string, id: string): CommandGroup | undefined {
    if (typeof groups === "string") return undefined;
    const folder = pathIn(groups.folder, PREFIX + id);
    return statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true ? new CommandGroup(folder) : undefined;
  }

  /** The words that enter the group and become the command. */
  entered(argv: readonly string[]): string[] {
    return [SHELL, "-c", ENTER, this.#folder, ...argv];
  }

  /** True while a process is in it. */
  get isPopulated(): boolean {
    return countIn(this.#read("cgroup.events"), "populated") > 0;
  }

  /** The limits that were reached, as the kernel counted it. */
  get reached(): RunReached | undefined {
    const { memory, processes } = this.#limits;
    const events = this.#read("memory.events");
    // Where the whole machine ran out of memory, a process was killed without this limit having been met.
    const ranOut = countIn(events, "oom") > 0 && countIn(events, "oom_kill") > 0;
    const found = {
      ...(memory !== undefined && ranOut ? { memory } : {}),
      ...(processes !== undefined && countIn(this.#read("pids.events"), "max") > 0 ? { processes } : {}),
    };
    return Object.keys(found).length === 0 ? undefined : found;
  }

  kill(): void {
    try {
      writeFileSync(pathIn(this.#folder, "cgroup.kill"), "1");
    } catch {
      // A kernel before 5.14.
      for (const pid of this.#read("cgroup.procs").split("\n").map(Number)) if (pid > 1) killProcess(pid);
    }
  }

  /** Kills what is in it and removes it, as soon as the kernel lets go of it. */
  end(clock: Clock, attempts = REMOVALS.attempts): void {
    this.kill();
    if (removed(this.#folder) || attempts <= 1) return;
    clock.setTimeout(() => this.end(clock, attempts - 1), REMOVALS.pause);
  }

  #read(name: string): string {
    try {
      return readFileSync(pathIn(this.#folder, name), "utf8");
    } catch {
      return "";
    }
  }
}

/** Removes the groups that runners left which died: those without a process in them. */
export function removeEmptyGroups(groups: CommandGroups | string, now: number): void {
  if (typeof groups === "string" || groups.maker !== undefined) return;
  try {
    for (const name of readdirSync(groups.folder)) {
      if (!name.startsWith(PREFIX)) continue;
      const folder = pathIn(groups.folder, name);
      const found = statSync(folder, { throwIfNoEntry: false });
      // The kernel refuses to remove one that has processes: that of a command which goes on.
      if (found?.isDirectory() === true && now - found.ctimeMs > YOUNG) removed(folder);
    }
  } catch {
    // The unit was stopped meanwhile, and its groups are gone.
  }
}

/** True once it is not there any more. */
function removed(folder: string): boolean {
  try {
    rmdirSync(folder);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT";
  }
}

/** The unit is started where it is installed; else systemd makes it. Root alone may ask for either. @throws Error with the words of systemd */
function makeUnit(folder: string, { control, run }: GroupMaker): void {
  const options = { encoding: "utf8", timeout: MAKER_TIMEOUT, env: {} } as const;
  if (spawnSync(control, ["start", GROUPS_UNIT], options).status === 0) return;
  const properties = [`Delegate=${CONTROLLERS.join(" ")}`, "KillMode=process", "OOMPolicy=continue"];
  const asked = [`--unit=${GROUPS_UNIT}`, `--slice=${GROUPS_SLICE}`, "--service-type=exec", "--collect", "--quiet"];
  const program = ["/bin/sleep", "infinity"];
  const made = spawnSync(run, [...asked, ...properties.flatMap((one) => ["-p", one]), ...program], options);
  if (made.status !== 0) {
    const words = made.error?.message ?? made.stderr.trim();
    throw new Error(`${GROUPS_UNIT} could not be made: ${words}`);
  }
  // A group whose controllers are handed on may hold no process itself.
  const keeper = pathIn(folder, KEEPER);
  mkdirSync(keeper, { recursive: true });
  for (const pid of readFileSync(pathIn(folder, "cgroup.procs"), "utf8").trim().split("\n"))
    writeFileSync(pathIn(keeper, "cgroup.procs"), pid);
  const all = CONTROLLERS.map((one) => `+${one}`).join(" ");
  writeFileSync(pathIn(folder, "cgroup.subtree_control"), all);
}

function setWhereThere(folder: string, name: string, value: string): void {
  try {
    writeFileSync(pathIn(folder, name), value);
  } catch (error) {
    // A kernel without swap, or before 4.19: no file can be made there.
    if (!["ENOENT", "EACCES", "EPERM"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
  }
}

function countIn(text: string, name: string): number {
  return Number(new RegExp(`^${name} (\\d+)$`, "m").exec(text)?.[1] ?? 0);
}

function killProcess(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // The process has ended already.
  }
}
