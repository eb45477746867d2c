/**
 * A map whose entries come and go all the time, as those of messages under way do.
 *
 * A Map of V8 that has outgrown its table links the old table to the new one and leaves the old one's entries in place. Once
 * a full collection has made a table old, everything that later tables ever held at such a moment stays until the next full
 * collection, which makes another table old. With 100 entries at a time that costs more than the work on them. A copy has no
 * such past: one is made now and then.
 */
export class ChurnMap<K, V> {
  #map = new Map<K, V>();
  /** Entries put since the last copy. */
  #put = 0;

  get size(): number {
    return this.#map.size;
  }

  get(key: K): V | undefined {
    return this.#map.get(key);
  }

  has(key: K): boolean {
    return this.#map.has(key);
  }

  set(key: K, value: V): void {
    // A copy costs less than half of what was put since the last one.
    if (++this.#put > 2 * this.#map.size + LEAST) {
      this.#map = new Map(this.#map);
      this.#put = 0;
    }
    this.#map.set(key, value);
  }

  delete(key: K): boolean {
    return this.#map.delete(key);
  }

  values(): IterableIterator<V> {
    return this.#map.values();
  }
}

/** Entries that are put between two copies at least. */
const LEAST = 64;
