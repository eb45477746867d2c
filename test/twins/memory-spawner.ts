import type { Clock } from "../../src/message/clock.ts";
import { StewardError } from "../../src/message/errors.ts";
import type { OutputPart, StreamTotal } from "../../src/message/report.ts";
import type { OutputListener, Run, RunEnd, RunSpec, Spawner } from "../../src/methods/spawner.ts";

/**
 * Programs without processes: a host in memory on which they run by a clock, and spawners (one for each life of a
 * daemon) that see it. A program is a function, found by the name in `argv[0]`.
 */

/** Plays the program; what it returns is its exit code. It ends itself when `ended` fires. */
export type MemoryProgram = (process: MemoryProcess) => Promise<number>;

export interface MemoryProcess {
  readonly spec: RunSpec;
  readonly args: readonly string[];
  readonly clock: Clock;
  /** Fires at SIGTERM: timeout or cancel. */
  readonly ended: AbortSignal;
  print(text: string, stream?: OutputPart["stream"]): void;
  /** Resolves after so many milliseconds, or at once when it is ended. */
  sleep(ms: number): Promise<void>;
}

/** `print TEXT`, `exit CODE`, `sleep MS` and `stay TEXT` (prints, then goes on until it is ended). */
export const MEMORY_PROGRAMS: Readonly<Record<string, MemoryProgram>> = {
  print: async ({ args, print }) => {
    print(args.join(" "));
    return 0;
  },
  exit: async ({ args }) => Number(args[0] ?? 0),
  sleep: async ({ args, sleep }) => {
    await sleep(Number(args[0] ?? 0));
    return 0;
  },
  stay: async ({ args, print, sleep }) => {
    print(args.join(" "));
    await sleep(Number.POSITIVE_INFINITY);
    return 0;
  },
};

/** What a timer of Node holds, ms. */
const LONGEST_TIMER = 2 ** 31 - 1;

interface Recorded {
  readonly spec: RunSpec;
  readonly pid: number;
  readonly startedAt: number;
  readonly parts: OutputPart[];
  readonly bytes: Record<OutputPart["stream"], number>;
  readonly over: Promise<RunEnd>;
  readonly settle: (end: RunEnd) => void;
  readonly abort: AbortController;
  ended?: "timeout" | "cancel";
  end?: RunEnd;
  follower: Follower | undefined;
}

interface Follower {
  readonly owner: object;
  readonly listener: OutputListener;
}

export class MemoryHost {
  readonly clock: Clock;
  readonly programs: Record<string, MemoryProgram>;
  /** Every program that began, in order: what the ledger of a test method would say. */
  readonly ledger: string[] = [];
  /** Those that came to their own end, whoever saw it. */
  readonly exited = new Set<string>();
  readonly runs = new Map<string, Recorded>();
  #pids = 1000;

  constructor(clock: Clock, programs: Readonly<Record<string, MemoryProgram>> = {}) {
    this.clock = clock;
    this.programs = { ...MEMORY_PROGRAMS, ...programs };
  }

  open(): Spawner {
    return new MemorySpawner(this);
  }

  /** Runs that have not ended. */
  get alive(): number {
    return [...this.runs.values()].filter((run) => run.end === undefined).length;
  }

  /** What comes of the next start in place of a program. */
  refuseNext: RunEnd | undefined;
  /** Prepared, and not begun. */
  readonly prepared = new Set<string>();

  /** The host goes down: the recorder and its programs with it, and what proves something within one boot only. */
  restart(): void {
    this.kill();
    this.prepared.clear();
  }

  /** The recorder dies, and its programs with it. */
  kill(): void {
    for (const run of this.runs.values()) {
      this.#finish(run, { kind: "lost", message: "the process that ran it died, and nobody saw its end" });
      run.abort.abort();
    }
  }

  begin(spec: RunSpec): Recorded {
    let settle: (end: RunEnd) => void = () => undefined;
    const over = new Promise<RunEnd>((resolve) => {
      settle = resolve;
    });
    const program = Object.hasOwn(this.programs, spec.argv[0]) ? this.programs[spec.argv[0]] : undefined;
    const run: Recorded = {
      spec,
      pid: program === undefined ? 0 : this.#pids++,
      startedAt: this.clock.now(),
      parts: [],
      bytes: { stdout: 0, stderr: 0 },
      over,
      settle,
      abort: new AbortController(),
      follower: undefined,
    };
    this.runs.set(spec.id, run);
    this.prepared.delete(spec.id);
    const { refuseNext } = this;
    this.refuseNext = undefined;
    if (refuseNext !== undefined) {
      this.#finish(run, refuseNext);
      return run;
    }
    if (program === undefined) {
      this.#finish(run, { kind: "notStarted", code: "ENOENT", message: `program not found: ${spec.argv[0]}` });
      return run;
    }
    this.ledger.push(spec.id);
    const timer = this.clock.setTimeout(() => this.end(run, "timeout"), Math.min(spec.timeout, LONGEST_TIMER));
    void this.#play(program, run).then((code) => {
      this.clock.clearTimeout(timer);
      this.#finish(run, {
        kind: "exited",
        code: run.ended === undefined ? code : null,
        signal: run.ended === undefined ? null : "SIGTERM",
        ...(run.ended === undefined ? {} : { ended: run.ended }),
        startedAt: run.startedAt,
        at: this.clock.now(),
        rest: [],
        totals: { stdout: total(run.bytes.stdout), stderr: total(run.bytes.stderr) },
      });
    });
    return run;
  }

  end(run: Recorded, why: "timeout" | "cancel"): void {
    if (run.end !== undefined || run.ended !== undefined) return;
    run.ended = why;
    run.abort.abort();
  }

  #play(program: MemoryProgram, run: Recorded): Promise<number> {
    const { spec, abort } = run;
    return program({
      spec,
      args: spec.argv.slice(1),
      clock: this.clock,
      ended: abort.signal,
      print: (text, stream = "stdout") => {
        const part = { stream, offset: run.bytes[stream], text };
        run.bytes[stream] += Buffer.byteLength(text);
        run.parts.push(part);
        run.follower?.listener([part]);
      },
      sleep: (ms) =>
        new Promise((resolve) => {
          if (abort.signal.aborted) return resolve();
          const timer = Number.isFinite(ms) ? this.clock.setTimeout(resolve, ms) : undefined;
          abort.signal.addEventListener("abort", () => {
            if (timer !== undefined) this.clock.clearTimeout(timer);
            resolve();
          });
        }),
    });
  }

  #finish(run: Recorded, end: RunEnd): void {
    if (run.end !== undefined) return;
    run.end = end;
    if (end.kind === "exited") this.exited.add(run.spec.id);
    run.settle(end);
  }
}

class MemorySpawner implements Spawner {
  readonly #host: MemoryHost;
  #closed = false;

  constructor(host: MemoryHost) {
    this.#host = host;
  }

  async prepare(id: string): Promise<void> {
    this.#check(id);
    this.#host.prepared.add(id);
  }

  async isOnlyPrepared(id: string): Promise<boolean> {
    this.#check(id);
    return this.#host.prepared.has(id) && !this.#host.runs.has(id);
  }

  async start(spec: RunSpec, onOutput: OutputListener): Promise<Run> {
    this.#check(spec.id);
    const known = this.#host.runs.get(spec.id);
    if (known?.end !== undefined) return this.#ended(known, known.end);
    return this.#follow(known ?? this.#host.begin(spec), known === undefined ? onOutput : undefined);
  }

  async adopt(id: string, onOutput: OutputListener): Promise<Run | undefined> {
    this.#check(id);
    const known = this.#host.runs.get(id);
    if (known === undefined) return undefined;
    return known.end === undefined ? this.#follow(known, onOutput) : this.#ended(known, known.end);
  }

  async forget(id: string): Promise<void> {
    this.#check(id);
    const run = this.#host.runs.get(id);
    if (run !== undefined && run.end === undefined) {
      throw new StewardError("internal", { fault: `run ${id} goes on and cannot be forgotten` });
    }
    this.#host.runs.delete(id);
    this.#host.prepared.delete(id);
  }

  async recorded(): Promise<readonly string[]> {
    return [...new Set([...this.#host.runs.keys(), ...this.#host.prepared])];
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const run of this.#host.runs.values()) {
      if (run.follower?.owner === this) run.follower = undefined;
    }
  }

  #check(id: string): void {
    if (this.#closed) throw new StewardError("runner-lost", { fault: "this daemon is stopping" });
    if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/.test(id)) {
      throw new StewardError("internal", { fault: `${JSON.stringify(id)} is not an id of a run` });
    }
  }

  #follow(run: Recorded, listener: OutputListener | undefined): Run {
    if (listener !== undefined) {
      run.follower = { owner: this, listener };
      if (run.parts.length > 0) listener([...run.parts]);
    }
    return {
      pid: run.pid,
      cancel: () => this.#host.end(run, "cancel"),
      look: async () => run.end !== undefined,
      // A daemon that let go hears of nothing any more.
      end: new Promise((resolve) => {
        void run.over.then((end) => {
          if (!this.#closed) resolve(end);
        });
      }),
    };
  }

  #ended(run: Recorded, end: RunEnd): Run {
    const all: RunEnd = end.kind === "exited" ? { ...end, rest: run.parts } : end;
    return { pid: run.pid, cancel: () => undefined, look: async () => true, end: Promise.resolve(all) };
  }
}

function total(bytes: number): StreamTotal {
  return { bytes, kept: bytes };
}
