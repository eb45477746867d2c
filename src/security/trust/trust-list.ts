import type { Json } from "../../message/message.ts";
import { isToken } from "../../message/subject.ts";
import { parseKeys } from "../keys/public-keys.ts";

/** The purpose that the signature of a trust list is bound to. */
export const TRUST_LIST = "trust-list";

/**
 * The word of central on whom one node may trust, signed by central. Keys are texts `U….X…`, the newest first.
 * The versions of one receiver only grow: an older list never replaces a newer one.
 */
export interface TrustList {
  /** The first signing key that this central ever had, `U…`: the name of the fleet. */
  readonly fleet: string;
  /** The receiver. */
  readonly node: string;
  readonly version: number;
  readonly issuedAt: number;
  readonly central: readonly string[];
  /** The receiver's own keys that central accepts. */
  readonly own: readonly string[];
  readonly peers: readonly ListedPeer[];
  readonly operators: readonly Json[];
  readonly policies: readonly Json[];
}

/** Another node that the receiver has to do with. A revoked one stays in the list, so that it is refused by its name. */
export interface ListedPeer {
  readonly node: string;
  readonly keys: readonly string[];
  readonly standing: "accepted" | "revoked";
}

const MOST_KEYS = 8;
export const MOST_PEERS = 1_000;
const MOST_ENTRIES = 10_000;

/** The fault of what should be a trust list, in words; `undefined`: it is one. */
export function trustListFault(body: unknown): string | undefined {
  if (typeof body !== "object" || body === null) return "it is no object";
  const { fleet, node, version, issuedAt, central, own, peers, operators, policies } = body as Partial<TrustList>;
  if (typeof fleet !== "string" || fleet.length > 100) return "fleet: expected a key";
  if (!isToken(node)) return "node: expected a name";
  if (!isWhole(version) || version < 1) return "version: expected a number from 1 on";
  if (!isWhole(issuedAt)) return "issuedAt: expected a time";
  if (!areKeys(central) || central.length === 0) return "central: expected keys";
  if (!areKeys(own)) return "own: expected keys";
  if (!Array.isArray(peers) || peers.length > MOST_PEERS || !peers.every(isPeer)) return "peers: expected nodes";
  const isBounded = (list: unknown): boolean => Array.isArray(list) && list.length <= MOST_ENTRIES;
  if (!isBounded(operators)) return "operators: expected a list";
  return isBounded(policies) ? undefined : "policies: expected a list";
}

function isPeer(peer: unknown): boolean {
  if (typeof peer !== "object" || peer === null) return false;
  const { node, keys, standing } = peer as Partial<ListedPeer>;
  return isToken(node) && areKeys(keys) && (standing === "accepted" || standing === "revoked");
}

export function areKeys(keys: unknown): keys is readonly string[] {
  return (
    Array.isArray(keys) &&
    keys.length <= MOST_KEYS &&
    keys.every((text) => typeof text === "string" && parseKeys(text) !== undefined)
  );
}

function isWhole(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
