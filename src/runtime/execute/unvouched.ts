import type { InRecord } from "../../journal/records.ts";
import type { Clock, Timer } from "../../message/clock.ts";
import type { Outcome } from "../../message/report.ts";
import type { Vouching } from "../resync/vouch-ask.ts";

/** How long an answer may take before the commands that wait for it are shown as waiting, ms. */
const TOLD_AFTER = 30_000;
const SINCE_A_RESTART = "this daemon was restarted (a steward older than 0.2 does not answer)";

export interface LeftOverOptions {
  readonly vouching: Pick<Vouching, "isOpen" | "onceVouched">;
  readonly clock: Clock;
  /** Tells that a command waits, and for what; `undefined`: it waits no more. */
  readonly waits: (record: InRecord, reason: string | undefined) => void;
}

interface Waiting {
  readonly record: InRecord;
  readonly go: () => void;
}

/**
 * The commands of one subject that an earlier life of the daemon took, and that may not go on before their origin has
 * vouched for them. Later commands of that origin wait behind them; those of other origins pass.
 */
export class LeftOver {
  readonly #options: LeftOverOptions;
  readonly #waiting = new Map<string, Waiting[]>();
  readonly #timers = new Map<string, Timer>();

  constructor(options: LeftOverOptions) {
    this.#options = options;
  }

  stop(): void {
    for (const timer of this.#timers.values()) this.#options.clock.clearTimeout(timer);
  }

  get any(): boolean {
    return this.#waiting.size > 0;
  }

  /** True if the command has to wait; `go` is called once it may go on. Waiting commands go on in the order of these calls. */
  keeps(record: InRecord, go: () => void): boolean {
    return this.#keeps(record, (waiting) => waiting.push({ record, go }));
  }

  /**
   * Like `keeps`, for a command that had its turn and did not begin: later ones may wait here already, and the command
   * goes on before them.
   */
  keepsAgain(record: InRecord, go: () => void): boolean {
    return this.#keeps(record, (waiting) => {
      const later = waiting.findIndex((other) => other.record.epoch !== record.epoch || other.record.seq > record.seq);
      waiting.splice(later < 0 ? waiting.length : later, 0, { record, go });
    });
  }

  #keeps(record: InRecord, place: (waiting: Waiting[]) => void): boolean {
    const { origin } = record.message;
    const before = this.#waiting.get(origin);
    if (before === undefined && !(begins(record) && this.#options.vouching.isOpen(record))) return false;
    const waiting = before ?? [];
    place(waiting);
    if (before === undefined) {
      const { vouching, clock, waits } = this.#options;
      this.#waiting.set(origin, waiting);
      const tell = (): void => waits(record, `${origin} has not answered whether it had run before ${SINCE_A_RESTART}`);
      this.#timers.set(origin, clock.setTimeout(tell, TOLD_AFTER));
      vouching.onceVouched(origin, () => this.#proceed(record));
    }
    return true;
  }

  #proceed(first: InRecord): void {
    const { origin } = first.message;
    const { clock, waits } = this.#options;
    clock.clearTimeout(this.#timers.get(origin));
    this.#timers.delete(origin);
    waits(first, undefined);
    const all = this.#waiting.get(origin) ?? [];
    this.#waiting.delete(origin);
    for (const { go } of all) go();
  }
}

/** True for a command that has not begun, by its record. */
export function begins({ state, doubtful }: InRecord): boolean {
  return state !== "running" && doubtful !== true;
}

/** The outcome of a command that may or may not have run to its end. */
export function interrupted({ doubtful, startedAt }: InRecord, at: number): Outcome {
  const reason =
    doubtful === true
      ? "this node's journal, or that of its origin, was restored from a copy: whether it ran since cannot be proved"
      : "the daemon ended while it ran";
  return { state: "interrupted", at, reason, ...(startedAt === undefined ? {} : { startedAt }) };
}
