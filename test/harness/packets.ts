import { encodeItem, type Frame, packFrame } from "../../src/message/wire/frame.ts";
import { KINDS, kindOfPacket } from "../../src/message/wire/packet.ts";

/** A frame as it travels in the clear; a daemon seals what it packed before. */
export function encodeFrame(subject: string, { items, ...head }: Frame, compressFrom: number | null): Uint8Array {
  return packFrame(subject, head, items.map(encodeItem), compressFrom);
}

/** Whether the payload claims to refuse a frame. */
export function isRefusal(payload: Uint8Array): boolean {
  return kindOfPacket(payload) === KINDS.refusal;
}
