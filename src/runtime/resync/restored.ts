import type { FailingChild } from "../../actors/supervisor/spec.ts";
import type { Journal } from "../../journal/journal.ts";
import type { SetAside } from "../../journal/store/store.ts";
import { StewardError } from "../../message/errors.ts";
import type { Failures } from "../../observe/alerts.ts";

/**
 * A journal that is an earlier state of itself, put back, goes on as another one, and says so.
 *
 *   itself ─▶ renewed (somebody proves that it is old; the core ends as failed) ─▶ another one, from its next opening on
 */
export interface RenewalOptions {
  readonly journal: Journal;
  /** Where it lies. */
  readonly path: string;
  readonly failures: Failures;
  /** What ends then; its supervisor opens the journal anew. */
  readonly core: FailingChild;
}

export class Renewal {
  readonly #options: RenewalOptions;
  #renewing = false;

  constructor(options: RenewalOptions) {
    this.#options = options;
    const { journal, failures } = options;
    const { restored } = journal;
    if (restored !== undefined) this.#told(restored);
    for (const text of journal.damaged) failures.report("journal-damaged", text, text);
    journal.onSetAside((row) => this.#damaged(row));
  }

  renew(proof: string): void {
    if (this.#renewing) return;
    this.#renewing = true;
    const { journal } = this.#options;
    journal.renew();
    const restored = this.#told(proof);
    this.#fall(restored);
  }

  /** A row rotted while the daemon ran: the core ends, and what follows from it is done at the next opening. */
  #damaged({ table, key, fault }: SetAside): void {
    if (this.#renewing) return;
    this.#renewing = true;
    const { path } = this.#options;
    const text = `the row ${table} ${JSON.stringify(key)} is damaged: ${fault}`;
    const damaged = new StewardError("journal-damaged", { path, fault: text });
    this.#fall(damaged);
  }

  /** Once what follows from it is durable. */
  #fall(error: StewardError): void {
    const { journal, core } = this.#options;
    journal.flushed().then(
      () => core.fail(error),
      (unwritten) => core.fail(unwritten),
    );
  }

  #told(proof: string): StewardError {
    const { path, failures } = this.#options;
    const restored = new StewardError("journal-restored", { path, proof });
    failures.report(restored.code, restored.message);
    return restored;
  }
}
