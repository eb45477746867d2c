import { StewardError } from "../../message/errors.ts";
import { receiverOf } from "../../message/subject.ts";
import { FRAME_LIMITS } from "../../message/wire/bounds.ts";
import type { Envelope, Opened } from "../../message/wire/envelope.ts";
import { type Ack, ackText, type FrameHead, frameText, readAck, readFrame } from "../../message/wire/frame.ts";
import {
  decodeRefusal,
  encodeRefusal,
  type FrameRefusal,
  readRefusal,
  refusalText,
} from "../../message/wire/frame-refusal.ts";
import {
  DEFLATED,
  FRAME_VERSION,
  isFrame,
  KINDS,
  type Kind,
  kindOfPacket,
  packBody,
  SEALED_VERSION,
  unpackBody,
} from "../../message/wire/packet.ts";
import { context, decrypt, encrypt } from "./cipher.ts";
import { HEADER_BYTES, readHeader, TAG_BYTES, writeHeader } from "./sealed-packet.ts";
import { Sessions, type SessionsOptions } from "./sessions.ts";

/** Each kind, deflated or not. */
const FLAGS = new Set(Object.values(KINDS).flatMap((kind) => [kind, kind | DEFLATED]));

/**
 * Packets that only their receiver can open, and that prove their sender. Each is bound to the subject, to the names and
 * keys of both nodes, and to the present lives of both daemons; each is taken once.
 *
 *   unbound: the life of the receiver is not known yet ──▶ `session-unknown`, which names it ──▶ sealed again, bound ──▶ taken
 *
 * Invariants: a packet of an earlier life of this daemon is never taken, so no replay of it needs to be remembered on disk.
 * A refusal in the clear is a hint, and decides nothing.
 */
export class SealedEnvelope implements Envelope {
  readonly #node: string;
  readonly #trust: SessionsOptions["trust"];
  readonly #sessions: Sessions;

  constructor(options: SessionsOptions) {
    this.#node = options.node;
    this.#trust = options.trust;
    this.#sessions = new Sessions(options);
  }

  seal(subject: string, head: FrameHead, items: readonly string[], compressFrom: number | null): Uint8Array {
    return this.#seal(receiverOf(subject), subject, KINDS.frame, frameText(subject, head, items), compressFrom);
  }

  sealAck(to: string, subject: string, ack: Ack, reasons?: number): Uint8Array {
    return this.#seal(to, subject, KINDS.ack, ackText(subject, ack, reasons), null);
  }

  sealRefusal(
    to: string | undefined,
    subject: string,
    error: StewardError,
    own: Pick<FrameRefusal, "node" | "receiverEpoch" | "sentAt">,
  ): Uint8Array {
    const { origin, salt } = error.details;
    const text = refusalText(subject, error, own);
    // The sender of that packet is proved, and its life is named in it.
    if (error.code === "session-unknown")
      return this.#seal(String(origin), subject, KINDS.refusal, text, null, `${salt}`);
    if (to === undefined) return encodeRefusal(subject, error, own);
    return this.#seal(to, subject, KINDS.refusal, text, null);
  }

  knows(node: string): boolean {
    return node === this.#node || this.#trust.peer(node) !== undefined;
  }

  session(node: string): number {
    return this.#sessions.numberOf(node);
  }

  #seal(to: string, subject: string, kind: Kind, text: string, compressFrom: number | null, salt?: string): Uint8Array {
    const session = this.#sessions.to(to, salt);
    const { keyId, ownSalt, receiverSalt, key } = session;
    const { flags, body } = packBody(text, kind, compressFrom);
    const counter = session.next();
    const header = writeHeader({ flags, keyId, salt: ownSalt, receiverSalt, counter });
    return encrypt(key, counter, header, context(header, subject, this.#node, to), body);
  }

  open(subject: string, payload: Uint8Array): Opened {
    if (!isFrame(payload))
      throw new StewardError("frame-malformed", { subject, fault: "it does not begin like a frame" });
    if (payload[2] === FRAME_VERSION) {
      if (kindOfPacket(payload) === KINDS.refusal) return { kind: "hint", refusal: decodeRefusal(subject, payload) };
      throw new StewardError("clear-refused", { subject });
    }
    if (payload[2] !== SEALED_VERSION)
      throw new StewardError("frame-version", { subject, version: payload[2] ?? 0, supported: SEALED_VERSION });
    if (payload.length < HEADER_BYTES + TAG_BYTES)
      throw new StewardError("frame-malformed", { subject, fault: "it is cut short", damaged: 1 });
    const packet = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
    const header = readHeader(packet);
    if (!FLAGS.has(header.flags))
      throw new StewardError("frame-malformed", { subject, fault: `its flags are ${header.flags}` });
    const peer = this.#sessions.sender(header.keyId);
    if (peer === undefined) throw new StewardError("sender-unknown", { subject, key: header.keyId });
    const origin = peer.node;
    if (peer.standing !== "accepted")
      throw new StewardError("sender-revoked", { subject, origin, standing: peer.standing });

    const source = this.#sessions.from(peer, header);
    if (source === "retired" || !source.window.isNew(header.counter))
      throw new StewardError("replayed", { subject, origin });
    const aad = context(packet.subarray(0, HEADER_BYTES), subject, origin, this.#node);
    const sealed = packet.subarray(HEADER_BYTES);
    const proved = source.open((key) => decrypt(key, header.counter, aad, sealed));
    if (proved === undefined) {
      const fault = "it was changed, or sealed for another node or subject";
      throw new StewardError("seal-invalid", { subject, origin, fault });
    }
    if (header.receiverSalt !== this.#sessions.salt)
      throw new StewardError("session-unknown", { subject, origin, salt: header.salt });
    this.#sessions.took(peer, proved.own, header, source);
    const opened = readBody(subject, origin, header.flags, proved.body);
    // A packet outside all lanes has no number there that would show that it is outdated.
    if (opened.kind === "frame" && opened.frame.first === 0 && !source.isLater(subject, header.counter))
      throw new StewardError("replayed", { subject, origin });
    return opened;
  }
}

/** Reads the body that `from` has sealed. @throws StewardError `signature-invalid` if it names another node */
function readBody(subject: string, from: string, flags: number, packed: Buffer): Exclude<Opened, { kind: "hint" }> {
  const kind = flags & ~DEFLATED;
  const body = unpackBody(subject, packed, flags, FRAME_LIMITS);
  if (kind === KINDS.frame) {
    const frame = readFrame(subject, body);
    insistProved(frame.origin, from);
    return { kind: "frame", from, frame };
  }
  if (kind === KINDS.ack) {
    const ack = readAck(subject, body);
    insistProved(ack.node, from);
    return { kind: "ack", from, ack };
  }
  const refusal = readRefusal(subject, body);
  insistProved(refusal.node, from);
  return { kind: "refusal", from, refusal };
}

function insistProved(origin: string, from: string): void {
  if (origin !== from) throw new StewardError("signature-invalid", { origin, fault: `${from} has sealed it` });
}
