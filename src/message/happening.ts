import type { JobCounts, JobState } from "./jobs/job.ts";
import type { State } from "./lifecycle.ts";
import type { Outcome, OutputPart } from "./report.ts";

/** One thing that happened, as an SSE event carries it; `type` is the name of the SSE event. */
export interface MessageHappening {
  readonly type: "message";
  readonly at: number;
  readonly id: string;
  readonly subject: string;
  readonly state: State;
  readonly by: string;
  readonly reason?: string;
  readonly outcome?: Outcome;
}

export type Happening =
  | MessageHappening
  | Readonly<{
      type: "job";
      at: number;
      id: string;
      state: JobState;
      wave: number;
      waves: number;
      counts: JobCounts;
      cause: string;
    }>
  | Readonly<{ type: "output"; at: number; id: string; subject: string; parts: readonly OutputPart[] }>
  | Readonly<{ type: "node"; at: number; name: string; region: string; from: string; to: string; cause: string }>
  | Readonly<{ type: "process"; at: number; subject: string; role: string; from: string; to: string; cause: string }>
  | Readonly<{
      type: "transition";
      at: number;
      actor: string;
      role: string;
      event: string;
      from: string;
      to: string;
      cause: string;
    }>
  | Readonly<{ type: "log"; at: number; node: string; method: string; domain: string; lines: readonly string[] }>
  | Readonly<{ type: "alert"; at: number; node: string; code: string; text: string }>;
