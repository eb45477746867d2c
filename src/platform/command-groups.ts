import { accessSync, constants, existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/**
 * Where the control groups of commands are made: in the group of a unit of its own beside the daemon's, which is handed over
 * to the daemon's user. Not in the daemon's own group: systemd before version 254 starts a program in that group itself, which
 * the kernel refuses while commands of before still have groups in it.
 */
export interface CommandGroups {
  /** The group of the unit; each command gets a group in it. */
  readonly folder: string;
  /** The programs by which root has the unit made where it does not run yet; absent: it runs. */
  readonly maker?: GroupMaker;
  /** Takes on the user of a command once it is in its group; absent: it is not on this machine. */
  readonly user?: string;
}

export interface GroupMaker {
  /** Starts the unit where it is installed. */
  readonly control: string;
  /** Makes the unit where it is not. */
  readonly run: string;
}

/** The places of the system that are looked at. */
export interface GroupPlaces {
  /** There where systemd is the first process. */
  readonly systemd: string;
  /** The unified hierarchy, version 2. */
  readonly groups: string;
  /** Says in which group this process is. */
  readonly own: string;
  readonly folders: readonly string[];
}

/** The unit whose group is handed over, and the slice that it shares with the daemon. packaging/ has the unit. */
export const GROUPS_UNIT = "steward-commands.service";
export const GROUPS_SLICE = "steward.slice";
export const CONTROLLERS = ["memory", "pids", "cpu"] as const;

const PLACES: GroupPlaces = {
  systemd: "/run/systemd/system",
  groups: "/sys/fs/cgroup",
  own: "/proc/self/cgroup",
  folders: ["/usr/bin", "/bin"],
};

/** The user of a daemon that has groups made: it asks for itself, or somebody visits who looks at what it will find. */
export interface GroupAsker {
  readonly uid?: number | undefined;
  readonly visits?: boolean;
}

/** Where control groups of version 2 can be made for commands of a daemon of this user; or why nowhere, in words. */
export function commandGroups(asker: GroupAsker = {}, places: GroupPlaces = PLACES): CommandGroups | string {
  const { uid = process.geteuid?.(), visits = false } = asker;
  if (!existsSync(places.systemd)) return "systemd does not run this machine";
  if (!hasControllers(join(places.groups, "cgroup.controllers")))
    return "this machine has no control groups of version 2 with memory, pids and cpu";
  const [user, control, run] = ["setpriv", "systemctl", "systemd-run"].map((name) =>
    places.folders.map((at) => join(at, name)).find(isProgram),
  );
  const known = user === undefined ? {} : { user };
  const slice = join(places.groups, GROUPS_SLICE);
  const folder = join(slice, GROUPS_UNIT);
  if (hasControllers(join(folder, "cgroup.subtree_control"))) {
    if (uid === 0) return { folder, ...known };
    const isOwner = [folder, join(slice, "cgroup.procs")].every((path) => ownerOf(path) === uid);
    if (!isOwner) return `${folder} is not the daemon's: start ${GROUPS_UNIT} as its user`;
    // A process is moved between groups by whoever may write to the group above both.
    if (!visits && /^0::(.*)$/m.exec(readText(places.own))?.[1]?.split("/")[1] !== GROUPS_SLICE)
      return `the daemon does not run in ${GROUPS_SLICE}, as the groups of its commands do`;
    if (!visits && !isWritable(folder)) return `${folder} cannot be written to by this daemon`;
    return { folder, ...known };
  }
  if (uid !== 0) return `${GROUPS_UNIT}, in which they are made, does not run: systemctl start ${GROUPS_UNIT}`;
  if (run === undefined || control === undefined) return "the programs systemctl and systemd-run are needed";
  return { folder, maker: { control, run }, ...known };
}

function hasControllers(path: string): boolean {
  const controllers = readText(path).split(/\s+/);
  return CONTROLLERS.every((one) => controllers.includes(one));
}

function ownerOf(path: string): number | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })?.uid;
  } catch {
    return undefined;
  }
}

function isWritable(path: string): boolean {
  return allows(path, constants.W_OK);
}

function isProgram(path: string): boolean {
  return allows(path, constants.X_OK);
}

function allows(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
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
