import type { Item } from "../../runtime/operate/table.ts";

/** One thing that happened, as the stream tells it. */
export type Happening = Exclude<Item<"watch">, { readonly type: "gap" }>;
export type HappeningOf<T extends Happening["type"]> = Extract<Happening, { readonly type: T }>;
export type Transition = HappeningOf<"transition">;

/** The last so many of something, the newest last; each with a number that never comes twice. */
export class Recent<T> {
  readonly #most: number;
  #items: { readonly no: number; readonly item: T }[] = [];
  #last = 0;

  constructor(most: number) {
    this.#most = most;
  }

  add(item: T): void {
    this.#items.push({ no: ++this.#last, item });
    // Cutting now and then costs less than each time.
    if (this.#items.length > this.#most * 1.25) this.#items = this.#items.slice(-this.#most);
  }

  /** Puts earlier ones in front of those that are here. */
  putBefore(items: readonly T[]): void {
    const all = [...items, ...this.#items.map(({ item }) => item)].slice(-this.#most);
    this.#last += items.length;
    this.#items = all.map((item, i) => ({ no: this.#last - all.length + 1 + i, item }));
  }

  get items(): readonly { readonly no: number; readonly item: T }[] {
    return this.#items;
  }

  /** How many there were in all. */
  get count(): number {
    return this.#last;
  }

  clear(): void {
    this.#items = [];
  }
}
