import { StewardError } from "../../message/errors.ts";
import type { Envelope, Opened } from "../../message/wire/envelope.ts";
import { type Ack, decodeAck, decodeFrame, encodeAck, type FrameHead, packFrame } from "../../message/wire/frame.ts";
import { decodeRefusal, encodeRefusal, type FrameRefusal } from "../../message/wire/frame-refusal.ts";
import { isFrame, KINDS, kindOfPacket, SEALED_VERSION } from "../../message/wire/packet.ts";

/** Packets in the clear, without a proof of their sender: for a broker that only the fleet's own nodes can reach. */
export class ClearEnvelope implements Envelope {
  seal(subject: string, head: FrameHead, items: readonly string[], compressFrom: number | null): Uint8Array {
    return packFrame(subject, head, items, compressFrom);
  }

  sealAck(_to: string, subject: string, ack: Ack, reasons?: number): Uint8Array {
    return encodeAck(subject, ack, reasons);
  }

  sealRefusal(
    _to: string | undefined,
    subject: string,
    error: StewardError,
    own: Pick<FrameRefusal, "node" | "receiverEpoch" | "sentAt">,
  ): Uint8Array {
    return encodeRefusal(subject, error, own);
  }

  open(subject: string, payload: Uint8Array): Opened {
    if (isFrame(payload) && payload[2] === SEALED_VERSION) throw new StewardError("sealed-refused", { subject });
    const kind = kindOfPacket(payload);
    if (kind === KINDS.ack) {
      const ack = decodeAck(subject, payload);
      return { kind: "ack", from: ack.node, ack };
    }
    if (kind === KINDS.refusal) {
      const refusal = decodeRefusal(subject, payload);
      return { kind: "refusal", from: refusal.node, refusal };
    }
    const frame = decodeFrame(subject, payload);
    return { kind: "frame", from: frame.origin, frame };
  }

  knows(): boolean {
    return true;
  }

  session(): number {
    return 1;
  }
}
