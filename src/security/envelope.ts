import type { StewardError } from "../message/errors.ts";
import type { Envelope, Opened } from "../message/wire/envelope.ts";
import { type Ack, decodeAck, decodeFrame, encodeAck, type FrameHead, packFrame } from "../message/wire/frame.ts";
import { decodeRefusal, encodeRefusal, type FrameRefusal } from "../message/wire/frame-refusal.ts";
import { KINDS, kindOfPacket } from "../message/wire/packet.ts";

/** Packets in the clear, without a proof of their sender: for a broker that only the fleet's own nodes can reach. */
export class ClearEnvelope implements Envelope {
  seal(subject: string, head: FrameHead, items: readonly string[], compressFrom: number | null): Uint8Array {
    return packFrame(subject, head, items, compressFrom);
  }

  sealAck(subject: string, ack: Ack, reasons?: number): Uint8Array {
    return encodeAck(subject, ack, reasons);
  }

  sealRefusal(
    subject: string,
    error: StewardError,
    own: Pick<FrameRefusal, "node" | "receiverEpoch" | "sentAt">,
  ): Uint8Array {
    return encodeRefusal(subject, error, own);
  }

  open(subject: string, payload: Uint8Array): Opened {
    const kind = kindOfPacket(payload);
    if (kind === KINDS.ack) return { kind: "ack", ack: decodeAck(subject, payload) };
    if (kind === KINDS.refusal) return { kind: "refusal", refusal: decodeRefusal(subject, payload) };
    return { kind: "frame", frame: decodeFrame(subject, payload) };
  }
}
