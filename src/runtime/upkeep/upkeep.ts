import type { Config } from "../../config/config.ts";
import type { Journal } from "../../journal/journal.ts";
import type { Clock, Timer } from "../../message/clock.ts";
import { idTime } from "../../message/id.ts";
import type { MethodFacts } from "../../methods/define.ts";
import type { Spawner } from "../../methods/spawner.ts";
import type { Failures } from "../../observe/alerting/failures.ts";
import type { Counters } from "../../observe/metrics/counters.ts";
import type { Logger } from "../../platform/logger.ts";
import { LivedTime } from "./lived-time.ts";

/**
 * Forgets records and files beyond the bounds of `retention`: records of the journal every minute, `SWEEP_LIMIT` at once,
 * and every ten minutes in an idle journal, for each sweep is a write to the disk; files that methods have stored every
 * hour. An open message or an unacknowledged outcome is never forgotten.
 *
 *   sweep ─(a minute; a second while there is more)─▶ sweep …        files ─(an hour after they were looked at)─▶ files …
 */
export interface UpkeepOptions {
  readonly config: () => Config;
  readonly clock: Clock;
  readonly log: Logger;
  readonly counters: Pick<Counters, "drop">;
}

/** The stores that are looked after beside the journal. */
export interface Kept {
  readonly methods: ReadonlyMap<string, MethodFacts>;
  readonly failures: Pick<Failures, "report">;
  /** Keys of files that were taken and are not moved away yet. */
  readonly filesInHand: ReadonlySet<string>;
  readonly spawner: Pick<Spawner, "recorded" | "forget">;
  /** The directory in which a method keeps its files. */
  directory(method: string): string;
}

const SWEEP_EVERY = 60_000;
const SWEEP_IDLE = 600_000;
/** The pause while there is more to forget than is forgotten at once: upkeep must keep up with new records. */
const SWEEP_AGAIN = 1000;
const SWEEP_LIMIT = 5000;
/** Dead letters may have this part of the bytes of `retention`: one in so many. */
const DEAD_SHARE = 4;
/** The most keys of taken files that one sweep looks at. */
const TAKEN_LIMIT = 500;
const FILES_EVERY = 3_600_000;
const STAY_BEHIND = "files of ended runs stay behind";

export class Upkeep {
  readonly #journal: Journal;
  readonly #options: UpkeepOptions;
  readonly #kept: Kept;
  readonly #lived: LivedTime;
  readonly #stopping = new AbortController();
  readonly #stopped = new Promise((resolve) => this.#stopping.signal.addEventListener("abort", resolve));
  readonly #begunAt: number;
  #timer: Timer | undefined;
  #filesAt = Number.NEGATIVE_INFINITY;
  #files: Promise<void> | undefined;

  constructor(journal: Journal, options: UpkeepOptions, kept: Kept) {
    this.#journal = journal;
    this.#options = options;
    this.#kept = kept;
    this.#lived = new LivedTime(journal, options.clock);
    this.#begunAt = options.clock.monotonic();
  }

  begin(onFailure: (error: unknown) => void): void {
    const { clock, log } = this.#options;
    let wait = SWEEP_EVERY;
    let bytes = -1;
    let swept = clock.monotonic();
    const look = (): void => {
      try {
        if (bytes !== this.#journal.bytes() || clock.monotonic() - swept >= SWEEP_IDLE) {
          wait = this.#sweep() < SWEEP_LIMIT ? SWEEP_EVERY : SWEEP_AGAIN;
          bytes = this.#journal.bytes();
          swept = clock.monotonic();
        }
        this.#lookAtFiles();
      } catch (error) {
        onFailure(error);
      }
      this.#journal.flushed().catch(onFailure);
      this.#timer = clock.setTimeout(look, wait);
    };
    this.#timer = clock.setTimeout(look, wait);
    void this.#forgetRuns().catch((error) => log.warn({ err: error }, STAY_BEHIND));
  }

  /** Resolves when the running removals have ended. */
  async end(): Promise<void> {
    this.#options.clock.clearTimeout(this.#timer);
    this.#stopping.abort();
    await this.#files;
  }

  /** Returns the number of records that were forgotten. */
  #sweep(): number {
    const { clock, config, log } = this.#options;
    const { age, bytes, logs } = config().retention;
    this.#lived.look(Math.max(age, logs.age), Math.min(age, logs.age));
    // A journal beyond its bytes forgets its oldest ended records, whatever their age and the clock.
    const removed =
      this.#journal.bytes() > bytes
        ? this.#journal.sweep(Number.POSITIVE_INFINITY, SWEEP_LIMIT)
        : this.#journal.sweep(clock.now() - age, SWEEP_LIMIT, (at) => this.#lived.spares(at, age));
    if (removed > 0) log.debug({ removed }, "forgot what is older than its retention");
    return Math.max(removed, this.#dropDeadLetters(), this.#forgetOthers(age));
  }

  /** Forgets old records without use: numbers of replaced journals, keys of files that were moved away. */
  #forgetOthers(age: number): number {
    const { clock, log } = this.#options;
    const isOld = (at: number): boolean => this.#isOld(at, age);
    const lanes = this.#journal.inbox.sweepDeadEpochs(isOld, SWEEP_LIMIT);
    if (lanes > 0) log.info({ lanes }, "forgot lanes of journals that their nodes do not have any more");
    // The intakes need a while to look at every file: before that, the files that still lie there are unknown.
    if (clock.monotonic() - this.#begunAt < FILES_EVERY) return lanes;
    const { filesInHand } = this.#kept;
    this.#journal.sweepTaken((key, ids) => !filesInHand.has(key) && ids.every((id) => isOld(idTime(id))), TAKEN_LIMIT);
    return lanes;
  }

  #dropDeadLetters(): number {
    const { config, counters } = this.#options;
    const { age, bytes, deadLetters: count } = config().retention;
    const bounds = { isOld: (at: number) => this.#isOld(at, age), count, bytes: bytes / DEAD_SHARE };
    const dropped = this.#journal.deadLetters.sweep(bounds, SWEEP_LIMIT);
    const [first] = dropped;
    if (first === undefined) return 0;
    const { id, subject, origin } = first.message;
    counters.drop("dead-letter", dropped.length, { id, subject, origin });
    const text = `${dropped.length} dead letters that nobody dealt with are out of their retention, the first ${id} on ${subject} from ${origin}`;
    this.#kept.failures.report("dead-letter-dropped", text);
    return dropped.length;
  }

  #isOld(at: number, age: number): boolean {
    return at < this.#options.clock.now() - age && !this.#lived.spares(at, age);
  }

  /** Removes files of ended runs that an earlier daemon left behind, or that the runner did not remove when asked. */
  async #forgetRuns(): Promise<void> {
    const { spawner } = this.#kept;
    const ended = (await spawner.recorded()).filter((id) => this.#journal.inbox.find(id) === undefined);
    if (ended.length === 0) return;
    // The record of a run is the only proof of its end until the outcome is durable.
    await Promise.race([this.#journal.flushed(), this.#stopped]);
    for (const id of ended) {
      if (this.#stopping.signal.aborted) return;
      await spawner.forget(id).catch((error) => this.#options.log.warn({ err: error, id }, STAY_BEHIND));
    }
  }

  #lookAtFiles(): void {
    const { clock, log } = this.#options;
    const now = clock.monotonic();
    if (this.#files !== undefined || now - this.#filesAt < FILES_EVERY) return;
    this.#filesAt = now;
    this.#files = Promise.all([this.#forgetFiles(), this.#forgetRuns()])
      .then(() => undefined)
      .catch((error) => log.warn({ err: error }, "stored files that are out of bounds stay behind"))
      .finally(() => {
        this.#files = undefined;
      });
  }

  async #forgetFiles(): Promise<void> {
    const { clock, config, log, counters } = this.#options;
    const { age, bytes } = config().retention.logs;
    const now = clock.now();
    const isOld = (at: number): boolean => this.#isOld(at, age);
    for (const { name: method, event } of this.#kept.methods.values()) {
      const bounds = { now, bytes, isOld, stopping: this.#stopping.signal };
      const forgotten = await event?.forget?.(this.#kept.directory(method), bounds);
      if (forgotten === undefined) continue;
      const { files, early, held } = forgotten;
      if (files > 0) log.info({ method, ...forgotten }, "forgot stored files that are out of their retention");
      counters.drop("stored-files", early, { method, limit: bytes });
      if (held > bytes) log.warn({ method, held, limit: bytes }, "what was stored today alone is more than its limit");
    }
  }
}
