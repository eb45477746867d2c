import { createCipheriv, createDecipheriv, createHmac, hkdfSync, timingSafeEqual } from "node:crypto";
import { StewardError } from "../../message/errors.ts";
import { isToken } from "../../message/subject.ts";
import { SEALED_VERSION } from "../../message/wire/packet.ts";
import { Identity } from "../keys/identity.ts";
import { publicBytes, seedText } from "../keys/key-text.ts";
import { keysText, type PublicKeys, parseKeys } from "../keys/public-keys.ts";
import { isSignedBy, type Signed, signBody } from "../keys/signed.ts";
import { SECRET_BYTES } from "./token.ts";
import type { TrustList } from "./trust-list.ts";

/**
 * The first packet between a machine that central does not know and central, and its answer. Both are sealed with a key
 * that only central and this sender can make: the sender from a key of its own for this packet alone and central's pinned
 * key, so that a broker can neither read nor change them, and an answer can only come from central.
 *
 *   introduction   'S' 'W' 2  8 | public key for this packet, 32 | sealed: name, keys, secret of the token; tag 16
 *   answer         'S' 'W' 2 10 | nonce 12                       | sealed: standing, reason, trust list;    tag 16
 *
 * The sender proves both of its keys: one signs, and the other makes a code that central can make as well.
 */
const INTRODUCTION_FLAGS = 8;
const ANSWER_FLAGS = 10;
const HEADER = 4;
const KEY = 32;
const NONCE = 12;
const TAG = 16;
const PURPOSE = "introduction";
const CIPHER = "aes-256-gcm";
/** A longer packet is none. */
const MOST_BYTES = 4096;

export interface Introduction {
  readonly node: string;
  readonly keys: PublicKeys;
  /** The secret of a token. */
  readonly secret: Uint8Array | undefined;
}

/** The answer of central. `reason` and `remedy` are for the operator of the machine. */
export interface IntroductionAnswer {
  readonly standing: "accepted" | "pending" | "refused";
  /** Central's name. */
  readonly central: string;
  readonly list?: Signed<TrustList>;
  readonly code?: string;
  readonly reason?: string;
  readonly remedy?: string;
}

interface Body {
  readonly node: string;
  readonly keys: string;
  /** The sealing key of central that this is for, and the packet's own key, so that no other packet can carry this body. */
  readonly to: string;
  readonly with: string;
  readonly secret?: string;
}

interface Content {
  readonly said: Signed<Body>;
  readonly proof: string;
}

interface Sealed {
  readonly packet: Uint8Array;
  /** The answer of central, or `undefined` for a packet that is none. */
  openAnswer(payload: Uint8Array): IntroductionAnswer | undefined;
}

interface Opened {
  readonly introduction: Introduction;
  /** The pair of central's keys that the sender knows. */
  readonly own: Identity;
  sealAnswer(answer: IntroductionAnswer, nonce: Uint8Array): Uint8Array;
}

/** `seed`: 32 random bytes, used for this packet alone. */
export function sealIntroduction(
  identity: Identity,
  central: PublicKeys,
  { node, secret }: Pick<Introduction, "node" | "secret">,
  seed: Uint8Array,
): Sealed {
  const once = new Identity({ sign: seedText("sign", seed), seal: seedText("seal", seed) });
  const raw = rawSeal(central);
  const secrets = keysOf(once.agree(raw), once.sealKey, raw);
  const body: Body = {
    node,
    keys: keysText(identity.keys),
    to: central.seal,
    with: base64(once.sealKey),
    ...(secret === undefined ? {} : { secret: base64(secret) }),
  };
  const proof = base64(possession(identity.agree(raw), once.sealKey));
  const content: Content = { said: signBody(identity, PURPOSE, body), proof };
  const head = Buffer.concat([header(INTRODUCTION_FLAGS), once.sealKey]);
  const packet = Buffer.concat([head, encrypt(secrets.there, Buffer.alloc(NONCE), head, content)]);
  return {
    packet,
    openAnswer: (payload) => {
      if (!hasHeader(payload, ANSWER_FLAGS)) return undefined;
      const nonce = payload.subarray(HEADER, HEADER + NONCE);
      const back = decrypt(secrets.back, nonce, header(ANSWER_FLAGS), payload.subarray(HEADER + NONCE));
      return isAnswer(back) ? back : undefined;
    },
  };
}

export function isIntroduction(payload: Uint8Array): boolean {
  return hasHeader(payload, INTRODUCTION_FLAGS);
}

/** @throws StewardError `introduction-invalid` */
export function openIntroduction(identity: Identity, payload: Uint8Array): Opened {
  if (!isIntroduction(payload) || payload.length > MOST_BYTES || payload.length < HEADER + KEY + TAG)
    throw invalid("it has no valid header, or is too long");
  const head = payload.subarray(0, HEADER + KEY);
  const once = payload.subarray(HEADER, HEADER + KEY);
  for (const own of identity.previous === undefined ? [identity] : [identity, identity.previous]) {
    const secrets = keysOf(agreed(own, once), once, own.sealKey);
    const content = decrypt(secrets.there, Buffer.alloc(NONCE), head, payload.subarray(HEADER + KEY));
    if (content === undefined) continue;
    const introduction = introductionOf(content as Partial<Content>, own, once);
    return {
      introduction,
      own,
      sealAnswer: (answer, nonce) => {
        const start = header(ANSWER_FLAGS);
        return Buffer.concat([start, nonce, encrypt(secrets.back, nonce, start, answer)]);
      },
    };
  }
  throw invalid("it cannot be opened: it was made for other keys, or changed on its way");
}

function introductionOf({ said, proof }: Partial<Content>, own: Identity, once: Uint8Array): Introduction {
  const body: Partial<Body> = said?.body ?? {};
  const keys = typeof body.keys === "string" ? parseKeys(body.keys) : undefined;
  if (said === undefined || keys === undefined || !isToken(body.node)) throw invalid("it does not say a name and keys");
  if (body.to !== own.keys.seal || body.with !== base64(once)) throw invalid("it was taken out of another packet");
  if (!isSignedBy(keys.sign, PURPOSE, said)) throw invalid("its signature is not valid");
  const made = possession(agreed(own, rawSeal(keys)), once);
  const given = typeof proof === "string" ? Buffer.from(proof, "base64url") : Buffer.alloc(0);
  if (given.length !== made.length || !timingSafeEqual(given, made))
    throw invalid("its sender does not have the sealing key that it names");
  const secret = body.secret === undefined ? undefined : Buffer.from(String(body.secret), "base64url");
  if (secret !== undefined && secret.length !== SECRET_BYTES)
    throw invalid("the secret of its token has a wrong length");
  return { node: body.node, keys, secret };
}

function agreed(own: Identity, other: Uint8Array): Uint8Array {
  try {
    return own.agree(other);
  } catch (error) {
    throw invalid("its key is none", error);
  }
}

/** The keys of the two directions. */
function keysOf(shared: Uint8Array, once: Uint8Array, central: Uint8Array): { there: Uint8Array; back: Uint8Array } {
  const info = Buffer.concat([Buffer.from("steward introduction 1\n"), once, central]);
  const both = new Uint8Array(hkdfSync("sha256", shared, new Uint8Array(), info, 2 * KEY));
  return { there: both.subarray(0, KEY), back: both.subarray(KEY) };
}

function possession(shared: Uint8Array, once: Uint8Array): Buffer {
  return createHmac("sha256", shared).update("steward possession 1\n").update(once).digest();
}

function encrypt(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, content: object): Buffer {
  const cipher = createCipheriv(CIPHER, key, nonce);
  cipher.setAAD(aad);
  return Buffer.concat([cipher.update(JSON.stringify(content), "utf8"), cipher.final(), cipher.getAuthTag()]);
}

/** `undefined`: the bytes were not sealed with this key. */
function decrypt(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array): object | undefined {
  if (sealed.length < TAG || nonce.length !== NONCE) return undefined;
  try {
    const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG });
    decipher.setAAD(aad);
    decipher.setAuthTag(sealed.subarray(-TAG));
    const text = Buffer.concat([decipher.update(sealed.subarray(0, -TAG)), decipher.final()]).toString("utf8");
    const content: unknown = JSON.parse(text);
    return typeof content === "object" && content !== null ? content : undefined;
  } catch {
    return undefined;
  }
}

function isAnswer(content: object | undefined): content is IntroductionAnswer {
  const { standing, central } = (content ?? {}) as Partial<IntroductionAnswer>;
  return ["accepted", "pending", "refused"].includes(String(standing)) && isToken(central);
}

function header(flags: number): Buffer {
  return Buffer.from([0x53, 0x57, SEALED_VERSION, flags]);
}

function hasHeader(payload: Uint8Array, flags: number): boolean {
  return payload.length > HEADER && header(flags).equals(payload.subarray(0, HEADER));
}

function rawSeal(keys: PublicKeys): Uint8Array {
  const raw = publicBytes("seal", keys.seal);
  if (raw === undefined) throw invalid("its sealing key is none");
  return raw;
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64url");
}

function invalid(fault: string, cause?: unknown): StewardError {
  return new StewardError("introduction-invalid", { fault }, { cause });
}
