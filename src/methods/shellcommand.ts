import { LONGEST_TIMER, type Timer } from "../message/clock.ts";
import { StewardError } from "../message/errors.ts";
import type { Json } from "../message/message.ts";
import { bytes } from "../message/text/figures.ts";
import { hasReference } from "../message/text/secret-reference.ts";
import { type CommandContext, type CommandEnd, defineMethod, type Method, type NotBegun } from "./define.ts";
import { interpreterOf, type ParsedCommand, parseCommand, vectorOf } from "./shellcommand-data.ts";
import type { Run, RunEnd, RunReached, RunSpec } from "./spawner.ts";

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
const SILENCE = "the process that runs it does not say how it ended; it stays open until that one does, or is gone";

const NOTHING_RECORDED: CommandEnd = {
  state: "interrupted",
  reason:
    "the daemon ended when it was about to begin or had begun, and nothing else is recorded of it: whether it ran cannot be proved",
};

/** Signals by which the kernel says that a limit of the process was reached. */
const LIMIT: Readonly<Record<string, string>> = {
  SIGXCPU: ": it has used all the processor time that it may",
  SIGXFSZ: ": it wrote a file beyond the size that it may have",
};

/** Hindrances of a start that are no fault of the program: descriptors, processes, memory, room on the disk, time. */
const HINDRANCES: ReadonlySet<string> = new Set([
  ...["EMFILE", "ENFILE", "EAGAIN", "ENOMEM", "ENOSPC", "EDQUOT", "EIO"],
  "ETIME",
]);

/** Runs a program, or a script, in a process group of its own, and tells how it ended. */
export function shellcommand(options: ShellcommandOptions): Method {
  const specOf = (context: CommandContext): RunSpec => {
    const command = parseCommand(context.data);
    const outputBytes = options.outputBytes();
    const half = Math.floor(outputBytes / 2);
    return {
      id: context.id,
      ...programOf(command),
      ...(command.cwd === undefined ? {} : { cwd: command.cwd }),
      ...(command.env === undefined ? {} : { env: command.env }),
      ...(context.startWithin === undefined ? {} : { startWithin: context.startWithin }),
      timeout: context.timeout,
      grace: options.grace,
      head: half,
      tail: outputBytes - half,
    };
  };

  const prepare = async (context: CommandContext): Promise<CommandEnd | NotBegun | undefined> => {
    const { spawner, id, node } = context;
    const fault = spawner.refusal?.(specOf(context));
    if (fault !== undefined)
      return { state: "rejected", reason: new StewardError("command-refused", { node, fault }).message };
    try {
      await spawner.prepare(id);
      return undefined;
    } catch (error) {
      return notBegun(error);
    }
  };

  const run = async (context: CommandContext): Promise<CommandEnd | NotBegun> => {
    if (context.cancelled.aborted) return { state: "cancelled", reason: "cancelled before it was started" };
    const spec = specOf(context);
    try {
      return await follow(await context.spawner.start(spec, context.output), context, options.grace);
    } catch (error) {
      return notBegun(error);
    }
  };

  const adopt = async (context: CommandContext): Promise<CommandEnd | NotBegun> => {
    const adopted = await context.spawner.adopt(context.id, context.output);
    if (adopted !== undefined) return follow(adopted, context, options.grace);
    // A missing record proves nothing; the proof of the preparation does, which the start would have removed.
    return (await context.spawner.isOnlyPrepared(context.id)) ? { state: "notBegun" } : NOTHING_RECORDED;
  };

  return defineMethod({
    name: "shellcommand",
    summary: "runs a program with its arguments, or a script",
    command: {
      check: (data: Json) => void parseCommand(data),
      grace: options.grace,
      prepare,
      run,
      adopt,
      vector: (data: Json) => vectorOf(parseCommand(data)),
    },
  });
}

function programOf(command: ParsedCommand): Pick<RunSpec, "argv" | "script" | "args" | "input"> {
  const input = command.input === undefined ? {} : { input: command.input };
  if (command.kind === "program") return { argv: command.argv, ...input };
  const { script, shell, args } = command;
  const argv = interpreterOf(script, shell);
  // A shell takes a text that begins with a dash for an option, and an interpreter of another kind may know no -c.
  // Other users of the machine see arguments: a script with secrets is none.
  const asArgument =
    args.length === 0 &&
    !/^(?:-|#!)/.test(script) &&
    !hasReference(script) &&
    Buffer.byteLength(script) <= SCRIPT_ARGUMENT_BYTES;
  if (asArgument) return { argv: [...argv, "-c", script], ...input };
  return { argv, script, args, ...input };
}

/** @throws what is no proof that nothing began */
function notBegun(error: unknown): NotBegun {
  if (!(error instanceof StewardError) || error.code !== "runner-lost") throw error;
  return { state: "notBegun", reason: error.message };
}

async function follow(run: Run, context: CommandContext, grace: number): Promise<CommandEnd | NotBegun> {
  const cancel = (): void => run.cancel();
  context.cancelled.addEventListener("abort", cancel, { once: true });
  if (context.cancelled.aborted) run.cancel();
  const stop = lookWhenOverdue(run, context, grace);
  try {
    const end = await run.end;
    if (end.kind !== "notStarted" || !HINDRANCES.has(end.code)) return outcomeOf(end, context);
    // The record says for certain that nothing began; without it the same id may be started again.
    await context.spawner.forget(context.id);
    return { state: "notBegun", reason: end.message };
  } finally {
    stop();
    context.cancelled.removeEventListener("abort", cancel);
  }
}

/**
 * The runner ends a command at its timeout. Where the end is not heard of for a while, this daemon or the runner was
 * stopped, and may go on: the record of the run is read again and again, and no outcome is guessed.
 */
function lookWhenOverdue(
  run: Run,
  { timeout, clock, stopping, waits, log, id }: CommandContext,
  grace: number,
): () => void {
  let timer: Timer;
  const look = (): void => {
    // Messages of the runner that wait to be read come first.
    timer = clock.setTimeout(() => {
      timer = clock.setTimeout(look, SILENT);
      void run.look().then((known) => {
        if (known) return;
        log.warn({ run: id }, SILENCE);
        waits?.(SILENCE);
      });
    }, 0);
  };
  const stop = (): void => clock.clearTimeout(timer);
  const wait = timeout + grace + SILENT;
  // A command that may run for weeks is not watched, nor one that the next daemon will follow.
  if (wait <= LONGEST_TIMER && stopping?.aborted !== true) timer = clock.setTimeout(look, wait);
  stopping?.addEventListener("abort", stop, { once: true });
  return () => {
    stop();
    stopping?.removeEventListener("abort", stop);
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
  const left = end.left === undefined ? undefined : stillThere(end.left);
  if (end.ended === "timeout") {
    const whose = timeoutSetBy === undefined ? "its timeout" : timeoutSetBy;
    return reasoned("timedOut", `ended after ${timeout / 1000} s, ${whose}`, left);
  }
  if (end.ended === "cancel") return reasoned("cancelled", "ended on request while it ran", left);
  const swept = end.swept ? "what it left running in the background was ended" : undefined;
  const limits = end.reached === undefined ? [] : reachedLimits(end.reached);
  if (end.signal !== null)
    return reasoned("failed", `ended by ${end.signal}${LIMIT[end.signal] ?? ""}`, ...limits, swept, left);
  if (end.code !== 0) return reasoned("failed", `exit code ${end.code}`, ...limits, swept, left);
  return reasoned("succeeded", ...limits, swept, left);
}

function reachedLimits({ memory, processes }: RunReached): string[] {
  return [
    ...(memory === undefined
      ? []
      : [`its processes together ran out of the ${bytes(memory)} of memory that they may use`]),
    ...(processes === undefined ? [] : [`further processes were refused, of which it may have ${processes}`]),
  ];
}

/** A process that made a session of its own is a daemon: it is named, and left alone. */
function stillThere(pids: readonly number[]): string {
  const named = pids.slice(0, 10).join(", ");
  const more = pids.length > 10 ? `, and ${pids.length - 10} more` : "";
  return pids.length === 1
    ? `process ${named} of this command has left its group and goes on`
    : `${pids.length} processes of this command have left its group and go on: ${named}${more}`;
}

function reasoned(
  state: "failed" | "succeeded" | "timedOut" | "cancelled",
  ...reasons: (string | undefined)[]
): Pick<CommandEnd, "state" | "reason"> {
  const reason = reasons.filter((text) => text !== undefined).join("; ");
  return reason === "" ? { state } : { state, reason };
}
