import type { Random } from "../../message/clock.ts";
import { Identity, newSeeds, type Seeds } from "../keys/identity.ts";
import { readIdentity, readOtherSeeds, readSeeds, writeIdentity } from "../keys/identity-files.ts";
import { keysText } from "../keys/public-keys.ts";

/**
 * The keys of this node while it runs, and their change. All others know the present pair; the other one
 * (`identity.previous`) opens packets too, and is the next pair, or the one before.
 *
 *   A ──prepare──▶ A, with B beside it ──goOver(B)──▶ B, with A beside it ──settle──▶ B
 */
export class OwnKeys {
  readonly #data: string;
  readonly #listeners: (() => void)[] = [];
  #identity: Identity;

  constructor(data: string, identity: Identity) {
    this.#data = data;
    this.#identity = identity;
  }

  get identity(): Identity {
    return this.#identity;
  }

  onChange(changed: () => void): void {
    this.#listeners.push(changed);
  }

  /** The next pair. One that was made before and that nobody knows is used again: `known` has the keys that others know. */
  prepare(random: Random, known: readonly string[]): Identity {
    const { previous: other } = this.#identity;
    if (other !== undefined && !known.includes(keysText(other.keys))) return other;
    const next = newSeeds(random);
    this.#write(readSeeds(this.#data), next);
    return new Identity(next);
  }

  /** Uses the other pair from now on, if its keys are these. */
  goOver(keys: string | undefined): boolean {
    const { previous: other } = this.#identity;
    if (other === undefined || keysText(other.keys) !== keys) return false;
    const seeds = readOtherSeeds(this.#data);
    if (seeds === undefined) return false;
    this.#write(seeds, readSeeds(this.#data));
    return true;
  }

  /** Forgets the other pair. */
  settle(): void {
    if (this.#identity.previous !== undefined) this.#write(readSeeds(this.#data));
  }

  #write(present: Seeds, other?: Seeds): void {
    writeIdentity(this.#data, present, other);
    this.#identity = readIdentity(this.#data);
    for (const changed of this.#listeners) changed();
  }
}
