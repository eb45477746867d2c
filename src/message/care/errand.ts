import type { Json } from "../message.ts";

/** An alert, the outcome of a message, or that of a whole job. */
export const ERRANDS = ["alert", "outcome", "job"] as const;

/** One thing to be done outside of steward: an alert or an outcome is brought to a destination. Times are ms since 1970. */
export interface Errand {
  readonly v: 1;
  /** The key by which a destination knows it again when it comes twice. */
  readonly id: string;
  /** The name of an entry of `destinations:`. */
  readonly to: string;
  readonly about: (typeof ERRANDS)[number];
  readonly body: { readonly [key: string]: Json };
  readonly madeAt: number;
  readonly attempts: number;
  /** When it is tried next. */
  readonly dueAt: number;
  /** Why the last attempt failed. */
  readonly fault?: string;
}

/** Destinations of the outcome of a message or a job that has not ended: a row of a journal. */
export interface ReplyRecord {
  readonly v: 1;
  readonly to: readonly string[];
}
