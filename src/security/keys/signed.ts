import { verify as verifySignature } from "node:crypto";
import type { Json } from "../../message/message.ts";
import { publicKey } from "./key-objects.ts";
import { publicBytes } from "./key-text.ts";

/** A body with the Ed25519 signature of the holder of `by`, a public key (`U…`). `signature`: base64url. */
export interface Signed<T> {
  readonly body: T;
  readonly by: string;
  readonly signature: string;
}

/** The holder of a private key. */
export interface Signer {
  readonly keys: { readonly sign: string };
  sign(bytes: Uint8Array): Uint8Array;
}

/** `purpose` keeps a signature that was made for one use from being taken for another. */
export function signBody<T>(signer: Signer, purpose: string, body: T): Signed<T> {
  const signature = Buffer.from(signer.sign(signedBytes(purpose, body))).toString("base64url");
  return { body, by: signer.keys.sign, signature };
}

/** True if the holder of `key` has signed this body for this purpose. The body's shape is the caller's to check. */
export function isSignedBy<T>(key: string, purpose: string, { body, by, signature }: Signed<T>): boolean {
  const raw = publicBytes("sign", key);
  if (raw === undefined || by !== key || typeof signature !== "string") return false;
  const bytes = Buffer.from(signature, "base64url");
  if (bytes.length !== 64 || bytes.toString("base64url") !== signature) return false;
  return verifySignature(null, signedBytes(purpose, body), publicKey("sign", raw), bytes);
}

function signedBytes(purpose: string, body: unknown): Uint8Array {
  return Buffer.from(`steward:${purpose}:1\n${canonical(body as Json)}`);
}

/** JSON with the keys of every object in order, so that one value has one text. Absent values are left out, as JSON does. */
export function canonical(value: Json): string {
  if (Array.isArray(value)) return `[${value.map((each) => canonical(each ?? null)).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, each]) => `${JSON.stringify(key)}:${canonical(each as Json)}`).join(",")}}`;
}
