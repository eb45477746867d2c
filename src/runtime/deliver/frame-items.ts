import type { OutRecord } from "../../journal/records.ts";
import { encodeItem, type Skip } from "../../message/wire/frame.ts";

/** A wall clock that is off by no more than this is what it was, ms. */
const SAME_CLOCK = 1000;

/** Bytes of a skip marker. */
export const SKIP_BYTES = 60;

/**
 * Why a message travels as a skip marker alone; `undefined`: it travels whole. Past its deadline, or once its end was asked
 * for, a message that was sent may be on the node already: only the node can say, and the data need not travel again.
 */
export function skipOf({ skip, cancelRequestedAt }: OutRecord, left: number): Skip | undefined {
  return skip ?? (cancelRequestedAt !== undefined ? "cancelled" : left <= 0 ? "expired" : undefined);
}

/**
 * A message of the journal as it travels whole at `now`, ms, with `left` ms until its deadline; JSON. The receiver reads
 * its deadline against the time of the frame: after a jump of this node's clock it is written anew.
 */
export function itemOf({ message, text }: OutRecord, now: number, left: number): string {
  if (message.deliverBy === null || Math.abs(message.deliverBy - now - left) <= SAME_CLOCK) return text;
  return encodeItem({ ...message, deliverBy: Math.round(now + left) });
}
