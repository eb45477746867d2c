import type { FinalState } from "./lifecycle.ts";
import type { Json } from "./message.ts";

/** A piece of a command's output. Text as it is when it is valid UTF-8, else base64. */
export interface OutputPart {
  readonly stream: "stdout" | "stderr";
  /** Bytes of this stream before this part. */
  readonly offset: number;
  readonly text: string;
  readonly encoding?: "base64";
}

/** How much a stream carried in all, and how much of it was kept (head and tail). Bytes. */
export interface StreamTotal {
  readonly bytes: number;
  readonly kept: number;
}

/** How a command ended, by the clock of the node that ran it. */
export interface Outcome {
  readonly state: FinalState;
  readonly at: number;
  readonly startedAt?: number;
  /** Exit code of the program. */
  readonly code?: number;
  /** Signal that ended it, such as `SIGKILL`. */
  readonly signal?: string;
  readonly reason?: string;
  /** Output that no earlier report has carried. */
  readonly output?: readonly OutputPart[];
  readonly totals?: { readonly stdout: StreamTotal; readonly stderr: StreamTotal };
  /** What methods other than commands of the shell give back. */
  readonly result?: Json;
}

/** The data of an event that reports on a command (`inReplyTo`): progress while it runs, its outcome at the end. */
export type Report = Outcome | Progress;

export interface Progress {
  readonly state: "running";
  readonly at: number;
  readonly startedAt: number;
  readonly output?: readonly OutputPart[];
}
