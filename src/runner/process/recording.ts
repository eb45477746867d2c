import { type ChildProcess, spawn } from "node:child_process";
import { closeSync } from "node:fs";
import type { Readable } from "node:stream";
import { type Clock, LONGEST_TIMER, type Timer } from "../../message/clock.ts";
import type { RunEnd, RunSpec } from "../../methods/spawner.ts";
import { sleep } from "../../platform/sleep.ts";
import type { CommandGroup } from "../command-group.ts";
import { isGroupAlive, processesOfRun, signalGroup, startTimeOf, terminateGroup } from "../process-group.ts";
import { bootId, recordEnd, recordStarted } from "../run-records.ts";
import { Audience, type RunListener } from "./audience.ts";
import { goAsUsual } from "./memory-shortage.ts";
import { type Cursor, newCursor, Output } from "./output.ts";
import type { Pipe } from "./pipes.ts";
import { type ProgramStart, programStart, type StartedWith } from "./program-start.ts";
import { type RedactedStream, Redactor } from "./redactor.ts";
import { startFault } from "./start-fault.ts";

/**
 * One run, from its start to its recorded end.
 *
 *   waiting → running → draining → recording → over
 *
 * running:   the main process lives. Timeout or cancel ask the group to end; after the grace it is killed.
 * draining:  the main process has exited; others may hold its pipes or linger in its group. Processes of the group are
 *            killed when the linger is over; those that left it (daemons) keep their lives and lose the pipe.
 * recording: the end is written and synced; only then do listeners hear of it.
 * Invariant: the group is never signalled once it was seen empty, for then its number may be somebody else's.
 */
export interface RecordingWorld {
  readonly directory: string;
  readonly clock: Clock;
  readonly log: (text: string) => void;
}

/** How long processes that outlive the main one may hold its pipes. */
const LINGER = 500;
/** How long a killed group may take to vanish. */
const VANISH = 1000;
/** Between two looks at a group that is to go: from short to long, for a look costs milliseconds. */
const POLL = { first: 20, last: 250 };
/** How often an end that could not be written is tried again while nobody has heard of it. */
const RETRY = 2000;
const BOOT = bootId();

type TimerName = "timeout" | "kill" | "poll";

export class Recording {
  readonly spec: RunSpec;
  readonly #world: RecordingWorld;
  readonly #output: Output;
  readonly #audience: Audience;
  readonly #over: () => void;
  readonly #redactor: Redactor;
  readonly #streams = new Map<"stdout" | "stderr", RedactedStream>();
  readonly #readers: Readable[] = [];
  #pid: number | undefined;
  #group: CommandGroup | undefined;
  #startedAt = 0;
  #ended: "timeout" | "cancel" | undefined;
  #exit: { code: number | null; signal: string | null } | undefined;
  #openPipes = 0;
  #groupGone = false;
  #killed = false;
  #swept = false;
  #drainUntil = 0;
  #poll = POLL.first;
  #recording = false;
  readonly #timers = new Map<TimerName, Timer>();

  constructor(spec: RunSpec, world: RecordingWorld, over: () => void) {
    this.spec = spec;
    this.#world = world;
    this.#output = new Output(spec.head, spec.tail);
    this.#audience = new Audience(this.#output, world.clock);
    this.#over = over;
    this.#redactor = new Redactor(new Map(Object.entries(spec.secrets ?? {})));
  }

  /** The listener hears everything from the beginning. */
  listen(listener: RunListener): void {
    this.#audience.add(listener);
  }

  leave(listener: RunListener): void {
    this.#audience.remove(listener);
  }

  start(pipes: { stdout: Pipe; stderr: Pipe } | undefined, asked: StartedWith): void {
    const { spec } = this;
    const fail = (error: unknown): void => {
      closePipes(pipes, true);
      start?.group?.end(this.#world.clock);
      const end = startFault(error, spec.argv[0], spec.cwd ?? asked.cwd);
      this.failed(end.kind === "notStarted" ? { ...end, message: this.#redactor.text(end.message) } : end);
    };
    let start: ProgramStart | undefined;
    let child: ChildProcess;
    try {
      start = programStart(this.#world.directory, spec, asked);
      const { file, args, options, umask, input, script } = start;
      const output = [pipes?.stdout.writer ?? "pipe", pipes?.stderr.writer ?? "pipe"] as const;
      child = masked(umask, () =>
        spawn(file, args, {
          ...options,
          detached: true,
          stdio: [input ?? "ignore", ...output, ...(script === undefined ? [] : [script])],
        }),
      );
    } catch (error) {
      fail(error);
      return;
    } finally {
      start?.close();
    }
    child.once("error", (error) => {
      if (child.pid === undefined) fail(error);
    });
    if (child.pid === undefined) return;
    closePipes(pipes, false);
    this.#group = start.group;
    this.#begun(child, child.pid, pipes);
  }

  /** Records that the program could not be started. */
  failed(end: RunEnd): void {
    this.#audience.started(0);
    void this.#record(end);
  }

  cancel(): void {
    this.#askToEnd("cancel");
  }

  #begun(child: ChildProcess, pid: number, pipes: { stdout: Pipe; stderr: Pipe } | undefined): void {
    const { clock, directory, log } = this.#world;
    this.#pid = pid;
    goAsUsual(pid);
    this.#startedAt = clock.now();
    child.once("exit", (code, signal) => this.#exited(code, signal));
    this.#follow("stdout", pipes?.stdout.reader ?? child.stdout);
    this.#follow("stderr", pipes?.stderr.reader ?? child.stderr);
    try {
      recordStarted(directory, this.spec.id, { pid, startTime: startTimeOf(pid), boot: BOOT, at: this.#startedAt });
    } catch (error) {
      log(`run ${this.spec.id}: its start could not be recorded: ${String(error)}`);
    }
    this.#armTimeout(clock.monotonic() + this.spec.timeout);
    this.#audience.started(pid);
  }

  #follow(name: "stdout" | "stderr", reader: Readable | null): void {
    if (reader === null) return;
    this.#openPipes++;
    this.#readers.push(reader);
    const redacted = this.#redactor.stream();
    this.#streams.set(name, redacted);
    reader.on("data", (chunk: Buffer) => {
      if (this.#output.write(name, redacted.push(chunk))) this.#audience.more();
    });
    reader.on("error", (error) => this.#world.log(`run ${this.spec.id}: reading ${name}: ${error.message}`));
    reader.once("close", () => {
      this.#openPipes--;
      this.#drain();
    });
  }

  #armTimeout(at: number): void {
    const left = at - this.#world.clock.monotonic();
    // This process may have been stopped meanwhile: an exit that waits to be read counts before its timeout.
    if (left <= 0) setImmediate(() => this.#askToEnd("timeout"));
    else this.#arm("timeout", Math.min(left, LONGEST_TIMER), () => this.#armTimeout(at));
  }

  #askToEnd(why: "timeout" | "cancel"): void {
    if (this.#pid === undefined || this.#exit !== undefined || this.#ended !== undefined || this.#recording) return;
    this.#ended = why;
    terminateGroup(this.#pid);
    const { grace } = this.spec;
    this.#drainUntil = this.#world.clock.monotonic() + grace;
    this.#arm("kill", grace, () => this.#kill());
  }

  #kill(): void {
    if (this.#pid === undefined || this.#groupGone) return;
    this.#killed = true;
    signalGroup(this.#pid, "SIGKILL");
    this.#group?.kill();
    this.#drainUntil = this.#world.clock.monotonic() + VANISH;
  }

  #exited(code: number | null, signal: string | null): void {
    this.#exit = { code, signal };
    this.#disarm("timeout");
    this.#disarm("kill");
    // One that was asked to end leaves the others of its group the rest of the grace.
    this.#drainUntil = Math.max(this.#drainUntil, this.#world.clock.monotonic() + LINGER);
    this.#drain();
  }

  #drain(): void {
    if (this.#exit === undefined || this.#pid === undefined || this.#recording) return;
    if (!this.#groupGone && !isGroupAlive(this.#pid)) {
      this.#groupGone = true;
      // The grace was for the group: a process that holds a pipe now has left it.
      this.#drainUntil = Math.min(this.#drainUntil, this.#world.clock.monotonic() + LINGER);
    }
    if (this.#groupGone && this.#openPipes === 0) {
      void this.#record(this.#exitedEnd());
      return;
    }
    if (this.#world.clock.monotonic() >= this.#drainUntil) {
      if (this.#groupGone || this.#killed) {
        // A process that still holds the pipe has left the group, or cannot be killed.
        for (const reader of this.#readers) reader.destroy();
        void this.#record(this.#exitedEnd());
        return;
      }
      this.#swept = this.#ended === undefined;
      this.#kill();
    }
    if (this.#timers.has("poll")) return;
    const left = Math.max(1, this.#drainUntil - this.#world.clock.monotonic());
    this.#arm("poll", Math.min(this.#poll, left), () => this.#drain());
    this.#poll = Math.min(this.#poll * 2, POLL.last);
  }

  #exitedEnd(): RunEnd {
    for (const [name, redacted] of this.#streams) this.#output.write(name, redacted.end());
    this.#streams.clear();
    const reached = this.#group?.reached;
    // Bounds that hold for all processes hold to their end: those that left the process group end as well.
    this.#swept ||= this.#ended === undefined && this.#group?.isPopulated === true;
    this.#group?.end(this.#world.clock);
    const left = this.#mayHaveLeft ? processesOfRun(this.spec.id, this.#looksEverywhere ? 0 : (this.#pid ?? 0)) : [];
    return {
      kind: "exited",
      code: this.#exit?.code ?? null,
      signal: this.#exit?.signal ?? null,
      ...(this.#ended === undefined ? {} : { ended: this.#ended }),
      ...(this.#swept ? { swept: true as const } : {}),
      ...(left.length > 0 ? { left } : {}),
      ...(reached === undefined ? {} : { reached }),
      startedAt: this.#startedAt,
      at: this.#world.clock.now(),
      rest: [],
      totals: this.#output.totals(),
    };
  }

  /** A process leaves its process group by itself, and its control group never. */
  get #mayHaveLeft(): boolean {
    return this.#pid !== undefined && this.#group === undefined;
  }

  /** Numbers of processes grow, but for once in millions: usually only what is younger than the program is looked at. */
  get #looksEverywhere(): boolean {
    return this.#ended !== undefined || this.#openPipes > 0;
  }

  async #record(end: RunEnd): Promise<void> {
    if (this.#recording) return;
    this.#recording = true;
    this.#audience.stop();
    for (const name of [...this.#timers.keys()]) this.#disarm(name);
    for (;;) {
      try {
        await recordEnd(this.#world.directory, this.spec.id, this.#withRest(end, newCursor()));
        break;
      } catch (error) {
        this.#world.log(`run ${this.spec.id}: its end could not be recorded: ${String(error)}`);
        const removed = (error as NodeJS.ErrnoException).code === "ENOENT";
        if (this.#audience.size > 0 || removed) break;
        await sleep(this.#world.clock, RETRY);
      }
    }
    this.#audience.end((cursor) => this.#withRest(end, cursor));
    this.#over();
  }

  #withRest(end: RunEnd, cursor: Cursor): RunEnd {
    return end.kind === "exited" ? { ...end, rest: this.#output.rest(cursor) } : end;
  }

  #arm(name: TimerName, ms: number, fn: () => void): void {
    this.#disarm(name);
    const timer = this.#world.clock.setTimeout(() => {
      this.#timers.delete(name);
      fn();
    }, ms);
    this.#timers.set(name, timer);
  }

  #disarm(name: TimerName): void {
    const timer = this.#timers.get(name);
    if (timer !== undefined) this.#world.clock.clearTimeout(timer);
    this.#timers.delete(name);
  }
}

/** The program has its own copy of the writing ends. */
function closePipes(pipes: { stdout: Pipe; stderr: Pipe } | undefined, both: boolean): void {
  if (pipes === undefined) return;
  for (const pipe of [pipes.stdout, pipes.stderr]) {
    closeSync(pipe.writer);
    if (both) pipe.reader.destroy();
  }
}

/** A program inherits the mask that is set when it is forked, which is within the call. */
function masked<T>(umask: number | undefined, fork: () => T): T {
  if (umask === undefined) return fork();
  const own = process.umask(umask);
  try {
    return fork();
  } finally {
    process.umask(own);
  }
}
