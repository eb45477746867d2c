import type { Clock } from "../../message/clock.ts";
import { keyId, type PublicKeys } from "../keys/public-keys.ts";
import type { Peer } from "./trust.ts";

/** A machine without a token that says which node it is, and has proved its keys. */
export interface Claim {
  readonly node: string;
  readonly keys: PublicKeys;
}

export interface PendingClaim extends Claim {
  readonly firstAt: number;
}

/** A machine that waits introduces itself every few minutes; one that was not heard for so long is gone, ms. */
const KEPT = 30 * 60_000;
const MOST = 100;
const MOST_OF_A_NAME = 5;

/** The machines that wait for `steward accept`: bounded, in memory, and forgotten when they fall silent. */
export class PendingClaims {
  readonly limit = MOST;
  readonly #clock: Clock;
  readonly #claims = new Map<string, PendingClaim & { heardAt: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** True: it was not waiting yet. `undefined`: there is no room. */
  add({ node, keys }: Claim): boolean | undefined {
    this.#sweep();
    const id = keyId(keys);
    const known = this.#claims.get(id);
    const heardAt = this.#clock.monotonic();
    if (known?.node === node) {
      known.heardAt = heardAt;
      return false;
    }
    if (this.#claims.size >= MOST || this.of(node).length >= MOST_OF_A_NAME) return undefined;
    this.#claims.set(id, { node, keys, firstAt: this.#clock.now(), heardAt });
    return true;
  }

  /** All that wait, the longest first. */
  all(): readonly PendingClaim[] {
    this.#sweep();
    return [...this.#claims.values()];
  }

  of(node: string): readonly PendingClaim[] {
    return this.all().filter((claim) => claim.node === node);
  }

  holder(id: string): Peer | undefined {
    const claim = this.#claims.get(id);
    return claim && { node: claim.node, keys: claim.keys, standing: "pending" };
  }

  remove(keys: PublicKeys): void {
    this.#claims.delete(keyId(keys));
  }

  forget(node: string): void {
    for (const { keys } of this.of(node)) this.remove(keys);
  }

  #sweep(): void {
    const oldest = this.#clock.monotonic() - KEPT;
    for (const [id, { heardAt }] of this.#claims) if (heardAt < oldest) this.#claims.delete(id);
  }
}
