import type { SendingTime } from "../../message/wire/frame.ts";

/** Hears of every proved sign of life of another node. What follows from it is said above, in `daemon/links.ts`. */
export interface Evidence {
  /** `epoch`: of the journal that gave it, as far as it says so. Returns how long it was under way, ms. */
  alive(node: string, bytes: number, time: SendingTime, cause: string, epoch?: string): number;
}
