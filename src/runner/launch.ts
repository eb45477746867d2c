import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../message/clock.ts";
import { faultText, StewardError } from "../message/errors.ts";
import type { Logger } from "../platform/logger.ts";
import { type Channel, connectRunner } from "./channel.ts";
import { commandEnvironment } from "./command-environment.ts";
import { runnerFile } from "./protocol.ts";

const SOCKET_NAME = runnerFile("sock");
const ATTEMPTS = 5;
/** Milliseconds in which a runner that was started is ready, on the slowest of machines. */
const READY_TIMEOUT = 30_000;

export interface LaunchOptions {
  /** The directory of the runs. */
  readonly directory: string;
  /** Names of environment variables that neither the runner nor a command may see. */
  readonly withheld: () => readonly string[];
  /** The mask of modes that commands get; absent: that of the runner. */
  readonly umask?: number;
  /** The runner's compiled program. */
  readonly runnerPath: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Little of what the runner allocates lives long: a young generation of 1 MB keeps it, and each fork of it, small. */
const SMALL = ["--max-semi-space-size=1", "--v8-pool-size=1"];

/**
 * Connects to the runner of this directory, and starts one when there is none. A race with another one, or with one that
 * is just leaving, costs another attempt.
 * @throws StewardError `runner-lost`
 */
export async function reachRunner(options: LaunchOptions): Promise<Channel> {
  try {
    return await findOrLaunch(options);
  } catch (error) {
    if (error instanceof StewardError) throw error;
    // Descriptors, memory or room on the disk were short: no runner was asked for anything.
    throw new StewardError("runner-lost", { fault: faultText(error) }, { cause: error });
  }
}

async function findOrLaunch(options: LaunchOptions): Promise<Channel> {
  const { directory, clock, log } = options;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  let fault = "";
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const before = socketInode(directory);
    const found = await connectRunner(directory, clock);
    if (found !== undefined) return found;
    // A name behind which no runner answers is that of one that died without removing it.
    if (before !== undefined && before === socketInode(directory))
      rmSync(join(directory, SOCKET_NAME), { force: true });
    fault = await launch(options);
    if (fault !== "") log.warn({ fault, attempt }, "the runner did not start");
  }
  throw new StewardError("runner-lost", { fault: fault === "" ? "it starts, but does not answer" : fault });
}

function socketInode(directory: string): number | undefined {
  return statSync(join(directory, SOCKET_NAME), { throwIfNoEntry: false })?.ino;
}

/** Resolves when a runner is ready, or why none is. */
async function launch({ directory, runnerPath, clock, log, withheld }: LaunchOptions): Promise<string> {
  const logFd = openSync(join(directory, "runner.log"), "a", 0o600);
  let child: ChildProcess;
  try {
    // Options of Node that are meant for the daemon (an inspector, say) are not for the runner.
    const { NODE_OPTIONS: _, ...env } = commandEnvironment(process.env, withheld());
    child = spawn(process.execPath, [...SMALL, runnerPath], {
      cwd: directory,
      env,
      detached: true,
      stdio: ["ignore", logFd, logFd, "pipe"],
    });
  } catch (error) {
    return String(error);
  } finally {
    closeSync(logFd);
  }
  child.unref();
  const fault = await firstWord(child, clock);
  if (fault === "") log.debug({ pid: child.pid }, "runner started");
  return fault;
}

/** The runner's word on its fourth descriptor: `ready` and `taken` both mean that one is there. */
function firstWord(child: ChildProcess, clock: Clock): Promise<string> {
  return new Promise((resolve) => {
    let said = "";
    const pipe = child.stdio[3];
    const done = (fault: string): void => {
      clock.clearTimeout(timer);
      pipe?.destroy();
      resolve(fault);
    };
    const timer = clock.setTimeout(() => {
      child.kill("SIGKILL");
      done("it did not become ready");
    }, READY_TIMEOUT);
    child.once("error", (error) => done(error.message));
    child.once("exit", (code, signal) =>
      done(said === "" ? `it ended at once (${signal ?? code}); see runner.log` : ""),
    );
    pipe?.on("error", () => undefined);
    pipe?.on("data", (chunk: Buffer) => {
      said += chunk.toString("utf8");
      if (said.includes("\n")) done("");
    });
  });
}
