import type { Packet, Transport } from "./transport.ts";

/** What comes back on this connection's own subjects: ACKs, or "nobody there". */
export function listenForAcks(
  transport: Transport,
  handlers: {
    ack: (subject: string, packet: Packet) => void;
    unheard: (subject: string, first: number) => void;
    refused: (error: unknown) => void;
  },
): { end(): void } {
  const prefix = transport.inbox.length + 1;
  return transport.subscribe(`${transport.inbox}.>`, (packet) => {
    const cut = packet.subject.lastIndexOf(".");
    const subject = packet.subject.slice(prefix, cut);
    try {
      if (packet.noResponders) handlers.unheard(subject, Number(packet.subject.slice(cut + 1)));
      else handlers.ack(subject, packet);
    } catch (error) {
      handlers.refused(error);
    }
  });
}
