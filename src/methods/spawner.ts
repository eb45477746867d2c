import type { OutputPart, StreamTotal } from "../message/report.ts";

/** Starts programs in process groups of their own; what it starts outlives the daemon. */
export interface Spawner {
  /** Resolves once the program runs or could not be started; never twice for one id. */
  start(spec: RunSpec, onOutput: (parts: readonly OutputPart[]) => void): Promise<Run>;
  /** A run that an earlier daemon started under this id, alive or ended; `undefined` when nothing is known of it. */
  adopt(id: string, onOutput: (parts: readonly OutputPart[]) => void): Promise<Run | undefined>;
  /** Lets go of all runs without ending them. */
  close(): Promise<void>;
}

export interface RunSpec {
  readonly id: string;
  readonly argv: readonly [string, ...string[]];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Milliseconds until the whole group gets SIGTERM. */
  readonly timeout: number;
  /** Milliseconds between SIGTERM and SIGKILL. */
  readonly grace: number;
  /** Bytes kept of the beginning and of the end of each stream. */
  readonly head: number;
  readonly tail: number;
}

export interface Run {
  readonly pid: number;
  /** Ends the whole group: SIGTERM, after the grace SIGKILL. */
  cancel(): void;
  readonly end: Promise<RunEnd>;
}

export type RunEnd =
  | {
      readonly kind: "exited";
      readonly code: number | null;
      readonly signal: string | null;
      /** Why steward ended it, if it did. */
      readonly ended?: "timeout" | "cancel";
      readonly startedAt: number;
      readonly at: number;
      /** Output that `onOutput` has not carried: the kept tail. */
      readonly rest: readonly OutputPart[];
      readonly totals: { readonly stdout: StreamTotal; readonly stderr: StreamTotal };
    }
  /** The program could not be started: `ENOENT`, `EACCES`, … */
  | { readonly kind: "notStarted"; readonly code: string; readonly message: string }
  /** It began, and nobody saw its end. */
  | { readonly kind: "lost"; readonly message: string };
