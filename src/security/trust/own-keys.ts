import type { Random } from "../../message/clock.ts";
import { Identity, newSeeds, type Seeds } from "../keys/identity.ts";
import { readOtherSeeds, readSeeds, writeIdentity } from "../keys/identity-files.ts";
import { keysText } from "../keys/public-keys.ts";

/**
 * The keys of this node while it runs, and their change: a second pair is made beside the present one and opens packets as
 * well; once the others know it, the two change places, and the pair before still opens. The files change with them.
 */
export class OwnKeys {
  readonly #data: string;
  #identity: Identity;

  constructor(data: string, identity: Identity) {
    this.#data = data;
    this.#identity = identity;
  }

  get identity(): Identity {
    return this.#identity;
  }

  /**
   * The next pair. One that was made before is used again, so that an order that is carried out twice names the same keys.
   * `known`: the keys of this node that central has heard of.
   */
  prepare(random: Random, known: readonly string[]): Identity {
    const { previous: other } = this.#identity;
    if (other !== undefined && !known.includes(keysText(other.keys))) return other;
    const next = newSeeds(random);
    this.#write(readSeeds(this.#data), next);
    return new Identity(next);
  }

  /** Uses the second pair from now on, if its keys are these. */
  goOverTo(keys: string | undefined): boolean {
    const { previous: other } = this.#identity;
    if (other === undefined || keys === undefined || keysText(other.keys) !== keys) return false;
    const seeds = readOtherSeeds(this.#data);
    if (seeds === undefined) return false;
    this.#write(seeds, readSeeds(this.#data));
    return true;
  }

  /** Forgets the second pair, if its keys are among these. */
  settle(keys: readonly string[]): void {
    const { previous: other } = this.#identity;
    if (other === undefined || !keys.includes(keysText(other.keys))) return;
    const present = readSeeds(this.#data);
    writeIdentity(this.#data, present);
    this.#identity = new Identity(present);
  }

  #write(present: Seeds, other: Seeds): void {
    writeIdentity(this.#data, present, other);
    this.#identity = new Identity(present, new Identity(other));
  }
}
