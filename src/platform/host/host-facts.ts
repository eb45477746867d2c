import { readFile, readlink, statfs } from "node:fs/promises";
import { arch, cpus, hostname, machine, networkInterfaces, release, totalmem } from "node:os";
import { hostUptime } from "./host-time.ts";

/** How this host is, as its system tells; keys and values are those of docs/targets.md. */
export interface HostReading {
  readonly facts: Readonly<Record<string, string | number | readonly string[]>>;
  /** Milliseconds since the host was booted; `undefined`: the system does not tell. */
  readonly uptime: number | undefined;
  readonly disks: readonly Disk[];
}

export interface Disk {
  /** Where it is mounted. */
  readonly path: string;
  readonly size: number;
  /** Bytes in use, of those that programs without privilege can have. */
  readonly used: number;
  readonly free: number;
}

/** Reads without waiting for anything but files of this host. A fact that cannot be read is left out. */
export interface HostFacts {
  read(): Promise<HostReading>;
}

/** File systems on disks of this host: reading one of another host may never end. */
const LOCAL = new Set(
  "ext2 ext3 ext4 xfs btrfs f2fs zfs jffs2 ubifs vfat exfat ntfs3 reiserfs jfs apfs hfs".split(" "),
);
const MOST_DISKS = 16;
const MOST_ADDRESSES = 32;
const MOUNT = /^[A-Za-z0-9_./@:+-]{1,80}$/;

export class SystemFacts implements HostFacts {
  async read(): Promise<HostReading> {
    const [system, disks, zone] = await Promise.all([readSystem(), readDisks(), readTimeZone()]);
    const processors = cpus();
    const model = processors[0]?.model.trim().slice(0, 100) ?? "";
    return {
      facts: {
        ...system,
        hostname: hostname(),
        arch: machine() || arch(),
        kernel: release(),
        addresses: addresses(),
        "cpu.count": processors.length,
        ...(model === "" || model === "unknown" ? {} : { "cpu.model": model }),
        memory: totalmem(),
        timezone: zone,
      },
      uptime: hostUptime(),
      disks,
    };
  }
}

async function readSystem(): Promise<Record<string, string>> {
  const text = await readFile("/etc/os-release", "utf8").catch(() => "");
  const values = new Map(
    text.split("\n").flatMap((line): [string, string][] => {
      const [, key = "", value = ""] = /^([A-Z_]+)=["']?(.*?)["']?$/.exec(line) ?? [];
      return key === "" ? [] : [[key, value.slice(0, 100)]];
    }),
  );
  const found: Record<string, string> = { os: values.get("ID") ?? process.platform };
  const version = values.get("VERSION_ID");
  const title = values.get("PRETTY_NAME");
  if (version !== undefined) found["os.version"] = version;
  if (title !== undefined) found["os.title"] = title;
  return found;
}

/** Addresses that others can reach, in a fixed order; those of one link alone are left out. */
function addresses(): string[] {
  const found = Object.values(networkInterfaces()).flatMap((of = []) =>
    of.flatMap(({ address, internal }) => (internal || /^fe80:/i.test(address) ? [] : [address])),
  );
  return [...new Set(found)].sort().slice(0, MOST_ADDRESSES);
}

/** The zone of `TZ` where the daemon was started with one, else the host's, which may be set anew while the daemon runs. */
async function readTimeZone(): Promise<string> {
  const link = process.env.TZ === undefined ? await readlink("/etc/localtime").catch(() => "") : "";
  return /zoneinfo\/(.+)$/.exec(link)?.[1] ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
}

async function readDisks(): Promise<Disk[]> {
  const text = await readFile("/proc/self/mounts", "utf8").catch(() => "");
  const mounts = text.split("\n").map((line) => line.split(" "));
  const devices = new Set<string>();
  const paths: string[] = [];
  for (const [device = "", path = "", type = ""] of mounts) {
    // A container's root lies on none of these types.
    if (path !== "/" && (!LOCAL.has(type) || devices.has(device) || !MOUNT.test(path))) continue;
    devices.add(device);
    paths.push(path);
  }
  const disks = await Promise.all([...new Set(paths)].sort().slice(0, MOST_DISKS).map(readDisk));
  return disks.filter((disk) => disk !== undefined);
}

async function readDisk(path: string): Promise<Disk | undefined> {
  try {
    const { bsize, blocks, bfree, bavail } = await statfs(path);
    if (blocks === 0) return undefined;
    return { path, size: blocks * bsize, used: (blocks - bfree) * bsize, free: bavail * bsize };
  } catch {
    return undefined;
  }
}
