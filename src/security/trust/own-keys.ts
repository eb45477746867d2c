import type { Random } from "../../message/clock.ts";
import { newSeeds } from "../keys/identity.ts";
import type { Identity } from "../keys/identity.ts";
import { readIdentity, readSeeds, writeIdentity } from "../keys/identity-files.ts";
import { keysText } from "../keys/public-keys.ts";

/**
 * The keys of this node while it runs, and their change: the new pair is used at once towards those who know it, and the pair
 * before (`identity.previous`) towards all others, until `settle`. Files and memory change together.
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

  /** Makes new keys. `known`: keys that others know; a pair that nobody knows yet is kept, so that a repeated order changes nothing. */
  change(random: Random, known: readonly string[]): Identity {
    const { keys, previous } = this.#identity;
    if (previous !== undefined && !known.includes(keysText(keys))) return this.#identity;
    writeIdentity(this.#data, newSeeds(random), readSeeds(this.#data));
    return this.#read();
  }

  /** Forgets the pair before: all others know the present one. */
  settle(): void {
    if (this.#identity.previous === undefined) return;
    writeIdentity(this.#data, readSeeds(this.#data));
    this.#read();
  }

  #read(): Identity {
    this.#identity = readIdentity(this.#data);
    for (const changed of this.#listeners) changed();
    return this.#identity;
  }
}
