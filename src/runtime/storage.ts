import type { Clock, Timer } from "../message/clock.ts";
import { StewardError } from "../message/errors.ts";
import { parseSubject } from "../message/subject.ts";
import type { Method, MethodLog } from "../methods/define.ts";
import type { Spawner } from "../methods/spawner.ts";
import type { Config } from "./config/config.ts";
import type { Journal } from "./journal/journal.ts";
import { LivedTime } from "./lived-time.ts";
import type { Health } from "./operations.ts";

/**
 * The room that the journal has, and its upkeep: forgets what is older than its retention, notices that it fails.
 *
 *   ok ⇄ low ⇄ full   of its own limit, or of the disk, whichever is worse; a disk that refuses writes counts as full
 *
 * What is refused when it is full is new work. What is owed still passes: the journal keeps room for it.
 */
export interface StorageOptions {
  readonly config: () => Config;
  readonly clock: Clock;
  readonly log: MethodLog;
}

/** Share of the journal's limit from which it is low, and from which new messages are refused: the rest is for outcomes. */
const LOW = 0.8;
const FULL = 0.95;
/** Of the disk's free bytes the same two floors; of a small disk a share of it. */
const LOW_FREE = { bytes: 64 * 1024 * 1024, share: 1 / 4 };
const FULL_FREE = { bytes: 16 * 1024 * 1024, share: 1 / 16 };
/** How long an answer of the disk is good, ms. */
const LOOK_AGAIN = 500;
/** How long somebody waits for a disk that refuses, ms. */
const PATIENCE = 2000;
const SWEEP_EVERY = 60_000;
/** The same while there is more to forget than is forgotten at once: it must keep up with what comes. */
const SWEEP_AGAIN = 1000;
const SWEEP_LIMIT = 5000;

export class Storage {
  readonly #journal: Journal;
  readonly #options: StorageOptions;
  /** Those who wait for the disk. */
  readonly #waiting = new Set<() => void>();
  #timer: Timer | undefined;
  #looked = { at: Number.NEGATIVE_INFINITY, free: 0, size: 0 };

  constructor(journal: Journal, options: StorageOptions) {
    this.#journal = journal;
    this.#options = options;
  }

  level(): "ok" | "low" | "full" {
    const used = this.#journal.bytes() / this.#options.config().limits.journalBytes;
    const { free, size } = this.#room();
    if (used >= FULL || this.#journal.fault !== undefined || free < floor(FULL_FREE, size)) return "full";
    return used >= LOW || free < floor(LOW_FREE, size) ? "low" : "ok";
  }

  hasRoom(): boolean {
    return this.level() !== "full";
  }

  /** Why nothing is taken between the end of one core and the begin of the next. */
  closed(): StewardError {
    return new StewardError("journal-failed", { path: this.#options.config().data, fault: "it is being opened anew" });
  }

  /** Why new messages are refused; `undefined`: they are not. */
  refusal(): StewardError | undefined {
    const { data: path, limits } = this.#options.config();
    const { fault } = this.#journal;
    if (fault !== undefined) return new StewardError("journal-failed", { path, fault });
    if (this.hasRoom()) return undefined;
    const { free, size } = this.#room();
    return free < floor(FULL_FREE, size)
      ? new StewardError("journal-disk-full", { path, free, floor: floor(FULL_FREE, size) })
      : new StewardError("journal-full", { held: this.#journal.bytes(), limit: limits.journalBytes });
  }

  /**
   * Resolves when everything so far is durable. @throws StewardError `journal-failed` once the disk has refused it for a
   * while; it is tried again all the same.
   */
  async durable(): Promise<void> {
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

  health(failed: boolean): Health["journal"] {
    const limit = this.#options.config().limits.journalBytes;
    const state = failed || this.#journal.fault !== undefined ? "failed" : this.level();
    return { state, bytes: this.#journal.bytes(), limit };
  }

  #room(): { free: number; size: number } {
    const now = this.#options.clock.monotonic();
    if (now - this.#looked.at >= LOOK_AGAIN) {
      try {
        this.#looked = { at: now, ...this.#journal.room() };
      } catch {
        // A disk that does not even answer that has no room.
        this.#looked = { at: now, free: 0, size: 0 };
      }
    }
    return this.#looked;
  }

  /** Looks after the journal from now on. */
  begin(onFailure: (error: unknown) => void): void {
    const { clock, config, log } = this.#options;
    const lived = new LivedTime(this.#journal, clock);
    let wait = SWEEP_EVERY;
    const look = (): void => {
      try {
        const { age, bytes } = config().retention;
        lived.look(age);
        // Over its bytes the oldest of what has ended goes first, whatever its age and whatever a clock says.
        const removed =
          this.#journal.bytes() > bytes
            ? this.#journal.sweep(Number.POSITIVE_INFINITY, SWEEP_LIMIT)
            : this.#journal.sweep(clock.now() - age, SWEEP_LIMIT, (at) => lived.spares(at, age));
        wait = removed < SWEEP_LIMIT ? SWEEP_EVERY : SWEEP_AGAIN;
        if (removed > 0) log.debug({ removed }, "forgot what is older than its retention");
      } catch (error) {
        onFailure(error);
      }
      this.#journal.flushed().catch(onFailure);
      this.#timer = clock.setTimeout(look, wait);
    };
    this.#timer = clock.setTimeout(look, SWEEP_EVERY);
  }

  end(): void {
    for (const stop of this.#waiting) stop();
    this.#options.clock.clearTimeout(this.#timer);
  }

  /** Hands over the commands that the last daemon had as running, of methods that take such over. */
  takeOverRuns(spawner: Spawner, methods: ReadonlyMap<string, Method>): void {
    const running = this.#journal.inbox.pending().filter(({ state, message: { subject } }) => {
      const { command } = methods.get(parseSubject(subject).method) ?? {};
      return state === "running" && command?.adopt !== undefined;
    });
    spawner.takeOver(running.map(({ message }) => message.id));
  }

  /** Files of runs that a daemon before this one had no time to remove. */
  async forgetRuns(spawner: Spawner): Promise<void> {
    try {
      for (const id of await spawner.recorded()) {
        if (this.#journal.inbox.find(id) === undefined) await spawner.forget(id);
      }
    } catch (error) {
      this.#options.log.warn({ err: error }, "files of ended runs stay behind");
    }
  }
}

/** Free bytes below which it is so. */
function floor({ bytes, share }: typeof FULL_FREE, size: number): number {
  return Math.max(1, Math.min(bytes, Math.floor(size * share)));
}
