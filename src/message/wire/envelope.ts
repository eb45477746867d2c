import type { StewardError } from "../errors.ts";
import type { Ack, Frame, FrameHead } from "./frame.ts";
import type { FrameRefusal } from "./frame-refusal.ts";

/**
 * The content of one packet. `from`: the node that is proved to have sealed it. A hint is a refusal whose sender is not
 * proved: something for the operator to read, and no ground for a decision.
 */
export type Opened =
  | { readonly kind: "frame"; readonly from: string; readonly frame: Frame }
  | { readonly kind: "ack"; readonly from: string; readonly ack: Ack }
  | { readonly kind: "refusal"; readonly from: string; readonly refusal: FrameRefusal }
  | { readonly kind: "hint"; readonly refusal: FrameRefusal };

/**
 * Every packet between daemons is sealed as it leaves and opened as it arrives; opening proves which node sealed it.
 * `subject`: the frame's subject, also for the ACK or refusal that answers the frame. `to`: the node that may open it; a
 * frame is sealed for the node of its subject.
 */
export interface Envelope {
  /**
   * `items`: texts from `encodeItem`. `compressFrom`: bodies of so many bytes or more are deflated; `null`: none.
   *
   * @throws StewardError `receiver-unknown`
   */
  seal(subject: string, head: FrameHead, items: readonly string[], compressFrom: number | null): Uint8Array;
  /** `reasons`: characters to which each verdict's reason is cut. @throws StewardError `receiver-unknown` */
  sealAck(to: string, subject: string, ack: Ack, reasons?: number): Uint8Array;
  /** `error`: the reason why the frame is not taken. `to`: its sender; `undefined`: nobody has proved to be it. */
  sealRefusal(
    to: string | undefined,
    subject: string,
    error: StewardError,
    own: Pick<FrameRefusal, "node" | "receiverEpoch" | "sentAt">,
  ): Uint8Array;
  /**
   * @throws StewardError `frame-malformed`, `frame-misdirected`, `frame-version`, `frame-too-large`, `signature-invalid`;
   * of a sealed packet also `sender-unknown`, `sender-revoked`, `seal-invalid`, `session-unknown`, `replayed`, `clear-refused`
   */
  open(subject: string, payload: Uint8Array): Opened;
  /** True if a packet can be sealed for a node. */
  knows(node: string): boolean;
  /**
   * Counts the sessions with a node; 0: there was none yet, and the next packet to the node asks for one. A packet that was
   * sealed in an earlier session than the present one is not taken there.
   */
  session(node: string): number;
}
