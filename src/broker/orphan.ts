import { execFile } from "node:child_process";
import { readFile, rm } from "node:fs/promises";
import type { Clock } from "../message/clock.ts";
import { StewardError } from "../message/errors.ts";
import type { Logger } from "../platform/logger.ts";
import { sleep } from "../platform/sleep.ts";

/**
 * Ends a nats-server that a killed daemon left behind and that still holds the port. Pids are given out again, so the process
 * is ended only when its command line names our configuration file.
 */
const LOOK_EVERY_MS = 20;
const TERM_FOR_MS = 3_000;
const GIVE_UP_AFTER_MS = 6_000;

/** @throws StewardError `nats-server-failed` when it cannot be ended. */
export async function takeOverOrphan(
  pidFile: string,
  configFile: string,
  clock: Clock,
  log: Pick<Logger, "warn">,
): Promise<void> {
  const pid = Number.parseInt(await readFile(pidFile, "utf8").catch(() => ""), 10);
  if (Number.isSafeInteger(pid) && pid > 1 && (await isOurs(pid, configFile))) {
    log.warn({ pid }, "ending the nats-server that an earlier daemon left behind");
    const from = clock.monotonic();
    signal(pid, "SIGINT");
    let forced = false;
    while (await isOurs(pid, configFile)) {
      const waited = clock.monotonic() - from;
      if (waited > GIVE_UP_AFTER_MS)
        throw new StewardError("nats-server-failed", {
          fault: `the nats-server of an earlier daemon (pid ${pid}) does not end`,
        });
      if (waited > TERM_FOR_MS && !forced) forced = signal(pid, "SIGKILL");
      await sleep(clock, LOOK_EVERY_MS);
    }
  }
  await rm(pidFile, { force: true });
}

async function isOurs(pid: number, configFile: string): Promise<boolean> {
  return (await commandLine(pid)).includes(configFile);
}

/** The command line of a process; empty when there is none, or a zombie. */
async function commandLine(pid: number): Promise<string> {
  if (process.platform === "linux") {
    const raw = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    return raw.replaceAll("\0", " ");
  }
  return new Promise((resolve) =>
    execFile("ps", ["-p", String(pid), "-o", "args="], (_error, stdout) => resolve(stdout)),
  );
}

function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    process.kill(pid, name);
  } catch {
    // The process ended between the check and the signal.
  }
  return true;
}
