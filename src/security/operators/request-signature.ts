import { createHash } from "node:crypto";
import type { Clock, Random } from "../../message/clock.ts";
import { isSignedBy, type Signer, signBody } from "../keys/signed.ts";
import { daemonText } from "./daemon-name.ts";

/**
 * The signature of an operator on one request to a daemon's API, in one header:
 *
 *   steward-operator: v2 <public key U…> <daemon> <time, ms since 1970> <nonce> <digest of the body> <signature>
 *
 * The signature is on the daemon, method, path with query, time, nonce and digest. `daemon`: the public key of the daemon that
 * is asked (`daemon-name.ts`). `nonce`: 16 bytes, `digest`: the SHA-256 of the body, which may be empty; both, and the
 * signature, as base64url. A request is taken once, by that daemon alone, and only near its time.
 */
export const SIGNATURE_HEADER = "steward-operator";

/** A request whose time differs by more from the daemon's clock is refused, ms. */
export const CLOCK_TOLERANCE = 60_000;

const PURPOSE = "api-request";
const VERSION = "v2";
const LONGEST_HEADER = 400;
const NONCE_BYTES = 16;
/** Requests within twice the tolerance whose nonces are remembered. */
const MOST_NONCES = 100_000;

export interface SignedRequest {
  readonly method: string;
  /** The path with its query, as it stands in the request line. */
  readonly url: string;
}

interface RequestBody {
  readonly daemon: string;
  readonly method: string;
  readonly url: string;
  readonly at: number;
  readonly nonce: string;
  readonly digest: string;
}

/** A request whose signature is valid. The body must have the digest. */
export interface VerifiedRequest {
  readonly key: string;
  readonly digest: string;
}

export function bodyDigest(body: Uint8Array | string): string {
  return createHash("sha256").update(body).digest("base64url");
}

/** The header of a request to one daemon that an operator signs. */
export function signRequest(
  signer: Signer,
  daemon: string,
  { method, url }: SignedRequest,
  body: Uint8Array,
  clock: Pick<Clock, "now">,
  random: Pick<Random, "bytes">,
): string {
  const nonce = Buffer.from(random.bytes(NONCE_BYTES)).toString("base64url");
  const signed: RequestBody = { daemon, method, url, at: clock.now(), nonce, digest: bodyDigest(body) };
  const { by, signature } = signBody(signer, PURPOSE, signed);
  return [VERSION, by, daemon, signed.at, nonce, signed.digest, signature].join(" ");
}

/** The signatures on requests to one daemon: each is taken once. */
export class RequestSignatures {
  readonly #daemon: () => string;
  readonly #clock: Pick<Clock, "now">;
  /** Requests from before are refused: which of them were taken is not known. */
  readonly #since: number;
  /** Nonces that were taken, with the time until which they are remembered; the oldest first. */
  readonly #taken = new Map<string, number>();

  /** `daemon`: the one that these are for, as it is called now. */
  constructor(daemon: () => string, clock: Pick<Clock, "now">) {
    this.#daemon = daemon;
    this.#clock = clock;
    this.#since = clock.now();
  }

  /** The request that a header signs, or the fault of it, in words. */
  verify(header: string, { method, url }: SignedRequest): VerifiedRequest | string {
    if (header.length > LONGEST_HEADER) return "the header is too long";
    const [version, key = "", daemon = "", time = "", nonce = "", digest = "", signature = "", ...more] =
      header.split(" ");
    if (version !== VERSION || more.length > 0) return "the header is not of a form that this version of steward knows";
    if (!/^\d{1,16}$/.test(time) || !/^[\w-]{22}$/.test(nonce)) return "its time or its nonce is malformed";
    const at = Number(time);
    const body: RequestBody = { daemon, method, url, at, nonce, digest };
    if (!isSignedBy(key, PURPOSE, { body, by: key, signature })) return "the signature does not fit the request";
    const own = this.#daemon();
    if (daemon !== own)
      return `it was signed for another daemon, ${daemonText(daemon)}, and this one is ${daemonText(own)}`;
    const now = this.#clock.now();
    if (Math.abs(at - now) > CLOCK_TOLERANCE)
      return `it was signed at ${clockText(at)}, and the clock of the daemon shows ${clockText(now)}`;
    if (at < this.#since) return "it was signed before the daemon was started: type the command again";
    this.#forget(now);
    if (this.#taken.has(nonce)) return "a request with this signature was taken already";
    if (this.#taken.size >= MOST_NONCES) return "too many signed requests came in the last two minutes";
    this.#taken.set(nonce, now + 2 * CLOCK_TOLERANCE);
    return { key, digest };
  }

  #forget(now: number): void {
    for (const [nonce, until] of this.#taken) {
      // A clock that was put back leaves times of the future behind.
      if (until > now && until <= now + 2 * CLOCK_TOLERANCE) return;
      this.#taken.delete(nonce);
    }
  }
}

function clockText(at: number): string {
  return Number.isSafeInteger(at) && at < 8.64e15 ? new Date(at).toISOString() : "a time that there is not";
}
