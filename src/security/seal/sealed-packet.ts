import { SEALED_VERSION } from "../../message/wire/packet.ts";

/**
 * A sealed packet, version 2:
 *
 *   'S' 'W' 2  flags | key id of the sender, 8 | salt of the sender, 8 | salt of the receiver, 8 | counter, 6 | body | tag, 16
 *
 * flags: those of a packet in the clear. A salt names one life of a daemon; zeros in place of the receiver's: its present
 * one is not known to the sender. Numbers are big-endian. The header is authenticated with the body.
 */
export interface Header {
  readonly flags: number;
  /** Hex, as are the salts. */
  readonly keyId: string;
  readonly salt: string;
  readonly receiverSalt: string;
  readonly counter: number;
}

export const HEADER_BYTES = 34;
export const TAG_BYTES = 16;
export const SALT_BYTES = 8;
export const NO_SALT = "0".repeat(2 * SALT_BYTES);

export function writeHeader({ flags, keyId, salt, receiverSalt, counter }: Header): Buffer {
  const bytes = Buffer.allocUnsafe(HEADER_BYTES);
  bytes[0] = 0x53;
  bytes[1] = 0x57;
  bytes[2] = SEALED_VERSION;
  bytes[3] = flags;
  bytes.write(keyId, 4, "hex");
  bytes.write(salt, 12, "hex");
  bytes.write(receiverSalt, 20, "hex");
  bytes.writeUIntBE(counter, 28, 6);
  return bytes;
}

/** `packet`: of at least `HEADER_BYTES`. */
export function readHeader(packet: Buffer): Header {
  return {
    flags: packet[3] ?? 0,
    keyId: packet.toString("hex", 4, 12),
    salt: packet.toString("hex", 12, 20),
    receiverSalt: packet.toString("hex", 20, 28),
    counter: packet.readUIntBE(28, 6),
  };
}
