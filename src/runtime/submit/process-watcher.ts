/** Hears of processes that run and cannot work for a fault of their surroundings, which is waited out: `daemon/processes.ts`. */
export interface ProcessWatcher {
  /** `undefined`: it can work again, or has ended. */
  block(role: "source" | "subscriber", subject: string, fault: string | undefined): void;
}
