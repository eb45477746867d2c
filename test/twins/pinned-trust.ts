import { keyId } from "../../src/security/keys/public-keys.ts";
import type { Peer, Trust } from "../../src/security/trust/trust.ts";

/** A list of peers in memory. Two accepted keys of a node are both taken, and the later entry is the one to seal for. */
export class PinnedTrust implements Trust {
  readonly #holders = new Map<string, Peer>();
  readonly #accepted = new Map<string, Peer>();
  readonly #listeners: (() => void)[] = [];

  constructor(peers: readonly Peer[]) {
    this.#fill(peers);
  }

  /** Puts another list in place of the present one. */
  replace(peers: readonly Peer[]): void {
    this.#holders.clear();
    this.#accepted.clear();
    this.#fill(peers);
    for (const changed of this.#listeners) changed();
  }

  holder(id: string): Peer | undefined {
    return this.#holders.get(id);
  }

  peer(node: string): Peer | undefined {
    return this.#accepted.get(node);
  }

  onChange(changed: () => void): void {
    this.#listeners.push(changed);
  }

  #fill(peers: readonly Peer[]): void {
    for (const peer of peers) {
      this.#holders.set(keyId(peer.keys), peer);
      if (peer.standing === "accepted") this.#accepted.set(peer.node, peer);
    }
  }
}
