import { readFileSync } from "node:fs";
import { EXIT } from "../message/errors.ts";
import { systemClock } from "../platform/system-clock.ts";
import { ProcessInput } from "./input/standard-input.ts";
import type { SignalName } from "./io.ts";
import { runCli } from "./run-cli.ts";

/**
 * The process around the command line. The process ends by itself once no work is left; only a second signal, and a reader that
 * closed its end of the pipe, end it at once.
 */
const exitNow = (code: number): never => process.exit(code);

let outlivesReaders = false;
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    // A daemon goes on without its readers: its log counts the lines that are lost.
    if (outlivesReaders) return;
    // `steward messages | head`: the reader has enough.
    if (error.code === "EPIPE") exitNow(EXIT.ok);
    if (stream === process.stdout) process.stderr.write(`✗ error: the output cannot be written: ${error.message}\n`);
    exitNow(EXIT.someFailed);
  });
}

// The clock's timers do not keep a process alive; a port that listens does.
const awake = new MessageChannel();
awake.port1.on("message", () => undefined);

// The log of `steward up` is written by the daemon's own parts, which go by the environment.
const dashes = process.argv.indexOf("--");
if (process.argv.slice(0, dashes < 0 ? undefined : dashes).includes("--no-color")) process.env.NO_COLOR = "1";

process.exitCode = await runCli(process.argv.slice(2), {
  stdin: new ProcessInput(systemClock),
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  cwd: directory(),
  rawArguments: () => {
    try {
      return readFileSync("/proc/self/cmdline");
    } catch {
      return undefined;
    }
  },
  clock: systemClock,
  signals: {
    on: (name: SignalName, listener: () => void) => {
      process.on(name, listener);
      return () => process.off(name, listener);
    },
  },
  outliveReaders: () => {
    outlivesReaders = true;
  },
  exitNow,
});
awake.port1.close();

/** The working directory; `/` where it was removed. */
function directory(): string {
  try {
    return process.cwd();
  } catch {
    return "/";
  }
}
