import type { Clock, Timer } from "../../message/clock.ts";

/**
 * The reasons with which the sources of this method call `context.dropped`:
 *   queue-full      datagrams that came while the queue was full (UDP cannot wait)
 *   kernel-full     datagrams that the kernel dropped because the receive buffer was full
 *   not-utf8        characters that stand as U+FFFD for bytes that are not UTF-8
 *   nul             NUL bytes before a line of a file, as a truncation leaves them, or at the beginning of a message
 *   unread          bytes of a file that are gone before they were read, as far as they were seen; at least 1
 *   framing-error   wrong octet counts before messages over TCP
 *   refused         connections beyond what descriptors, or their allowed number, leave room for
 *   not-durable     lines that were held when the source failed or was stopped
 */
export type LossReason =
  | "queue-full"
  | "kernel-full"
  | "not-utf8"
  | "nul"
  | "unread"
  | "framing-error"
  | "refused"
  | "not-durable";

const INTERVAL = 1_000;

/** Reports the first loss of a reason at once, and then at most one sum a second: a flood must not become a flood of logs. */
export class Losses {
  readonly #report: (reason: string, count: number) => void;
  readonly #clock: Clock;
  readonly #open = new Map<LossReason, { sum: number; timer: Timer }>();

  constructor(context: { dropped(reason: string, count: number): void; readonly clock: Clock }) {
    this.#report = (reason, count) => context.dropped(reason, count);
    this.#clock = context.clock;
  }

  add(reason: LossReason, count: number): void {
    if (count <= 0) return;
    const open = this.#open.get(reason);
    if (open !== undefined) {
      open.sum += count;
      return;
    }
    this.#report(reason, count);
    this.#arm(reason);
  }

  /** Reports the sums that are left, and clears the timers. */
  close(): void {
    for (const [reason, { sum, timer }] of this.#open) {
      this.#clock.clearTimeout(timer);
      if (sum > 0) this.#report(reason, sum);
    }
    this.#open.clear();
  }

  #arm(reason: LossReason): void {
    const timer = this.#clock.setTimeout(() => {
      const sum = this.#open.get(reason)?.sum ?? 0;
      this.#open.delete(reason);
      if (sum === 0) return;
      this.#report(reason, sum);
      this.#arm(reason);
    }, INTERVAL);
    this.#open.set(reason, { sum: 0, timer });
  }
}
