import type { OutputPart, StreamTotal } from "../message/report.ts";

/**
 * Starts programs in process groups of their own; the programs outlive the daemon. A program begins at most once for
 * one id, for as long as the id was not forgotten: a second `start` answers with the run that there is or was.
 */
export interface Spawner {
  /** Why this node would not start a program; absent, or `undefined`: it would. */
  refusal?(spec: RunSpec): string | undefined;
  /**
   * Called before a run is recorded as begun elsewhere: leaves the proof that it has not begun, which its start takes
   * away. Pending while the runner does not answer. Throws StewardError `runner-lost` when nothing can be started.
   */
  prepare(id: string): Promise<void>;
  /**
   * True when the run was prepared and provably never began: the proof is there, and the host was not restarted since.
   */
  isOnlyPrepared(id: string): Promise<boolean>;
  /**
   * Resolves once the program runs or could not be started. Throws StewardError `runner-lost` when nothing can be
   * started at all; then nothing of this id began.
   */
  start(spec: RunSpec, onOutput: OutputListener): Promise<Run>;
  /**
   * A run that was started under this id before, alive or ended; `undefined` when nothing is recorded of it, which does
   * not prove that it never began. The output comes again from the beginning, to this listener only; that of a run that
   * has ended comes as `rest`. Pending while a runner that may have the run does not answer.
   */
  adopt(id: string, onOutput: OutputListener): Promise<Run | undefined>;
  /**
   * Removes the record of a run, once its outcome is durable elsewhere. Throws while the run goes on here. A
   * preparation that is under way is given up: it throws, and leaves nothing behind.
   */
  forget(id: string): Promise<void>;
  /** Ids of which something is recorded: at its start a daemon forgets those whose outcome it holds. */
  recorded(): Promise<readonly string[]>;
  /** Lets go of all runs without ending them; their promises stay pending. */
  close(): Promise<void>;
}

/** Never throws. */
export type OutputListener = (parts: readonly OutputPart[]) => void;

export interface RunSpec {
  readonly id: string;
  readonly argv: readonly [string, ...string[]];
  /** Written to a file whose path is appended to `argv`: for texts that are too long for an argument. */
  readonly script?: string;
  /** Arguments behind the path of that file. */
  readonly args?: readonly string[];
  /** The standard input of the program; absent: empty. */
  readonly input?: { readonly text: string; readonly encoding: "utf8" | "base64" };
  /** Absent: that of the daemon. */
  readonly cwd?: string;
  /** On top of the usual variables of the daemon's environment; `STEWARD_RUN` is the id. */
  readonly env?: Readonly<Record<string, string>>;
  /** Names of further variables of the daemon that it gets; `NAME*` stands for all that begin so. */
  readonly keep?: readonly string[];
  readonly bounds?: RunBounds;
  /** Texts for the names that stand as `secret:NAME` in the others; never recorded, and kept out of the output. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** Milliseconds until the whole group gets SIGTERM. */
  readonly timeout: number;
  /** Milliseconds within which it must begin, from now on; else it does not. Absent: whenever its turn comes. */
  readonly startWithin?: number;
  /** Milliseconds between SIGTERM and SIGKILL. */
  readonly grace: number;
  /** Bytes kept of the beginning and of the end of each stream. */
  readonly head: number;
  readonly tail: number;
}

/** The bounds that a program cannot leave, in force before its first instruction. */
export interface RunBounds {
  /** Numbers of the user and the group; all other groups are dropped. Absent: those of the runner. */
  readonly uid?: number;
  readonly gid?: number;
  /** The directory in which `cwd` must lie. */
  readonly within?: string;
  /** Modes that files which it makes do not get; absent: that of the daemon. */
  readonly umask?: number;
  /** Limits of each process, which lower those of the runner: ms of processor time, bytes, numbers. */
  readonly limits?: Readonly<Partial<Record<"cpu" | "memory" | "processes" | "files" | "fileSize", number>>>;
  /** Limits of all its processes together, by a control group: bytes, a number, percent of one processor. */
  readonly together?: Readonly<Partial<Record<"memory" | "processes" | "cpu", number>>>;
}

/** Limits of all processes together that a run has reached: bytes, a number. */
export interface RunReached {
  /** The kernel ended its processes for it. */
  readonly memory?: number;
  /** The kernel refused further processes. */
  readonly processes?: number;
}

export interface Run {
  /** 0 when it was not started. */
  readonly pid: number;
  /** Ends the whole group: SIGTERM, after the grace SIGKILL. */
  cancel(): void;
  readonly end: Promise<RunEnd>;
  /**
   * Looks for the end in the record of the run, after a long wait: true when it was found, and `end` tells it. Never
   * throws.
   */
  look(): Promise<boolean>;
}

export type RunEnd =
  | {
      readonly kind: "exited";
      readonly code: number | null;
      readonly signal: string | null;
      /** Why steward ended it, if it did. */
      readonly ended?: "timeout" | "cancel";
      /** Processes of the group outlived the main one, and were ended. */
      readonly swept?: true;
      /** Processes that left the group and still live. */
      readonly left?: readonly number[];
      readonly reached?: RunReached;
      readonly startedAt: number;
      readonly at: number;
      /** Output that `onOutput` has not carried: the kept tail. */
      readonly rest: readonly OutputPart[];
      readonly totals: { readonly stdout: StreamTotal; readonly stderr: StreamTotal };
    }
  /** The program could not be started. `ENOENT`: it was not found; `ENOTDIR`: `cwd` is no directory; `EACCES`, `E2BIG`, …;
   * `ETIME`: not in time. */
  | { readonly kind: "notStarted"; readonly code: string; readonly message: string }
  /** The program began, and its end was not seen. */
  | { readonly kind: "lost"; readonly message: string };
