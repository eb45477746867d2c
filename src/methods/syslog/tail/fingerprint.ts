import { createHash } from "node:crypto";

/**
 * A fingerprint identifies the content of a log up to an offset: a digest of its first bytes and of the bytes right before the
 * offset. A log that was written anew has another fingerprint, even with the same first lines; a copy has the same.
 */
export const HEAD = 256;
export const BEFORE = 1024;

/** `""` stands for offset 0. */
export function fingerprint(head: Buffer, before: Buffer): string {
  if (head.length === 0) return "";
  const hash = createHash("sha256").update(head.subarray(0, HEAD)).update("/").update(before.subarray(-BEFORE));
  return hash.digest("base64url").slice(0, 22);
}
