/** Hears of processes that run and cannot work for a fault of their surroundings, until the fault is gone: `daemon/processes.ts`. */
export interface ProcessWatcher {
  /** `fault` undefined: the process can work again, or has ended. */
  block(role: "source" | "subscriber", subject: string, fault: string | undefined): void;
}
