import { chmod, lstat, mkdir, unlink } from "node:fs/promises";
import { request, type Server } from "node:http";
import { dirname } from "node:path";
import type { Clock } from "../message/clock.ts";
import { faultText, StewardError } from "../message/errors.ts";

/** The kernel's room for a socket's path, bytes; a longer path would be cut off without an error. */
const PATH_LIMIT = process.platform === "linux" ? 107 : 103;
const PROBE_TIMEOUT = 1_000;

/** The header in which a daemon names its process. */
export const PID_HEADER = "steward-pid";

/** The header in which a daemon names itself to those who sign requests. */
export const DAEMON_HEADER = "steward-daemon";

/**
 * Makes `server` listen on a Unix socket that only its owner may use, with `access` "group" its group as well. The file
 * of a dead daemon is replaced.
 * @throws StewardError `already-running` when a daemon listens there, `data-directory` when the path cannot be used.
 */
export async function listenOnSocket(
  server: Server,
  path: string,
  clock: Clock,
  access: "owner" | "group" = "owner",
): Promise<void> {
  const bytes = Buffer.byteLength(path);
  if (bytes > PATH_LIMIT)
    throw unusable(path, `the path has ${bytes} bytes, the system allows ${PATH_LIMIT}: set a shorter \`socket:\``);
  try {
    const made = await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    // The mask of the daemon is for its own files: this directory is for the group too.
    if (made !== undefined && access === "group") await chmod(dirname(path), 0o750);
    await removeStale(path, clock);
    await listen(server, path, access === "group" ? 0o117 : 0o177);
  } catch (error) {
    throw error instanceof StewardError ? error : unusable(path, faultText(error), error);
  }
}

async function removeStale(path: string, clock: Clock): Promise<void> {
  const found = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (found === undefined) return;
  if (!found.isSocket()) throw unusable(path, "something that is not a socket lies there");
  const pid = await livingDaemon(path, clock);
  if (pid !== undefined) throw new StewardError("already-running", { pid, path });
  await unlink(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
  });
}

/** The process that listens at `path`, `unknown` when its answer names none; `undefined` when no process listens. */
function livingDaemon(path: string, clock: Clock): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const probe = request({ socketPath: path, path: "/healthz", headers: { host: "steward" }, agent: false });
    const done = (settle: () => void): void => {
      clock.clearTimeout(timer);
      probe.destroy();
      settle();
    };
    const timer = clock.setTimeout(() => done(() => resolve("unknown")), PROBE_TIMEOUT);
    probe.on("response", (response) => done(() => resolve(String(response.headers[PID_HEADER] ?? "unknown"))));
    probe.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ECONNREFUSED" || error.code === "ENOENT") done(() => resolve(undefined));
      // A process that broke the connection off, or speaks no HTTP, is no daemon of ours, but it listens.
      else if (error.code === "ECONNRESET" || error.code?.startsWith("HPE_")) done(() => resolve("unknown"));
      else done(() => reject(error));
    });
    probe.end();
  });
}

function listen(server: Server, path: string, mask: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.once("listening", () => {
      server.off("error", reject);
      resolve();
    });
    // `listen` makes the file before it returns: with the umask the file never exists with a wider mode.
    const umask = process.umask(mask);
    try {
      server.listen(path);
    } finally {
      process.umask(umask);
    }
  });
}

function unusable(path: string, fault: string, cause?: unknown): StewardError {
  return new StewardError("data-directory", { path, fault }, { cause });
}
