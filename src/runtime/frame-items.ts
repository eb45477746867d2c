import type { FrameItem } from "../message/frame.ts";
import type { OutRecord } from "./journal/records.ts";

/** A message of the journal as it travels at `now`, ms: whole, or as a skip marker. */
export function itemOf({ message, skip }: OutRecord, now: number): FrameItem {
  if (skip !== undefined) return { id: message.id, skip };
  // Past its deadline but perhaps on the node already: only the node can say; the data need not travel again.
  if (message.deliverBy !== null && message.deliverBy <= now) return { id: message.id, skip: "expired" };
  const { id, createdAt, deliverBy, timeout, data, inReplyTo } = message;
  return { id, createdAt, deliverBy, timeout, data, ...(inReplyTo === undefined ? {} : { inReplyTo }) };
}

/** Bytes of a skip marker. */
const SKIP = 60;

/** Roughly what a message takes of a frame, bytes. */
export function recordBytes({ skip, bytes }: OutRecord): number {
  return skip === undefined ? bytes : SKIP;
}
