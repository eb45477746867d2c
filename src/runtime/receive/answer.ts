import type { Envelope } from "../../message/wire/envelope.ts";
import type { Ack } from "../../message/wire/frame.ts";

/** Verdicts of one ACK: no reader takes more than the first, and few of them fit where the broker takes little. */
const MOST_VERDICTS = 1024;
const FEW_VERDICTS = 16;

/**
 * An ACK as it travels. Without one the frame would come again and again: where the broker takes less, the reasons give
 * way, and after them the later verdicts. The ACK then ends before the first that has no room, and the rest comes again.
 */
export function fittingAck(
  envelope: Pick<Envelope, "sealAck">,
  subject: string,
  ack: Ack,
  maxPayload: number,
): Uint8Array {
  const payload = envelope.sealAck(subject, withVerdicts(ack, MOST_VERDICTS));
  if (payload.length <= maxPayload) return payload;
  const bare = envelope.sealAck(subject, withVerdicts(ack, MOST_VERDICTS), 0);
  return bare.length <= maxPayload ? bare : envelope.sealAck(subject, withVerdicts(ack, FEW_VERDICTS), 0);
}

function withVerdicts(ack: Ack, most: number): Ack {
  const next = ack.verdicts[most];
  if (next === undefined) return ack;
  const last = next.seq - 1;
  return { ...ack, last, started: Math.min(ack.started, last), verdicts: ack.verdicts.slice(0, most) };
}
