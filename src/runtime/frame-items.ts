import { encodeItem } from "../message/frame.ts";
import type { OutRecord } from "./journal/records.ts";

/** A message of the journal as it travels at `now`, ms, JSON: whole, or as a skip marker. */
export function itemOf({ message, skip, text }: OutRecord, now: number): string {
  if (skip !== undefined) return encodeItem({ id: message.id, skip });
  // Past its deadline but perhaps on the node already: only the node can say; the data need not travel again.
  if (message.deliverBy !== null && message.deliverBy <= now) return encodeItem({ id: message.id, skip: "expired" });
  return text;
}

/** Bytes of a skip marker. */
const SKIP = 60;

/** What a message takes of a frame, bytes. */
export function recordBytes({ skip, bytes }: OutRecord): number {
  return skip === undefined ? bytes : SKIP;
}
