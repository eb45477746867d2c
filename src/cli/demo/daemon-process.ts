import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import type { Clock } from "../../message/clock.ts";
import { builtProgram } from "../../platform/installation.ts";

/**
 * A daemon of the demo: `steward up` as a process of its own, as it runs everywhere.
 *
 *   running ──stop──▶ stopping ──▶ ended        at `stopNow`, and when it takes too long: at once
 *
 * The daemon is in a process group of its own, so that Ctrl-C in a terminal reaches the demo alone, which stops the daemons in
 * good order: the edges first, which say bye, then central with its broker.
 */
export interface DaemonProcess {
  readonly node: string;
  readonly pid: number;
  /** Resolves when the process has ended, with its last lines on standard error. */
  readonly ended: Promise<string>;
  stop(): Promise<void>;
  stopNow(): void;
}

const MAIN = builtProgram("cli/main.js");
const STOPS_WITHIN = 20_000;
const WORDS = 4_000;

export function startDaemonProcess(options: {
  readonly node: string;
  readonly config: string;
  readonly log: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
}): DaemonProcess {
  const { node, config, log, env, clock } = options;
  const output = openSync(log, "a");
  let child: ChildProcess;
  try {
    child = spawn(process.execPath, [MAIN, "up", "--config", config, "--no-color"], {
      stdio: ["ignore", output, "pipe"],
      detached: true,
      env: { ...env },
    });
  } finally {
    closeSync(output);
  }
  let words = "";
  child.stderr?.on("data", (chunk) => {
    words = `${words}${chunk}`.slice(-WORDS);
  });
  const ended = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("close", () => resolve(words.trim()));
  });
  return {
    node,
    pid: child.pid ?? 0,
    ended,
    async stop() {
      child.kill("SIGTERM");
      const timer = clock.setTimeout(() => child.kill("SIGKILL"), STOPS_WITHIN);
      await ended;
      clock.clearTimeout(timer);
    },
    // A second SIGTERM ends a daemon at once, and its broker with it.
    stopNow: () => void child.kill("SIGTERM"),
  };
}
