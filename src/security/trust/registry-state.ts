import type { Json } from "../../message/message.ts";
import { isToken } from "../../message/subject.ts";
import { type LabelSet, labelsFault } from "../../message/target/labels.ts";
import { areKeys } from "./trust-list.ts";

/** The content of central's registry, as it stands in `registry.json`. Keys are texts `U….X…`, the newest first. */
export interface RegistryState {
  /** Grows with every change: a lower one is an older file. */
  readonly version: number;
  readonly fleet: string;
  /** The next keys of central, which the trust lists announce; absent: it does not change its keys. */
  readonly announced?: string | undefined;
  readonly nodes: readonly NodeRecord[];
  readonly invitations: readonly Invitation[];
  /** Keys that are never accepted again: of machines that were rejected, revoked, replaced or taken out of the fleet. */
  readonly former: readonly FormerKeys[];
  readonly operators: readonly Json[];
  readonly policies: readonly Json[];
}

export interface NodeRecord {
  readonly node: string;
  readonly keys: readonly string[];
  readonly standing: "accepted" | "revoked";
  readonly since: number;
  /** The operator or the node that decided it. */
  readonly by: string;
  readonly labels: LabelSet;
  /** The version of its trust list, and of the one that it was given when it was let in. */
  readonly version: number;
  readonly given: number;
  /** Nodes beside central whose keys it was given. */
  readonly peers: readonly string[];
}

export interface Invitation {
  /** `secretHash` of the token's secret. */
  readonly hash: string;
  /** The public key of its login at the broker. */
  readonly login: string;
  readonly node: string;
  readonly labels: LabelSet;
  readonly madeAt: number;
  readonly expiresAt: number;
  readonly by: string;
  /** True: the token may take the place of a node that is enrolled already. */
  readonly replace: boolean;
  /** The machine that used it. Kept until the token would have expired, so that a second machine is told. */
  readonly spent?: { readonly at: number; readonly keys: string };
}

export interface FormerKeys {
  readonly node: string;
  readonly keys: string;
  readonly standing: "rejected" | "revoked";
  readonly at: number;
  readonly by: string;
}

export function emptyState(fleet: string): RegistryState {
  return { version: 1, fleet, nodes: [], invitations: [], former: [], operators: [], policies: [] };
}

/** The fault of the content of a registry file; `undefined`: there is none. */
export function registryFault(body: unknown): string | undefined {
  if (typeof body !== "object" || body === null) return "it is no object";
  const { version, fleet, nodes, invitations, former, operators, policies } = body as Partial<RegistryState>;
  if (!isTime(version)) return "version: expected a number";
  if (typeof fleet !== "string") return "fleet: expected a key";
  if (!Array.isArray(nodes) || !nodes.every(isNode)) return "nodes: expected records of nodes";
  if (!Array.isArray(invitations) || !invitations.every(isInvitation)) return "invitations: expected invitations";
  if (!Array.isArray(former) || !former.every(isFormer)) return "former: expected keys";
  return Array.isArray(operators) && Array.isArray(policies) ? undefined : "operators, policies: expected lists";
}

function isNode({ node, keys, standing, since, by, labels, version, given, peers }: NodeRecord): boolean {
  return (
    isToken(node) &&
    areKeys(keys) &&
    (standing === "accepted" || standing === "revoked") &&
    isTime(since) &&
    typeof by === "string" &&
    areLabels(labels) &&
    isTime(version) &&
    isTime(given) &&
    Array.isArray(peers) &&
    peers.every(isToken)
  );
}

function isInvitation({ hash, login, node, labels, madeAt, expiresAt, by, replace, spent }: Invitation): boolean {
  return (
    /^[0-9a-f]{64}$/.test(hash) &&
    typeof login === "string" &&
    isToken(node) &&
    areLabels(labels) &&
    isTime(madeAt) &&
    isTime(expiresAt) &&
    typeof by === "string" &&
    typeof replace === "boolean" &&
    (spent === undefined || (isTime(spent.at) && areKeys([spent.keys])))
  );
}

function isFormer({ node, keys, standing, at, by }: FormerKeys): boolean {
  const isKnown = standing === "rejected" || standing === "revoked";
  return isToken(node) && areKeys([keys]) && isKnown && isTime(at) && typeof by === "string";
}

function areLabels(labels: unknown): boolean {
  return labelsFault(labels) === undefined;
}

function isTime(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
