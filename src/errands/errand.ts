import type { Json } from "../message/message.ts";

/** One thing to be done outside of steward: an alert or an outcome is brought to a destination. Times are ms since 1970. */
export interface Errand {
  readonly v: 1;
  /** The key by which a destination knows it again when it comes twice. */
  readonly id: string;
  /** The name of an entry of `destinations:`. */
  readonly to: string;
  readonly about: "alert" | "outcome";
  readonly body: { readonly [key: string]: Json };
  readonly madeAt: number;
  readonly attempts: number;
  /** When it is tried next. */
  readonly dueAt: number;
  /** Why the last attempt failed. */
  readonly fault?: string;
}

/** The rows in which errands are kept, and the replies that messages ask for until they end: of a journal. */
export interface ErrandRows {
  errands(): Iterable<Errand>;
  setErrand(errand: Errand): void;
  dropErrand(id: string): void;
  replies(): Iterable<readonly [message: string, to: readonly string[]]>;
  setReply(message: string, to: readonly string[] | undefined): void;
}
