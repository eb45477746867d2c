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
  | {
      readonly type: "output";
      readonly at: number;
      readonly id: string;
      readonly subject: string;
      readonly parts: readonly OutputPart[];
    }
  | {
      readonly type: "node";
      readonly at: number;
      readonly name: string;
      readonly region: string;
      readonly from: string;
      readonly to: string;
      readonly cause: string;
    }
  | {
      readonly type: "process";
      readonly at: number;
      readonly subject: string;
      readonly role: string;
      readonly from: string;
      readonly to: string;
      readonly cause: string;
    }
  | {
      readonly type: "transition";
      readonly at: number;
      readonly actor: string;
      readonly role: string;
      readonly event: string;
      readonly from: string;
      readonly to: string;
      readonly cause: string;
    }
  | {
      readonly type: "log";
      readonly at: number;
      readonly node: string;
      readonly method: string;
      readonly domain: string;
      readonly lines: readonly string[];
    }
  | {
      readonly type: "alert";
      readonly at: number;
      readonly node: string;
      readonly code: string;
      readonly text: string;
    };
