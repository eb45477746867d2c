import type { SendingTime } from "../../message/wire/frame.ts";

/** Hears of every proved sign of life of another node; `daemon/links.ts` decides what follows. */
export interface Evidence {
  /** `epoch`: of the journal that gave the sign, where the sign names one. Returns the travel time, ms. */
  alive(node: string, bytes: number, time: SendingTime, cause: string, epoch?: string): number;
  /** True if a sign of life was under way for longer than its node may be silent: it says nothing of the present. */
  isOutdated(node: string, time: SendingTime, underWay: number): boolean;
}
