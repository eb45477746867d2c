/** The numbers of a sender that were taken, each once; a number far behind the highest one counts as taken (RFC 6479). */
const WORD = 32;
const WORDS = 64;
/** How far behind the highest number one may come that is taken. */
export const WINDOW = (WORDS - 1) * WORD;

export class ReplayWindow {
  readonly #taken = new Uint32Array(WORDS);
  #highest = -1;

  isNew(number: number): boolean {
    if (number > this.#highest) return true;
    if (this.#highest - number >= WINDOW) return false;
    return ((this.#taken[Math.floor(number / WORD) % WORDS] ?? 0) & bit(number)) === 0;
  }

  /** Takes a number that is new. */
  take(number: number): void {
    if (number > this.#highest) {
      const to = Math.floor(number / WORD);
      const from = Math.max(Math.floor(this.#highest / WORD), to - WORDS);
      for (let word = from + 1; word <= to; word++) this.#taken[word % WORDS] = 0;
      this.#highest = number;
    }
    const at = Math.floor(number / WORD) % WORDS;
    this.#taken[at] = (this.#taken[at] ?? 0) | bit(number);
  }
}

function bit(number: number): number {
  return 1 << (number % WORD);
}
