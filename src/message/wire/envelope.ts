import type { StewardError } from "../errors.ts";
import type { Ack, Frame, FrameHead } from "./frame.ts";
import type { FrameRefusal } from "./frame-refusal.ts";

/** The content of one packet. */
export type Opened =
  | { readonly kind: "frame"; readonly frame: Frame }
  | { readonly kind: "ack"; readonly ack: Ack }
  | { readonly kind: "refusal"; readonly refusal: FrameRefusal };

/**
 * The one way of a packet out of a daemon and into another: sealed as it leaves, and opened, which proves who sealed it,
 * before anything of it counts. `subject`: that of the frame, also for what answers it.
 */
export interface Envelope {
  /** `items`: each as `encodeItem` writes it. `compressFrom`: bytes of a body from which on it is deflated; `null`: never. */
  seal(subject: string, head: FrameHead, items: readonly string[], compressFrom: number | null): Uint8Array;
  /** `reasons`: characters of each verdict's reason that travel. */
  sealAck(subject: string, ack: Ack, reasons?: number): Uint8Array;
  /** `error`: why the frame is not taken. */
  sealRefusal(
    subject: string,
    error: StewardError,
    own: Pick<FrameRefusal, "node" | "receiverEpoch" | "sentAt">,
  ): Uint8Array;
  /** @throws StewardError `signature-invalid`, `frame-malformed`, `frame-misdirected`, `frame-version`, `frame-too-large` */
  open(subject: string, payload: Uint8Array): Opened;
}
