import { createHash } from "node:crypto";

/**
 * A fingerprint says what a log held up to a place: a digest of its first bytes and of those right before the place. A log that
 * was written anew has another one, also under the same first lines, and a copy has the same one.
 */
export const HEAD = 256;
export const BEFORE = 1024;

/** `""` stands for a place with no bytes before it. */
export function fingerprint(head: Buffer, before: Buffer): string {
  if (head.length === 0) return "";
  const hash = createHash("sha256").update(head.subarray(0, HEAD)).update("/").update(before.subarray(-BEFORE));
  return hash.digest("base64url").slice(0, 22);
}
