import type { Clock, Timer } from "../message/clock.ts";
import { parseSubject } from "../message/subject.ts";
import type { Method, MethodLog } from "../methods/define.ts";
import type { Spawner } from "../methods/spawner.ts";
import type { Config } from "./config/config.ts";
import type { Journal } from "./journal/journal.ts";
import type { Health } from "./operations.ts";

/** The room that the journal has, and its upkeep: forgets what is older than its retention, notices that it fails. */
export interface StorageOptions {
  readonly config: () => Config;
  readonly clock: Clock;
  readonly log: MethodLog;
}

/** Share of the journal's limit from which it is low, and from which new messages are refused: the rest is for outcomes. */
const LOW = 0.8;
const FULL = 0.95;
const SWEEP_EVERY = 60_000;
const SWEEP_LIMIT = 5000;

export class Storage {
  readonly #journal: Journal;
  readonly #options: StorageOptions;
  #timer: Timer | undefined;

  constructor(journal: Journal, options: StorageOptions) {
    this.#journal = journal;
    this.#options = options;
  }

  level(): "ok" | "low" | "full" {
    const used = this.#journal.bytes() / this.#options.config().limits.journalBytes;
    return used >= FULL ? "full" : used >= LOW ? "low" : "ok";
  }

  hasRoom(): boolean {
    return this.level() !== "full";
  }

  health(failed: boolean): Health["journal"] {
    const limit = this.#options.config().limits.journalBytes;
    return { state: failed ? "failed" : this.level(), bytes: this.#journal.bytes(), limit };
  }

  /** Looks after the journal from now on. */
  begin(onFailure: (error: unknown) => void): void {
    const { clock, config, log } = this.#options;
    const look = (): void => {
      try {
        const { age, bytes } = config().retention;
        // Over its bytes the oldest of what has ended goes first, whatever its age.
        const before = this.#journal.bytes() > bytes ? clock.now() : clock.now() - age;
        const removed = this.#journal.sweep(before, SWEEP_LIMIT);
        if (removed > 0) log.debug({ removed }, "forgot what is older than its retention");
      } catch (error) {
        onFailure(error);
      }
      this.#journal.flushed().catch(onFailure);
      this.#timer = clock.setTimeout(look, SWEEP_EVERY);
    };
    this.#timer = clock.setTimeout(look, SWEEP_EVERY);
  }

  end(): void {
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
