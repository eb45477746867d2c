import { diffieHellman, type KeyObject, sign } from "node:crypto";
import type { Random } from "../../message/clock.ts";
import { privateKey, publicKey, publicOf } from "./key-objects.ts";
import { publicText, seedBytes, seedText } from "./key-text.ts";
import type { PublicKeys } from "./public-keys.ts";

/** The seeds of one identity, `SU…` and `SX…`: secret. */
export interface Seeds {
  readonly sign: string;
  readonly seal: string;
}

/**
 * The keys by which a node proves itself. After a change of keys the identity before stays for a while: packets that were
 * sealed for it are still opened.
 */
export class Identity {
  readonly keys: PublicKeys;
  /** The raw public key that others seal for. */
  readonly sealKey: Uint8Array;
  readonly previous: Identity | undefined;
  readonly #sign: KeyObject;
  readonly #seal: KeyObject;

  /** @throws RangeError if a seed is none */
  constructor(seeds: Seeds, previous?: Identity) {
    this.#sign = privateKey("sign", seedOf("sign", seeds));
    this.#seal = privateKey("seal", seedOf("seal", seeds));
    this.sealKey = publicOf(this.#seal);
    this.keys = { sign: publicText("sign", publicOf(this.#sign)), seal: publicText("seal", this.sealKey) };
    this.previous = previous;
  }

  /** An Ed25519 signature, 64 bytes. */
  sign(bytes: Uint8Array): Uint8Array {
    return sign(null, bytes, this.#sign);
  }

  /** The X25519 secret that this node shares with the holder of a raw public key. @throws Error for a key of low order */
  agree(other: Uint8Array): Uint8Array {
    return diffieHellman({ privateKey: this.#seal, publicKey: publicKey("seal", other) });
  }
}

export function newSeeds(random: Random): Seeds {
  return { sign: seedText("sign", random.bytes(32)), seal: seedText("seal", random.bytes(32)) };
}

function seedOf(use: keyof Seeds, seeds: Seeds): Uint8Array {
  const raw = seedBytes(use, seeds[use]);
  if (raw === undefined) throw new RangeError(`it is no ${use === "sign" ? "SU" : "SX"}… seed, or was damaged`);
  return raw;
}
