import type { PublicKeys } from "../keys/public-keys.ts";

/** Only an accepted node may send; a revoked one is named, so that it is told why. */
export type Standing = "accepted" | "pending" | "rejected" | "revoked";

export interface Peer {
  readonly node: string;
  readonly keys: PublicKeys;
  readonly standing: Standing;
}

/** The other nodes as this node knows them: central's registry, or the list that central signed for an edge. */
export interface Trust {
  /** The peer that holds the sealing key of this id (`keyId`, 16 hex digits), whatever its standing. */
  holder(keyId: string): Peer | undefined;
  /** The keys to seal with for a node: its newest accepted ones. */
  peer(node: string): Peer | undefined;
  /** Calls back after each change. */
  onChange(changed: () => void): void;
}
