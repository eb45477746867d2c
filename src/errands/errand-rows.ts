import type { Errand } from "../message/care/errand.ts";

/** The rows in which errands are kept, and the replies that messages ask for until they end: of a journal. */
export interface ErrandRows {
  errands(): Iterable<Errand>;
  setErrand(errand: Errand): void;
  dropErrand(id: string): void;
  replies(): Iterable<readonly [message: string, to: readonly string[]]>;
  setReply(message: string, to: readonly string[] | undefined): void;
}
