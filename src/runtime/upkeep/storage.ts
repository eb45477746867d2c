import type { Journal } from "../../journal/journal.ts";
import { StewardError } from "../../message/errors.ts";
import { type Kept, Upkeep, type UpkeepOptions } from "./upkeep.ts";

/**
 * Watches the room of the journal: new messages are refused when it runs out, or when the journal fails.
 *
 *   ok ⇄ low ⇄ full   by its own limit or by the disk, whichever is worse; a disk that refuses writes counts as full
 *
 * A full journal refuses new work. ACKs and outcomes still pass: the journal keeps room for them.
 */
/** Shares of the journal's limit from which it is low, and from which new messages are refused: the rest is for outcomes. */
const LOW = 0.8;
const FULL = 0.95;
/** Free bytes of the disk below which the journal is low, and full; on a small disk that share of its size, if less. */
const LOW_FREE = { bytes: 64 * 1024 * 1024, share: 1 / 4 };
const FULL_FREE = { bytes: 16 * 1024 * 1024, share: 1 / 16 };
/** How long a reading of the disk's free bytes is used, ms. */
const LOOK_AGAIN = 500;
/** How long a judgement of both is used, ms: it is asked for with each message. */
const JUDGE_AGAIN = 100;
/** How long a caller waits for a disk that refuses, ms. */
const PATIENCE = 2000;

type Level = "ok" | "low" | "full";

/** State and size of the journal, with its limit, bytes. */
export interface JournalHealth {
  readonly state: Level | "failed";
  readonly bytes: number;
  readonly limit: number;
}

export class Storage {
  readonly #journal: Journal;
  readonly #options: UpkeepOptions;
  /** Callers that wait for the disk. */
  readonly #waiting = new Set<() => void>();
  #durable: Promise<void> | undefined;
  #upkeep: Upkeep | undefined;
  #closing: "closed" | "failed" | undefined;
  #looked = { at: Number.NEGATIVE_INFINITY, free: 0, size: 0 };
  #judged: { readonly at: number; readonly limit: number; readonly level: Level } = {
    at: Number.NEGATIVE_INFINITY,
    limit: 0,
    level: "ok",
  };

  constructor(journal: Journal, options: UpkeepOptions) {
    this.#journal = journal;
    this.#options = options;
  }

  level(): Level {
    if (this.#journal.fault !== undefined) return "full";
    const { journalBytes } = this.#options.config().limits;
    const { at, limit, level } = this.#judged;
    const now = this.#options.clock.monotonic();
    if (limit === journalBytes && now - at < JUDGE_AGAIN) return level;
    const judged = this.#levelOf(journalBytes);
    this.#judged = { at: now, limit: journalBytes, level: judged };
    return judged;
  }

  #levelOf(limit: number): Level {
    const used = this.#journal.bytes() / limit;
    const { free, size } = this.#room();
    if (used >= FULL || free < floor(FULL_FREE, size)) return "full";
    return used >= LOW || free < floor(LOW_FREE, size) ? "low" : "ok";
  }

  hasRoom(): boolean {
    return this.level() !== "full";
  }

  /** Refuses new messages until the next core has opened the journal. */
  closing(failed: boolean): void {
    this.#closing = failed ? "failed" : "closed";
  }

  /** Why new messages are refused; `undefined`: they are taken. */
  refusal(): StewardError | undefined {
    const { data: path, limits } = this.#options.config();
    const fault = this.#closing === undefined ? this.#journal.fault : "it is being opened anew";
    if (fault !== undefined) return new StewardError("journal-failed", { path, fault });
    if (this.hasRoom()) return undefined;
    const { free, size } = this.#room();
    return free < floor(FULL_FREE, size)
      ? new StewardError("journal-disk-full", { path, free, floor: floor(FULL_FREE, size) })
      : new StewardError("journal-full", { held: this.#journal.bytes(), limit: limits.journalBytes });
  }

  /**
   * Resolves when all writes so far are durable. @throws StewardError `journal-failed` once the disk has refused them for
   * a while; they are tried again all the same.
   */
  durable(): Promise<void> {
    if (this.#durable === undefined) {
      this.#durable = this.#wait();
      // Only callers of one turn share a wait: a later one waits for later writes.
      this.#journal.atTurnEnd(() => {
        this.#durable = undefined;
      });
    }
    return this.#durable;
  }

  async #wait(): Promise<void> {
    const { clock } = this.#options;
    let stop = (): void => undefined;
    const refused = new Promise<never>((_, reject) => {
      const look = (): void => {
        const refusal = this.#journal.fault === undefined ? undefined : this.refusal();
        if (refusal === undefined) timer = clock.setTimeout(look, PATIENCE);
        else reject(refusal);
      };
      let timer = clock.setTimeout(look, PATIENCE);
      stop = () => clock.clearTimeout(timer);
    });
    this.#waiting.add(stop);
    try {
      await Promise.race([this.#journal.flushed(), refused]);
    } finally {
      stop();
      this.#waiting.delete(stop);
    }
  }

  health(): JournalHealth {
    const limit = this.#options.config().limits.journalBytes;
    const state = this.#closing === "failed" || this.#journal.fault !== undefined ? "failed" : this.level();
    return { state, bytes: this.#journal.bytes(), limit };
  }

  #room(): { free: number; size: number } {
    const now = this.#options.clock.monotonic();
    if (now - this.#looked.at >= LOOK_AGAIN) {
      try {
        this.#looked = { at: now, ...this.#journal.room() };
      } catch {
        // A disk that does not tell its free bytes counts as full.
        this.#looked = { at: now, free: 0, size: 0 };
      }
    }
    return this.#looked;
  }

  /** Begins the upkeep of the journal and of the stores beside it. */
  begin(onFailure: (error: unknown) => void, kept: Kept): void {
    this.#upkeep = new Upkeep(this.#journal, this.#options, kept);
    this.#upkeep.begin(onFailure);
  }

  async end(): Promise<void> {
    for (const stop of this.#waiting) stop();
    await this.#upkeep?.end();
  }
}

/** The floor in bytes on a disk of this size. */
function floor({ bytes, share }: typeof FULL_FREE, size: number): number {
  return Math.max(1, Math.min(bytes, Math.floor(size * share)));
}
