import type { Errand, ReplyRecord } from "../message/care/errand.ts";
import type { Json } from "../message/message.ts";
import type { ErrandRows } from "./errand-rows.ts";

/** The part of a journal that keeps rows under names. */
export interface NamedRows {
  checkpoints(prefix: string): Iterable<{ readonly key: string; readonly value: Json }>;
  setCheckpoint(checkpoint: { readonly key: string; readonly value: Json }): void;
  dropCheckpoint(key: string): void;
}

const ERRAND = "errand ";
const REPLY = "reply ";

/** Errands and expected replies, a row each, among the checkpoints of a journal. */
export class CheckpointRows implements ErrandRows {
  readonly #journal: NamedRows;

  constructor(journal: NamedRows) {
    this.#journal = journal;
  }

  *errands(): Iterable<Errand> {
    for (const { value } of this.#journal.checkpoints(ERRAND)) yield value as unknown as Errand;
  }

  setErrand(errand: Errand): void {
    this.#journal.setCheckpoint({ key: `${ERRAND}${errand.id}`, value: errand as unknown as Json });
  }

  dropErrand(id: string): void {
    this.#journal.dropCheckpoint(`${ERRAND}${id}`);
  }

  *replies(): Iterable<readonly [message: string, to: readonly string[]]> {
    for (const { key, value } of this.#journal.checkpoints(REPLY)) {
      const { to } = value as unknown as ReplyRecord;
      yield [key.slice(REPLY.length), to];
    }
  }

  setReply(message: string, to: readonly string[] | undefined): void {
    const key = `${REPLY}${message}`;
    if (to === undefined) this.#journal.dropCheckpoint(key);
    else this.#journal.setCheckpoint({ key, value: { v: 1, to } satisfies ReplyRecord });
  }
}
