import { NKeysError, Prefix } from "@nats-io/nkeys";
import { Codec } from "@nats-io/nkeys/lib/codec.js";

/**
 * Keys as NATS writes them: one letter for their use, a checksum at the end. `U…` is a public key that signs (and that logs
 * in to a broker), `X…` one that seals; `SU…` and `SX…` are the seeds of the two.
 */
export type KeyUse = "sign" | "seal";

const PREFIX = { sign: Prefix.User, seal: Prefix.Curve } as const;
const LENGTH = 32;

export function publicText(use: KeyUse, raw: Uint8Array): string {
  return textOf(Codec.encode(PREFIX[use], raw));
}

export function seedText(use: KeyUse, raw: Uint8Array): string {
  return textOf(Codec.encodeSeed(PREFIX[use], raw));
}

/** The 32 bytes of a public key; `undefined`: the text is none of this use. */
export function publicBytes(use: KeyUse, text: string): Uint8Array | undefined {
  return decoded(() => Codec.decode(PREFIX[use], bytesOf(text)));
}

/** The 32 bytes of a seed; `undefined`: the text is none of this use. */
export function seedBytes(use: KeyUse, text: string): Uint8Array | undefined {
  return decoded(() => {
    const { prefix, buf } = Codec.decodeSeed(bytesOf(text));
    return prefix === PREFIX[use] ? buf : undefined;
  });
}

function decoded(read: () => Uint8Array | undefined): Uint8Array | undefined {
  try {
    const raw = read();
    return raw?.length === LENGTH ? raw : undefined;
  } catch (error) {
    if (error instanceof NKeysError || error instanceof RangeError) return undefined;
    throw error;
  }
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
