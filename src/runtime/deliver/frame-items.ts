import type { OutRecord } from "../../journal/records.ts";
import { encodeItem } from "../../message/frame.ts";

/** A wall clock that is off by no more than this is what it was, ms. */
const SAME_CLOCK = 1000;

/**
 * A message of the journal as it travels at `now`, ms, with `left` ms until its deadline; JSON: whole, or as a skip marker.
 * The receiver reads its deadline against the time of the frame: after a jump of this node's clock it is written anew.
 */
export function itemOf({ message, skip, text }: OutRecord, now: number, left: number): string {
  if (skip !== undefined) return encodeItem({ id: message.id, skip });
  // Past its deadline but perhaps on the node already: only the node can say; the data need not travel again.
  if (left <= 0) return encodeItem({ id: message.id, skip: "expired" });
  if (message.deliverBy === null || Math.abs(message.deliverBy - now - left) <= SAME_CLOCK) return text;
  return encodeItem({ ...message, deliverBy: Math.round(now + left) });
}

/** Bytes of a skip marker. */
const SKIP = 60;

/** What a message takes of a frame, bytes. */
export function recordBytes({ skip, bytes }: OutRecord): number {
  return skip === undefined ? bytes : SKIP;
}
