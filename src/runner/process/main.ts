import { closeSync, fstatSync, ftruncateSync, rmSync, writeFileSync, writeSync } from "node:fs";
import type { Clock } from "../../message/clock.ts";
import { commandGroups } from "../../platform/command-groups.ts";
import { removeEmptyGroups } from "../command-group.ts";
import { runnerFile } from "../protocol.ts";
import { closeInherited } from "./inherited-descriptors.ts";
import { goLast } from "./memory-shortage.ts";
import { RunnerService } from "./service.ts";

/**
 * The runner: a program of its own, which starts commands for the daemon and records them when the daemon is away. The
 * working directory is the directory of the runs. Imports are few, since a fork costs by the memory of the process that
 * forks. Signals are ignored, for at a shutdown the runner has to see its programs end.
 *
 * File descriptor 3 hears one word: `ready`, or `taken` when another runner serves this directory.
 */
const READY_FD = 3;
const LOG_LIMIT = 1024 * 1024;
const PID_FILE = runnerFile("pid");

const clock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimeout: (fn, ms) => setTimeout(fn, ms),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
};

function log(text: string): void {
  try {
    if (fstatSync(2).size > LOG_LIMIT) ftruncateSync(2, 0);
    writeSync(2, `${new Date().toISOString()} ${process.pid} ${text}\n`);
  } catch {
    // A full disk must not stop the recorder.
  }
}

/** False: the daemon that asked is gone. */
function say(word: "ready" | "taken"): boolean {
  try {
    writeSync(READY_FD, `${word}\n`);
    return true;
  } catch {
    return false;
  } finally {
    closeReady();
  }
}

/** No command may inherit it. */
function closeReady(): void {
  try {
    closeSync(READY_FD);
  } catch {
    // The descriptor was never there.
  }
}

for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
  process.on(signal, () => log(`${signal} ignored: it leaves when its programs have ended and no daemon is connected`));
}

// Programs of the operator hang on this process: a defect in the record of one must not take the others along.
process.on("uncaughtException", (error) => log(`defect: ${error.stack ?? String(error)}`));

closeInherited([READY_FD]);
goLast();

const service = new RunnerService({
  directory: process.cwd(),
  clock,
  log,
  pid: process.pid,
  gone: () => {
    log("leaves: nothing runs and no daemon is connected");
    rmSync(PID_FILE, { force: true });
    process.exit(0);
  },
});

if (await service.listen()) {
  try {
    writeFileSync(PID_FILE, `${process.pid}\n`);
  } catch (error) {
    log(`its process id could not be written: ${String(error)}`);
  }
  removeEmptyGroups(commandGroups(), clock.now());
  log("serves");
  if (!say("ready")) service.leaveWhenIdle();
} else {
  say("taken");
}
