import type { Clock } from "../message/clock.ts";
import type { NewId } from "../message/id.ts";
import type { Json } from "../message/message.ts";
import type { Envelope } from "../message/wire/envelope.ts";
import { encodeItem } from "../message/wire/frame.ts";

/** The sender of a frame: its node, the identity of its journal, and the clock and ids for its messages. */
export interface Sender {
  readonly node: string;
  readonly epoch: string;
  /** The present life of its daemon. */
  readonly life: string;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly envelope: Pick<Envelope, "seal" | "knows">;
}

/** One event outside all lanes, as a frame: never journalled, never acknowledged, never sent again. */
export function transientFrame(
  subject: string,
  { node, epoch, life, clock, newId, envelope }: Sender,
  data: Json,
): Uint8Array {
  const now = clock.now();
  const item = { id: newId(), createdAt: now, deliverBy: null, timeout: null, data };
  const time = { sentAt: now, life, uptime: clock.monotonic() };
  return envelope.seal(subject, { origin: node, epoch, ...time, first: 0, acked: 0 }, [encodeItem(item)], null);
}
