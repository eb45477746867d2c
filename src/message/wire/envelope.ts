import type { StewardError } from "../errors.ts";
import type { Ack, Frame, FrameHead } from "./frame.ts";
import type { FrameRefusal } from "./frame-refusal.ts";

/** The content of one packet. */
export type Opened =
  | { readonly kind: "frame"; readonly frame: Frame }
  | { readonly kind: "ack"; readonly ack: Ack }
  | { readonly kind: "refusal"; readonly refusal: FrameRefusal };

/**
 * Every packet between daemons is sealed as it leaves and opened as it arrives; opening proves which node sealed it.
 * `subject`: the frame's subject, also for the ACK or refusal that answers the frame.
 */
export interface Envelope {
  /** `items`: texts from `encodeItem`. `compressFrom`: bodies of so many bytes or more are deflated; `null`: none. */
  seal(subject: string, head: FrameHead, items: readonly string[], compressFrom: number | null): Uint8Array;
  /** `reasons`: characters to which each verdict's reason is cut. */
  sealAck(subject: string, ack: Ack, reasons?: number): Uint8Array;
  /** `error`: the reason why the frame is not taken. */
  sealRefusal(
    subject: string,
    error: StewardError,
    own: Pick<FrameRefusal, "node" | "receiverEpoch" | "sentAt">,
  ): Uint8Array;
  /** @throws StewardError `signature-invalid`, `frame-malformed`, `frame-misdirected`, `frame-version`, `frame-too-large` */
  open(subject: string, payload: Uint8Array): Opened;
}
