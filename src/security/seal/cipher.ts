import { createCipheriv, createDecipheriv, hkdfSync } from "node:crypto";
import { TAG_BYTES } from "./sealed-packet.ts";

/** ChaCha20-Poly1305: quick without help from the processor, which small boards do not have. */
const ALGORITHM = "chacha20-poly1305";
const LENGTHS = { authTagLength: TAG_BYTES } as const;

/** One end of a session, as it goes into the session's key. */
export interface End {
  readonly node: string;
  readonly sealKey: Uint8Array;
  /** Hex. */
  readonly salt: string;
}

/** The key of the packets that `from` sends to `to`; the other direction has another one. `secret`: that of both keys. */
export function sessionKey(secret: Uint8Array, from: End, to: End): Uint8Array {
  const salt = Buffer.from(from.salt + to.salt, "hex");
  // No name of a node has a zero byte, and keys are of one length: two different pairs never make one text.
  const names = Buffer.from(`steward seal 1\0${from.node}\0${to.node}\0`);
  const info = Buffer.concat([names, from.sealKey, to.sealKey]);
  return new Uint8Array(hkdfSync("sha256", secret, salt, info, 32));
}

/** The bytes that are authenticated beside the body. */
export function context(header: Uint8Array, subject: string, from: string, to: string): Buffer {
  return Buffer.concat([header, Buffer.from(`${subject}\0${from}\0${to}`)]);
}

export function encrypt(key: Uint8Array, counter: number, header: Buffer, aad: Buffer, body: Uint8Array): Buffer {
  const cipher = createCipheriv(ALGORITHM, key, nonce(counter), LENGTHS);
  cipher.setAAD(aad, { plaintextLength: body.length });
  const text = cipher.update(body);
  cipher.final();
  return Buffer.concat([header, text, cipher.getAuthTag()]);
}

/** `sealed`: ciphertext and tag; `undefined`: it was not sealed with this key, counter and context. */
export function decrypt(key: Uint8Array, counter: number, aad: Buffer, sealed: Buffer): Buffer | undefined {
  const end = sealed.length - TAG_BYTES;
  const decipher = createDecipheriv(ALGORITHM, key, nonce(counter), LENGTHS);
  decipher.setAuthTag(sealed.subarray(end));
  decipher.setAAD(aad, { plaintextLength: end });
  const body = decipher.update(sealed.subarray(0, end));
  try {
    decipher.final();
  } catch {
    return undefined;
  }
  return body;
}

function nonce(counter: number): Buffer {
  const bytes = Buffer.alloc(12);
  bytes.writeUIntBE(counter, 6, 6);
  return bytes;
}
