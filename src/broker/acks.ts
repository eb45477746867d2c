import { decodeRefusal, type FrameRefusal, isRefusal } from "../message/wire/frame-refusal.ts";
import type { Packet, Transport } from "./transport.ts";

/** The answers that come back on this connection's own subjects: ACKs, refusals, or "nobody there". */
export function listenForAcks(
  transport: Transport,
  handlers: {
    ack: (subject: string, packet: Packet) => void;
    unheard: (subject: string, first: number) => void;
    refusal: (subject: string, first: number, refusal: FrameRefusal) => void;
    refused: (error: unknown) => void;
  },
): { end(): void } {
  const prefix = transport.inbox.length + 1;
  return transport.subscribe(`${transport.inbox}.>`, (packet) => {
    const cut = packet.subject.lastIndexOf(".");
    const subject = packet.subject.slice(prefix, cut);
    try {
      const first = Number(packet.subject.slice(cut + 1));
      if (packet.noResponders) handlers.unheard(subject, first);
      else if (isRefusal(packet.payload)) handlers.refusal(subject, first, decodeRefusal(subject, packet.payload));
      else handlers.ack(subject, packet);
    } catch (error) {
      handlers.refused(error);
    }
  });
}
