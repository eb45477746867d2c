import { createHash } from "node:crypto";
import type { Random } from "../../src/message/clock.ts";
import { Identity } from "../../src/security/keys/identity.ts";
import { seedText } from "../../src/security/keys/key-text.ts";
import { keyId } from "../../src/security/keys/public-keys.ts";
import { SealedEnvelope } from "../../src/security/seal/sealed-envelope.ts";
import type { Peer, Trust } from "../../src/security/trust/trust.ts";

/** The identity of each node, always the same for the same name: no run of a test depends on chance for it. */
const identities = new Map<string, Identity>();
const holders = new Map<string, Peer>();

export function identityOf(node: string): Identity {
  const known = identities.get(node);
  if (known !== undefined) return known;
  const seed = (use: "sign" | "seal"): string => seedText(use, createHash("sha256").update(`${use} ${node}`).digest());
  const identity = new Identity({ sign: seed("sign"), seal: seed("seal") });
  identities.set(node, identity);
  holders.set(keyId(identity.keys), { node, keys: identity.keys, standing: "accepted" });
  return identity;
}

/** Every node accepts every other one. */
const everybody: Trust = {
  holder: (id) => holders.get(id),
  peer: (node) => ({ node, keys: identityOf(node).keys, standing: "accepted" }),
  onChange: () => undefined,
};

/** The envelope of one life of a node that everybody knows. */
export function sealedEnvelope(node: string, random: Pick<Random, "bytes">): SealedEnvelope {
  return new SealedEnvelope({ node, keys: { identity: identityOf(node) }, trust: everybody, random });
}
