import { normalise, type StewardError } from "../message/errors.ts";
import type { Packet, Subscription, Transport } from "./transport.ts";

/** Takes what comes back for the frames of this node: `runtime/deliver/acks.ts`. */
export interface Answers {
  /** An answer to the frame of this subject that begins at `first`. @throws StewardError why it cannot be taken */
  answered(subject: string, first: number, packet: Packet): void;
  /** The broker had nobody to hand the frame to. */
  unheard(subject: string, first: number): void;
  unreadable(error: StewardError): void;
}

/** The answers that come back on this connection's own subjects: ACKs, refusals, or "nobody there". */
export function listenForAcks(transport: Transport, answers: Answers): Subscription {
  const prefix = transport.inbox.length + 1;
  return transport.subscribe(`${transport.inbox}.>`, (packet) => {
    const cut = packet.subject.lastIndexOf(".");
    const subject = packet.subject.slice(prefix, cut);
    try {
      const first = Number(packet.subject.slice(cut + 1));
      if (packet.noResponders) answers.unheard(subject, first);
      else answers.answered(subject, first, packet);
    } catch (error) {
      answers.unreadable(normalise(error));
    }
  });
}
