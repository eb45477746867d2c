/**
 * The bytes that may be on the way to one node at once, over all its lanes. Urgent lanes are not bounded, so that a small
 * stop command never waits behind a large log.
 */
export class Window {
  readonly #limit: () => number;
  #used = 0;
  readonly #waiting = new Set<() => void>();

  constructor(limit: () => number) {
    this.#limit = limit;
  }

  /** The bytes under way. */
  get used(): number {
    return this.#used;
  }

  /** Takes `bytes`, or remembers to call `retry` when there is room. One frame always fits into an empty window. */
  take(bytes: number, urgent: boolean, retry: () => void): boolean {
    if (!urgent && this.#used > 0 && this.#used + bytes > this.#limit()) {
      this.#waiting.add(retry);
      return false;
    }
    this.#used += bytes;
    return true;
  }

  /** Gives `bytes` back; waiting lanes are called in the order in which they came. */
  release(bytes: number): void {
    this.#used -= bytes;
    if (bytes === 0 || this.#waiting.size === 0) return;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const retry of waiting) retry();
  }

  forget(retry: () => void): void {
    this.#waiting.delete(retry);
  }
}
