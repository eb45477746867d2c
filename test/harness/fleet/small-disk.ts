import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { rm, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { atTestEnd } from "../temp.ts";

/**
 * A small filesystem of its own at a directory, which can be filled. It is mounted in a mount namespace that is held by one
 * process: only programs that were started `within` see it, and it is gone with them, whatever becomes of the test.
 */
export interface SmallDisk {
  /** The directory, for those outside. */
  readonly seen: string;
  /** Words before a program that is to see it. */
  readonly within: readonly string[];
  /** Writes until nothing fits any more. */
  fill(): Promise<void>;
  /** Removes what `fill` wrote. */
  free(): Promise<void>;
}

/** Why this machine cannot have one; `undefined` when it can. */
export function whyNoSmallDisk(): string | undefined {
  try {
    execFileSync("unshare", ["--mount", "--propagation", "private", "mount", "-t", "tmpfs", "none", "/mnt"], {
      stdio: "pipe",
    });
    execFileSync("nsenter", ["--version"], { stdio: "pipe" });
    return undefined;
  } catch (error) {
    return `a mount namespace with a tmpfs cannot be had: ${String(error).split("\n")[0]}`;
  }
}

export async function startSmallDisk(directory: string, bytes: number): Promise<SmallDisk> {
  mkdirSync(directory, { recursive: true });
  const holder = await hold(directory, bytes);
  const end = (): void => void holder.kill("SIGKILL");
  atTestEnd(async () => end(), end);
  // Its files, seen from outside of the namespace.
  const seen = join("/proc", String(holder.pid), "root", directory);
  const filler = join(seen, "filler");
  const within = ["nsenter", "--target", String(holder.pid), "--mount", "--"];
  return {
    seen,
    within,
    fill: async () => {
      const { bavail, bsize } = await statfs(seen);
      const full = (error: NodeJS.ErrnoException): void => {
        if (error.code !== "ENOSPC") throw error;
      };
      // A page more than there is: what others wrote meanwhile, or freed, counts as well.
      await writeFile(filler, Buffer.alloc((bavail + 1) * bsize), { flag: "a" }).catch(full);
    },
    free: () => rm(filler, { force: true }),
  };
}

/** Resolves once the filesystem is there. The holder ends with its standard input: with whoever started it. */
function hold(directory: string, bytes: number): Promise<ChildProcess> {
  const script = `mount -t tmpfs -o size=${bytes} none "$1" && echo mounted && exec cat`;
  const holder = spawn("unshare", ["--mount", "--propagation", "private", "sh", "-c", script, "sh", directory], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  return new Promise((resolve, reject) => {
    holder.once("error", reject);
    holder.once("exit", (code) => reject(new Error(`no filesystem at ${directory}: ${code}`)));
    holder.stdout.once("data", () => resolve(holder));
  });
}
