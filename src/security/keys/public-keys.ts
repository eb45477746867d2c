import { createHash } from "node:crypto";
import { publicBytes } from "./key-text.ts";

/** The public half of a node's keys: `sign` (`U…`, Ed25519) and `seal` (`X…`, X25519). */
export interface PublicKeys {
  readonly sign: string;
  readonly seal: string;
}

/** Both keys in one word that can be copied: `U….X…`. */
export function keysText({ sign, seal }: PublicKeys): string {
  return `${sign}.${seal}`;
}

/** The keys of such a word; `undefined`: it is none, or was damaged. */
export function parseKeys(text: string): PublicKeys | undefined {
  const [sign = "", seal = "", ...more] = text.split(".");
  const keys = { sign, seal };
  return more.length === 0 && areKeys(keys) ? keys : undefined;
}

/** The signing key of a word that is known to be valid. */
export function signKeyOf(text: string): string {
  return text.slice(0, text.indexOf("."));
}

export function areKeys(keys: PublicKeys): boolean {
  return publicBytes("sign", keys.sign) !== undefined && publicBytes("seal", keys.seal) !== undefined;
}

export function sameKeys(a: PublicKeys, b: PublicKeys): boolean {
  return a.sign === b.sign && a.seal === b.seal;
}

const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const FINGERPRINT_BYTES = 10;

/** Both keys, short enough to be read out: `K7QF-2MXA-7P3L-TT4Z`, 80 bits of their SHA-256. */
export function fingerprint(keys: PublicKeys): string {
  const hash = createHash("sha256").update(rawKey("sign", keys)).update(rawKey("seal", keys)).digest();
  let bits = BigInt(`0x${hash.toString("hex", 0, FINGERPRINT_BYTES)}`);
  let text = "";
  for (let left = (FINGERPRINT_BYTES * 8) / 5; left > 0; left--) {
    text = `${BASE32[Number(bits & 31n)] ?? ""}${text}`;
    bits >>= 5n;
  }
  return text.replace(/.{4}(?=.)/g, "$&-");
}

/** The name of a sealing key in a packet's header: 16 hex digits. */
export function keyId(keys: PublicKeys): string {
  return createHash("sha256").update(rawKey("seal", keys)).digest("hex").slice(0, 16);
}

function rawKey(use: keyof PublicKeys, keys: PublicKeys): Uint8Array {
  const raw = publicBytes(use, keys[use]);
  if (raw === undefined) throw new RangeError(`${keys[use].slice(0, 80)} is no public key`);
  return raw;
}
