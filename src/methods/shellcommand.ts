import { LONGEST_TIMER } from "../message/clock.ts";
import type { Json } from "../message/message.ts";
import { type CommandContext, type CommandEnd, defineMethod, type Method } from "./define.ts";
import { describeCommand, interpreterOf, type ParsedCommand, parseCommand } from "./shellcommand-data.ts";
import type { Run, RunEnd, RunSpec } from "./spawner.ts";

export interface ShellcommandOptions {
  /** Bytes of output kept of each stream: half of its beginning, half of its end. */
  readonly outputBytes: () => number;
  /** Milliseconds between SIGTERM and SIGKILL. */
  readonly grace: number;
}

/** From this size on a script goes through a file: an argument may have 128 KiB on Linux. */
const SCRIPT_ARGUMENT_BYTES = 100_000;

/** Milliseconds after its timeout and its grace in which the end of a program must be heard of. */
const SILENT = 8000;

/** Runs a program, or a script, in a process group of its own, and tells how it ended. */
export function shellcommand(options: ShellcommandOptions): Method {
  const run = async (context: CommandContext): Promise<CommandEnd> => {
    if (context.cancelled.aborted) return { state: "cancelled", reason: "cancelled before it was started" };
    const command = parseCommand(context.data);
    const outputBytes = options.outputBytes();
    const half = Math.floor(outputBytes / 2);
    const started = await context.spawner.start(
      {
        id: context.id,
        ...programOf(command),
        ...(command.cwd === undefined ? {} : { cwd: command.cwd }),
        ...(command.env === undefined ? {} : { env: command.env }),
        timeout: context.timeout,
        grace: options.grace,
        head: half,
        tail: outputBytes - half,
      },
      context.output,
    );
    return follow(started, context, options.grace);
  };

  const adopt = async (context: CommandContext): Promise<CommandEnd> => {
    const adopted = await context.spawner.adopt(context.id, context.output);
    if (adopted !== undefined) return follow(adopted, context, options.grace);
    // The daemon died after it had noted that the program may begin, and before anybody began it.
    if ((await context.mayBegin?.()) === false)
      return { state: "expired", reason: "its deadline passed while the daemon was away, before it began" };
    return run(context);
  };

  return defineMethod({
    name: "shellcommand",
    summary: "runs a program with its arguments, or a script",
    command: {
      check: (data: Json) => void parseCommand(data),
      grace: options.grace,
      run,
      adopt,
      describe: (data: Json) => describeCommand(parseCommand(data)),
    },
  });
}

function programOf(command: ParsedCommand): Pick<RunSpec, "argv" | "script" | "args" | "input"> {
  const input = command.input === undefined ? {} : { input: command.input };
  if (command.kind === "program") return { argv: command.argv, ...input };
  const { script, shell, args } = command;
  const argv = interpreterOf(script, shell);
  // A shell takes a text that begins with a dash for an option, and an interpreter of another kind may know no -c.
  const asArgument =
    args.length === 0 && !/^(?:-|#!)/.test(script) && Buffer.byteLength(script) <= SCRIPT_ARGUMENT_BYTES;
  if (asArgument) return { argv: [...argv, "-c", script], ...input };
  return { argv, script, args, ...input };
}

async function follow(run: Run, context: CommandContext, grace: number): Promise<CommandEnd> {
  const cancel = (): void => run.cancel();
  context.cancelled.addEventListener("abort", cancel, { once: true });
  if (context.cancelled.aborted) run.cancel();
  const { promise: silent, stop } = silence(context, grace);
  try {
    return outcomeOf(await Promise.race([run.end, silent]), context);
  } finally {
    stop();
    context.cancelled.removeEventListener("abort", cancel);
  }
}

/** Whoever runs it ends it at its timeout. When nothing is heard of that, it is frozen, and what it ran may go on. */
function silence(
  { timeout, clock, stopping }: CommandContext,
  grace: number,
): { promise: Promise<RunEnd>; stop: () => void } {
  let silent: (end: RunEnd) => void = () => undefined;
  const promise = new Promise<RunEnd>((resolve) => {
    silent = resolve;
  });
  const message = "nobody said how it ended: the process that runs it does not answer";
  const wait = timeout + grace + SILENT;
  // What may run for weeks is not watched, nor what the next daemon will follow.
  const timer =
    wait > LONGEST_TIMER || stopping?.aborted === true
      ? undefined
      : clock.setTimeout(() => silent({ kind: "lost", message }), wait);
  const stop = (): void => clock.clearTimeout(timer);
  stopping?.addEventListener("abort", stop, { once: true });
  return {
    promise,
    stop: () => {
      stop();
      stopping?.removeEventListener("abort", stop);
    },
  };
}

function outcomeOf(end: RunEnd, context: CommandContext): CommandEnd {
  if (end.kind === "lost") return { state: "interrupted", reason: end.message };
  // The exit codes that a shell has for it.
  if (end.kind === "notStarted")
    return { state: "failed", code: end.code === "ENOENT" ? 127 : 126, reason: end.message };
  const { state, reason } = verdict(end, context);
  return {
    state,
    at: end.at,
    startedAt: end.startedAt,
    ...(end.code === null ? {} : { code: end.code }),
    ...(end.signal === null ? {} : { signal: end.signal }),
    ...(reason === undefined ? {} : { reason }),
    output: end.rest,
    totals: end.totals,
  };
}

function verdict(
  end: RunEnd & { kind: "exited" },
  { timeout, timeoutSetBy }: CommandContext,
): Pick<CommandEnd, "state" | "reason"> {
  if (end.ended === "timeout") {
    const whose = timeoutSetBy === undefined ? "its timeout" : timeoutSetBy;
    return { state: "timedOut", reason: `ended after ${timeout / 1000} s, ${whose}` };
  }
  if (end.ended === "cancel") return { state: "cancelled", reason: "ended on request while it ran" };
  const swept = end.swept ? "what it left running in the background was ended" : undefined;
  if (end.signal !== null) return reasoned("failed", `ended by ${end.signal}`, swept);
  if (end.code !== 0) return reasoned("failed", `exit code ${end.code}`, swept);
  return reasoned("succeeded", undefined, swept);
}

function reasoned(
  state: "failed" | "succeeded",
  ...reasons: (string | undefined)[]
): Pick<CommandEnd, "state" | "reason"> {
  const reason = reasons.filter((text) => text !== undefined).join("; ");
  return reason === "" ? { state } : { state, reason };
}
