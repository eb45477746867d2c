import { StewardError } from "../errors.ts";
import { isToken } from "../subject.ts";
import { FRAME_LIMITS } from "./bounds.ts";
import { insistMeant, isTime, KINDS, pack, unpack } from "./packet.ts";

/** The receiver's answer, in place of an ACK, to a frame that it cannot take; the sender keeps the messages. */
export interface FrameRefusal {
  /** The receiver, and the identity of its journal. */
  readonly node: string;
  readonly receiverEpoch: string;
  readonly sentAt: number;
  readonly code: string;
  readonly reason: string;
  /** True: the frame arrived intact, so sent again it is refused again. */
  readonly lasting: boolean;
}

interface WireRefusal {
  l: string;
  o: string;
  n: string;
  t: number;
  c: string;
  x: string;
  y?: 1;
}

/** Characters to which a refusal's reason is cut. */
const REASON = 300;

export function encodeRefusal(
  subject: string,
  error: StewardError,
  own: Pick<FrameRefusal, "node" | "receiverEpoch" | "sentAt">,
): Uint8Array {
  return pack(refusalText(subject, error, own), KINDS.refusal, null);
}

/** The JSON text of a refusal, without its closing brace. */
export function refusalText(
  subject: string,
  error: StewardError,
  { node, receiverEpoch, sentAt }: Pick<FrameRefusal, "node" | "receiverEpoch" | "sentAt">,
): string {
  const reason = error.message.slice(0, REASON);
  const wire: WireRefusal = { l: subject, o: node, n: receiverEpoch, t: sentAt, c: error.code, x: reason };
  if (isLasting(error)) wire.y = 1;
  return JSON.stringify(wire).slice(0, -1);
}

/** `subject`: the subject of the refused frame. @throws StewardError like `decodeFrame`. */
export function decodeRefusal(subject: string, payload: Uint8Array): FrameRefusal {
  return readRefusal(subject, unpack(subject, payload, KINDS.refusal, FRAME_LIMITS));
}

/** Reads the parsed body of a refusal. @throws StewardError like `decodeFrame` */
export function readRefusal(subject: string, body: unknown): FrameRefusal {
  const wire = body as Partial<WireRefusal>;
  const fault = refusalFault(wire);
  if (fault !== undefined) throw new StewardError("frame-malformed", { subject, fault });
  const { l, o, n, t, c, x, y } = wire as WireRefusal;
  insistMeant(l, subject);
  return { node: o, receiverEpoch: n, sentAt: t, code: c, reason: x, lasting: y === 1 };
}

function isLasting({ code, details }: StewardError): boolean {
  return code === "frame-too-large" || (code === "frame-malformed" && details.damaged === undefined);
}

function refusalFault(wire: Partial<WireRefusal>): string | undefined {
  if (typeof wire.l !== "string") return "subject";
  if (!isToken(wire.o)) return "node";
  if (!isToken(wire.n)) return "epoch";
  if (!isTime(wire.t)) return "sending time";
  if (!isToken(wire.c) || typeof wire.x !== "string") return "a reason";
  return wire.y === undefined || wire.y === 1 ? undefined : "a mark";
}
