import type { FailingChild } from "../../actors/supervisor/spec.ts";
import type { Journal } from "../../journal/journal.ts";
import type { SetAside } from "../../journal/store/store.ts";
import { StewardError } from "../../message/errors.ts";
import type { Failures } from "../../observe/alerting/failures.ts";

/**
 * A journal that was rolled back to an earlier state of itself (a restored disk) is given a new epoch, and alerts.
 *
 *   current ─▶ renewed (a proof that it is old; the core ends as failed) ─▶ another epoch, from its next opening on
 */
export interface RenewalOptions {
  readonly journal: Journal;
  readonly path: string;
  readonly failures: Failures;
  /** The core fails on a renewal; its supervisor opens the journal anew. */
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

  /** A row rotted while the daemon ran: the core fails, and the next opening of the journal mends the row. */
  #damaged({ table, key, fault }: SetAside): void {
    if (this.#renewing) return;
    this.#renewing = true;
    const { path } = this.#options;
    const text = `the row ${table} ${JSON.stringify(key)} is damaged: ${fault}`;
    const damaged = new StewardError("journal-damaged", { path, fault: text });
    this.#fall(damaged);
  }

  /** Fails the core once the renewal is durable. */
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
