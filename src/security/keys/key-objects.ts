import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import type { KeyUse } from "./key-text.ts";

/** Raw keys of 32 bytes as `node:crypto` takes them, inside the ASN.1 wrapping of RFC 8410. */
const PRIVATE = { sign: "302e020100300506032b657004220420", seal: "302e020100300506032b656e04220420" } as const;
const PUBLIC = { sign: "302a300506032b6570032100", seal: "302a300506032b656e032100" } as const;
const RAW = 32;

export function privateKey(use: KeyUse, seed: Uint8Array): KeyObject {
  return createPrivateKey({ key: wrapped(PRIVATE[use], seed), format: "der", type: "pkcs8" });
}

export function publicKey(use: KeyUse, raw: Uint8Array): KeyObject {
  return createPublicKey({ key: wrapped(PUBLIC[use], raw), format: "der", type: "spki" });
}

/** The raw public key that belongs to a private one. */
export function publicOf(key: KeyObject): Uint8Array {
  return createPublicKey(key).export({ format: "der", type: "spki" }).subarray(-RAW);
}

function wrapped(head: string, raw: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(head, "hex"), raw]);
}
